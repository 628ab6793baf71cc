// What the pipeline remembers, and how long it computed. Python keeps nothing between two calls; a page does,
// since its reader moves one setting at a time.

const KEPT = 6; // results of each stage: a graph of 784 tokens takes 5 MB

/** A text that names a stage's result: what it was made from, and the settings that it depends on. */
export function keyOf(from, settings, names) {
  return JSON.stringify([from, names.map((name) => [name, settings[name]])]);
}

/** A memory of the last few results of each stage. */
export function createMemory() {
  const stages = new Map(), photos = new WeakMap();
  let spent = {}, count = 0;

  /** What was remembered under the key: {value}, or undefined. The last used is forgotten last. */
  function recall(stage, key) {
    if (!stages.has(stage)) stages.set(stage, new Map());
    const kept = stages.get(stage), found = kept.get(key);
    if (found) {
      kept.delete(key);
      kept.set(key, found);
    }
    return found;
  }

  function keep(stage, key, value) {
    const kept = stages.get(stage);
    kept.set(key, { value });
    if (kept.size > KEPT) kept.delete(kept.keys().next().value);
    return value;
  }

  return {
    /** A new run: its clock starts at zero. */
    restart: () => (spent = {}),

    /** A number for each photo, since two photos may have one name. */
    keyOfPhoto(photo) {
      if (!photos.has(photo)) photos.set(photo, count++);
      return photos.get(photo);
    },

    /** The stage's result under this key, computed where it is not remembered. */
    get(stage, key, compute) {
      const found = recall(stage, key);
      if (found) return found.value;
      const begin = performance.now(), value = compute();
      spent[stage] = (spent[stage] || 0) + performance.now() - begin;
      return keep(stage, key, value);
    },

    /** The same for a stage that tells of its steps: {stage, ...} of each; a step's own time counts alone. */
    *getInSteps(stage, key, start) {
      const found = recall(stage, key);
      if (found) return found.value;
      const steps = start();
      for (;;) {
        const begin = performance.now(), step = steps.next();
        spent[stage] = (spent[stage] || 0) + performance.now() - begin;
        if (step.done) return keep(stage, key, step.value);
        yield { stage, ...step.value };
      }
    },

    /** What each stage took in this run; 0 where it was remembered. */
    milliseconds: (names) => Object.fromEntries(names.map((name) => [name, spent[name] || 0])),
  };
}
