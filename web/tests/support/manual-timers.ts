// Timers that stand still until a test moves them on.
import type { Timers } from '../../src/core/outbox';

interface Due {
  readonly at: number;
  readonly n: number;
  readonly run: () => void;
}

export class ManualTimers implements Timers {
  #now = 0;
  #count = 0;
  #due: Due[] = [];
  /** What `random` gives. */
  chance = 0.5;

  now(): number {
    return this.#now;
  }

  random(): number {
    return this.chance;
  }

  after(ms: number, run: () => void): () => void {
    this.#count += 1;
    const due = { at: this.#now + ms, n: this.#count, run };
    this.#due.push(due);
    return () => {
      this.#due = this.#due.filter((other) => other !== due);
    };
  }

  /** Lets `ms` pass; whatever becomes due runs at its own moment. */
  pass(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const [next] = this.#due.toSorted((a, b) => a.at - b.at || a.n - b.n);
      if (next === undefined || next.at > end) break;
      this.#due = this.#due.filter((other) => other !== next);
      this.#now = next.at;
      next.run();
    }
    this.#now = end;
  }
}

/** The same numbers between 0 and 1 for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
