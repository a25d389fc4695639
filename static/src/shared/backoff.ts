/**
 * How long to wait before trying again: doubling from `first` to `longest`, each time a random part less, so that many
 * pages that lost the same server do not all come back in the same instant.
 */

export interface Waits {
  /** Milliseconds. */
  first: number;
  longest: number;
  /** How much of a wait may be taken off at random, 0 to 1. */
  jitter: number;
}

export const RECONNECT: Waits = { first: 300, longest: 5000, jitter: 0.4 };

export class Backoff {
  private tries = 0;

  constructor(
    private readonly waits: Waits = RECONNECT,
    private readonly random: () => number = Math.random,
  ) {}

  /** Milliseconds to wait before the next try. */
  next(): number {
    const full = Math.min(this.waits.longest, this.waits.first * 2 ** Math.min(this.tries, 30));
    this.tries += 1;
    return Math.round(full * (1 - this.waits.jitter * this.random()));
  }

  reset(): void {
    this.tries = 0;
  }
}
