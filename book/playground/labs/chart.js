/* Two drawings: a histogram with marks, and a curve with a level and a point. In the text's own colour. */

import { figure } from "../elements.js";
import { drawn } from "./controls.js";

const WIDTH = 260; // in units of the drawing
const HEIGHT = 130;
const FOOT = 20; // for the numbers below

/** How many values fall into each of `count` equal bins from low to high; what lies outside goes to the ends. */
export function binned(values, low, high, count) {
  const bins = new Float64Array(count), scale = count / (high - low || 1);
  for (const value of values) bins[Math.min(count - 1, Math.max(0, Math.floor((value - low) * scale)))] += 1;
  return bins;
}

function board(low, high, digits) {
  const svg = drawn("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", class: "lab-chart" });
  svg.append(drawn("line", { x1: 0, x2: WIDTH, y1: HEIGHT - FOOT, y2: HEIGHT - FOOT, class: "lab-axis" }));
  const number = (value, x, anchor) =>
    svg.append(drawn("text", { x, y: HEIGHT - 5, "text-anchor": anchor }, figure(value, digits)));
  number(low, 0, "start");
  number(high, WIDTH, "end");
  return svg;
}

/** Bars over [low, high]. `marks`: [{value, name, kind}], upright lines with a name at the top. */
export function histogram(bins, [low, high], marks = [], digits = 1) {
  const svg = board(low, high, digits), most = bins.reduce((a, b) => Math.max(a, b), 1);
  const wide = WIDTH / bins.length, room = HEIGHT - FOOT - 16;
  bins.forEach((count, i) => {
    const height = (room * count) / most, y = HEIGHT - FOOT - height;
    const bar = { x: i * wide, y, width: Math.max(0.5, wide - 0.6), height, class: "lab-bar" };
    if (count) svg.append(drawn("rect", bar));
  });
  for (const { value, name, kind = "lab-mark" } of marks) {
    upright(svg, (WIDTH * (value - low)) / (high - low), name, kind);
  }
  return svg;
}

function upright(svg, x, name, kind) {
  svg.append(drawn("line", { x1: x, x2: x, y1: 14, y2: HEIGHT - FOOT, class: kind }));
  const anchor = x > 0.85 * WIDTH ? "end" : x < 0.15 * WIDTH ? "start" : "middle";
  svg.append(drawn("text", { x, y: 10, "text-anchor": anchor }, name));
}

/** A curve of [x, y] points over [low, high] and [0, top], a dashed `level` {value, name}, and a point on it. */
export function curve(points, [low, high], top, level, at) {
  const svg = board(low, high, 2), room = HEIGHT - FOOT - 6;
  const place = ([x, y]) => [(WIDTH * (x - low)) / (high - low), HEIGHT - FOOT - room * Math.min(1, y / top)];
  const line = points.map((point) => place(point).map((value) => value.toFixed(1)).join()).join(" ");
  svg.append(drawn("polyline", { points: line, class: "lab-curve" }));
  const y = place([low, level.value])[1];
  svg.append(drawn("line", { x1: 0, x2: WIDTH, y1: y, y2: y, class: "lab-level" }));
  svg.append(drawn("text", { x: 4, y: y - 4 }, level.name));
  const [cx, cy] = place(at);
  svg.append(drawn("circle", { cx, cy, r: 5, class: "lab-point" }));
  return svg;
}
