// The handlers of the figures that move. `frames.py` writes the body of each into the page as an attribute of its
// element, its line breaks as spaces: so a page needs no script of its own, and a body holds no comment.

// Serves both forms: it shows the slider's frame, says its value, and moves the mark.
function onInput(event) {
  const box = this.closest('.frames'), frames = box.querySelectorAll('.frame');
  frames.forEach((frame, i) => { frame.hidden = i !== +this.value; });
  const now = frames[+this.value].dataset, mark = box.querySelector('.chosen');
  box.querySelector('output').textContent = now.value;
  this.setAttribute('aria-valuetext', now.value);
  if (mark) { mark.style.left = now.left; mark.style.top = now.top; }
}

// Over a grid, up and down move by a row; left and right are the slider's own.
function onKey(event) {
  const rows = {ArrowUp: -1, ArrowDown: 1}[event.key];
  if (rows) {
    event.preventDefault();
    const to = +this.value + rows * this.closest('.frames').dataset.cols;
    if (to >= 0 && to <= +this.max) { this.value = to; this.dispatchEvent(new Event('input')); }
  }
}

// A click, a tap, or the mouse drawn over the image, sets the slider.
function onPoint(event) {
  if (event.type === 'click' || (event.pointerType === 'mouse' && event.buttons === 1)) {
    const area = this.getBoundingClientRect(), box = this.closest('.frames');
    const slider = box.querySelector('input');
    const cell = (at, size, n) => Math.min(n - 1, Math.max(0, Math.floor(at / size * n)));
    const i = cell(event.clientY - area.top, area.height, +box.dataset.rows);
    const j = cell(event.clientX - area.left, area.width, +box.dataset.cols);
    slider.value = i * box.dataset.cols + j;
    slider.dispatchEvent(new Event('input'));
    slider.focus({preventScroll: true});
  }
}
