/**
 * The way of output from the socket onto the screen. Little is handed to the screen at a time, so that a flood never
 * blocks the page; what it has really shown is acknowledged, so that a program cannot run ahead of its reader.
 */

export interface Screen {
  /** Show bytes; `shown` is called once they have been. */
  write(data: Uint8Array, shown: () => void): void;
}

export interface Timers {
  set(callback: () => void, milliseconds: number): number;
  clear(id: number): void;
}

export const REAL_TIMERS: Timers = {
  set: (callback, milliseconds) => setTimeout(callback, milliseconds) as unknown as number,
  clear: (id) => clearTimeout(id),
};

/** Acknowledge at the latest after so many bytes or milliseconds. */
export const ACK_BYTES = 64 * 1024;
export const ACK_MS = 50;
/** How much the screen may have in hand; what comes on top waits here and is joined into larger pieces. */
export const IN_HAND = 128 * 1024;
const LARGEST_PIECE = 64 * 1024;

export class Flow {
  private waiting: (Uint8Array | (() => void))[] = [];
  private inHand = 0;
  private shown = 0;
  private timer: number | null = null;
  private round = 0;

  constructor(
    private readonly screen: Screen,
    private readonly acknowledge: (bytes: number) => void,
    private readonly timers: Timers = REAL_TIMERS,
  ) {}

  /** Output arrived. */
  push(data: Uint8Array): void {
    if (data.length === 0) return;
    this.waiting.push(data);
    this.pump();
  }

  /** Call back once everything pushed so far has been shown, and before anything pushed later is. */
  mark(reached: () => void): void {
    this.waiting.push(reached);
    this.pump();
  }

  /** The connection these bytes came from is gone: nothing of it is shown or acknowledged any more. */
  restart(): void {
    this.round += 1;
    this.waiting = [];
    this.inHand = 0;
    this.shown = 0;
    if (this.timer !== null) this.timers.clear(this.timer);
    this.timer = null;
  }

  private pump(): void {
    while (this.waiting.length > 0 && this.inHand < IN_HAND) {
      const round = this.round;
      const first = this.waiting[0];
      if (typeof first === "function") {
        this.waiting.shift();
        this.screen.write(new Uint8Array(0), () => {
          if (round === this.round) first();
        });
        continue;
      }
      const piece = this.nextPiece();
      this.inHand += piece.length;
      this.screen.write(piece, () => {
        if (round === this.round) this.wasShown(piece.length);
      });
    }
  }

  private nextPiece(): Uint8Array {
    const taken: Uint8Array[] = [];
    let size = 0;
    for (const data of this.waiting) {
      if (typeof data === "function" || (size > 0 && size + data.length > LARGEST_PIECE)) break;
      taken.push(data);
      size += data.length;
    }
    this.waiting.splice(0, taken.length);
    if (taken.length === 1 && taken[0]) return taken[0];
    const joined = new Uint8Array(size);
    let offset = 0;
    for (const data of taken) {
      joined.set(data, offset);
      offset += data.length;
    }
    return joined;
  }

  private wasShown(bytes: number): void {
    this.inHand -= bytes;
    this.shown += bytes;
    if (this.shown >= ACK_BYTES) this.tell();
    else this.timer ??= this.timers.set(() => this.tell(), ACK_MS);
    this.pump();
  }

  private tell(): void {
    if (this.timer !== null) this.timers.clear(this.timer);
    this.timer = null;
    const bytes = this.shown;
    this.shown = 0;
    if (bytes > 0) this.acknowledge(bytes);
  }
}
