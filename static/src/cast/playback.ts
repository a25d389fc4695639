/** Where a playback is, how fast it goes, and which seconds were really played. Pure: somebody else says how time passes. */

export const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 2] as const;
/** After a longer pause between two ticks nobody was looking: a hidden page, a sleeping machine. */
const LONGEST_TICK = 0.25;

export class Playback {
  position = 0;
  playing = false;
  speed = 1;

  constructor(readonly seconds: number) {}

  get ended(): boolean {
    return this.position >= this.seconds;
  }

  play(): void {
    if (this.ended) this.position = 0;
    this.playing = true;
  }

  pause(): void {
    this.playing = false;
  }

  seek(position: number): void {
    this.position = Math.min(Math.max(position, 0), this.seconds);
  }

  /** So many seconds of real time have passed. */
  tick(elapsed: number): void {
    if (!this.playing) return;
    this.seek(this.position + Math.min(Math.max(elapsed, 0), LONGEST_TICK) * this.speed);
    if (this.ended) this.playing = false;
  }
}

/** Which seconds of a recording were played: a digit each, as the server keeps them. */
export class Seen {
  private readonly marks: boolean[];
  private told: number;

  constructor(seconds: number, before: string) {
    this.marks = Array.from({ length: Math.max(1, Math.ceil(seconds)) }, (_, second) => before[second] === "1");
    this.told = this.count;
  }

  mark(position: number): void {
    this.marks[Math.min(Math.floor(position), this.marks.length - 1)] = true;
  }

  get count(): number {
    return this.marks.filter(Boolean).length;
  }

  get percent(): number {
    return Math.floor((100 * this.count) / this.marks.length);
  }

  /** All that was seen, if at least so many seconds of it have not been told yet; else null. */
  news(atLeast: number): string | null {
    if (this.count - this.told < atLeast) return null;
    this.told = this.count;
    return this.marks.map((seen) => (seen ? "1" : "0")).join("");
  }
}
