// torch's random numbers, so that a seed means the same here as in Python.
// Twin: torch.Generator().manual_seed(seed) on the CPU, a Mersenne twister (Matsumoto and Nishimura 1998).

const STATES = 624; // the twister's memory, in numbers of 32 bits
const SHIFT = 397;

/** Twin: torch.Generator. `new Generator(seed)`; each call of `next` gives a whole number of 32 bits. */
export class Generator {
  constructor(seed = 0) {
    this.state = new Uint32Array(STATES);
    this.state[0] = Number(BigInt.asUintN(32, BigInt(seed)));
    for (let i = 1; i < STATES; i++) {
      const before = this.state[i - 1] ^ (this.state[i - 1] >>> 30);
      this.state[i] = Math.imul(1812433253, before) + i;
    }
    this.place = STATES;
  }

  next() {
    if (this.place === STATES) this.twist();
    let y = this.state[this.place++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  twist() {
    const s = this.state;
    for (let i = 0; i < STATES; i++) {
      const y = (s[i] & 0x80000000) | (s[(i + 1) % STATES] & 0x7fffffff);
      s[i] = s[(i + SHIFT) % STATES] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.place = 0;
  }
}

/** Twin: torch.rand(count, generator=generator): numbers in [0, 1) with the 24 bits that a float32 holds. */
export function uniform(count, generator) {
  return Float64Array.from({ length: count }, () => (generator.next() & 0xffffff) / 2 ** 24);
}

/** Twin: torch.randperm(count, generator=generator): 0 to count - 1 in a random order. */
export function shuffled(count, generator) {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  for (let i = 0; i < count - 1; i++) {
    const j = i + (generator.next() % (count - i));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
