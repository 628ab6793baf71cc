/* What the reader did, one state after the other: the page's undo, and a lab's. */

const SOON = 1000; // ms: moves of one setting within this time are one step of undo

/** States one after the other, with undo and redo; what is undone and then changed is forgotten. */
export class StateHistory {
  constructor(state) {
    this.states = [state];
    this.at = 0;
    this.last = { name: "", time: 0 };
  }

  get state() {
    return this.states[this.at];
  }

  /** Whether there is a state `by` steps on. */
  has(by) {
    return Boolean(this.states[this.at + by]);
  }

  /** Go on to a state; a slider on its way (`name`: of its setting) makes one step, not hundreds. */
  push(state, name = "") {
    const now = Date.now();
    const goesOn = name && name === this.last.name && now - this.last.time < SOON;
    this.states.splice(this.at + 1, Infinity, state);
    if (goesOn) this.states.splice(this.at, 1);
    else this.at += 1;
    this.last = { name, time: now };
  }

  /** Put a state in the place of the present one. */
  amend(state) {
    this.states[this.at] = state;
  }

  /** Go `by` steps on; whether there was such a state. */
  move(by) {
    const there = this.has(by);
    if (there) this.at += by;
    this.last = { name: "", time: 0 };
    return there;
  }
}
