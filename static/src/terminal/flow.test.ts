import { beforeEach, describe, expect, test } from "vitest";
import { ACK_BYTES, ACK_MS, Flow, IN_HAND, type Screen, type Timers } from "./flow";

/** A screen that shows what it was given when the test says so. */
class SlowScreen implements Screen {
  given: Uint8Array[] = [];
  private shown: (() => void)[] = [];

  write(data: Uint8Array, shown: () => void): void {
    this.given.push(data);
    this.shown.push(shown);
  }

  showOne(): void {
    this.shown.shift()?.();
  }

  showAll(): void {
    while (this.shown.length > 0) this.showOne();
  }

  get bytes(): number {
    return this.given.reduce((sum, data) => sum + data.length, 0);
  }
}

/** Timers that go off when the test says that time has passed. */
class HandTimers implements Timers {
  private now = 0;
  private next = 1;
  private due = new Map<number, { at: number; callback: () => void }>();

  set(callback: () => void, milliseconds: number): number {
    this.due.set(this.next, { at: this.now + milliseconds, callback });
    return this.next++;
  }

  clear(id: number): void {
    this.due.delete(id);
  }

  pass(milliseconds: number): void {
    this.now += milliseconds;
    for (const [id, { at, callback }] of this.due) {
      if (at > this.now) continue;
      this.due.delete(id);
      callback();
    }
  }
}

describe("the way of output onto the screen", () => {
  let screen: SlowScreen;
  let timers: HandTimers;
  let acknowledged: number[];
  let flow: Flow;

  beforeEach(() => {
    screen = new SlowScreen();
    timers = new HandTimers();
    acknowledged = [];
    flow = new Flow(screen, (bytes) => acknowledged.push(bytes), timers);
  });

  test("a keystroke's echo goes to the screen at once", () => {
    flow.push(new Uint8Array([65]));
    expect(screen.bytes).toBe(1);
  });

  test("nothing is acknowledged before it was shown", () => {
    flow.push(new Uint8Array(ACK_BYTES));
    timers.pass(10 * ACK_MS);
    expect(acknowledged).toEqual([]);
    screen.showAll();
    expect(acknowledged).toEqual([ACK_BYTES]);
  });

  test("little output is acknowledged together after a moment", () => {
    flow.push(new Uint8Array(3));
    flow.push(new Uint8Array(4));
    screen.showAll();
    expect(acknowledged).toEqual([]);
    timers.pass(ACK_MS);
    expect(acknowledged).toEqual([7]);
    timers.pass(ACK_MS);
    expect(acknowledged).toEqual([7]);
  });

  test("a flood reaches the screen in bounded amounts, and whole and in order in the end", () => {
    const pieces = 2000;
    for (let index = 0; index < pieces; index += 1) flow.push(new Uint8Array(1000).fill(index % 251));
    expect(screen.bytes).toBeLessThan(IN_HAND + ACK_BYTES);
    screen.showAll();
    timers.pass(ACK_MS);
    const all = screen.given.flatMap((data) => [...data]);
    expect(all.length).toBe(pieces * 1000);
    expect(all.every((value, index) => value === Math.floor(index / 1000) % 251)).toBe(true);
    expect(acknowledged.reduce((sum, bytes) => sum + bytes, 0)).toBe(pieces * 1000);
  });

  test("what waits is joined into few pieces", () => {
    for (let index = 0; index < 3000; index += 1) flow.push(new Uint8Array(100));
    screen.showAll();
    // The first 128 KiB go as they come; the other 170 KB wait and are joined.
    expect(screen.given.length).toBeLessThan(IN_HAND / 100 + 10);
  });

  test("a mark is reached after everything before it was shown, and before anything behind it", () => {
    const order: string[] = [];
    const slow: Screen = {
      write: (data, shown) => {
        order.push(`write ${data.length}`);
        shown();
      },
    };
    const flow = new Flow(slow, () => undefined, timers);
    flow.push(new Uint8Array(5));
    flow.mark(() => order.push("mark"));
    flow.push(new Uint8Array(7));
    expect(order).toEqual(["write 5", "write 0", "mark", "write 7"]);
  });

  test("a mark behind more than the screen may have in hand waits for all of it", () => {
    let reached = false;
    for (let index = 0; index < 10; index += 1) flow.push(new Uint8Array(IN_HAND / 2));
    flow.mark(() => (reached = true));
    screen.showOne();
    screen.showOne();
    expect(reached).toBe(false);
    screen.showAll();
    expect(reached).toBe(true);
  });

  test("bytes of a connection that is gone are never acknowledged on the next one", () => {
    flow.push(new Uint8Array(IN_HAND));
    flow.push(new Uint8Array(500));
    flow.restart();
    screen.showAll();
    timers.pass(ACK_MS);
    expect(acknowledged).toEqual([]);
    expect(screen.bytes).toBe(IN_HAND);
    flow.push(new Uint8Array(9));
    screen.showAll();
    timers.pass(ACK_MS);
    expect(acknowledged).toEqual([9]);
  });
});
