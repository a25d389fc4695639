import { describe, expect, test } from "vitest";
import { Backoff, RECONNECT } from "./backoff";

describe("waiting before trying again", () => {
  test("doubles up to the longest wait", () => {
    const backoff = new Backoff({ first: 300, longest: 5000, jitter: 0 });
    expect([1, 2, 3, 4, 5, 6, 7].map(() => backoff.next())).toEqual([300, 600, 1200, 2400, 4800, 5000, 5000]);
  });

  test("takes a random part off each wait, so that pages do not come back together", () => {
    expect(new Backoff(RECONNECT, () => 0).next()).toBe(300);
    expect(new Backoff(RECONNECT, () => 0.5).next()).toBe(240);
    expect(new Backoff(RECONNECT, () => 1).next()).toBe(180);
  });

  test("begins anew once a connection held", () => {
    const backoff = new Backoff({ first: 300, longest: 5000, jitter: 0 });
    backoff.next();
    backoff.next();
    backoff.reset();
    expect(backoff.next()).toBe(300);
  });

  test("stays at the longest wait however often it was tried", () => {
    const backoff = new Backoff({ first: 300, longest: 5000, jitter: 0 });
    for (let tries = 0; tries < 2000; tries += 1) backoff.next();
    expect(backoff.next()).toBe(5000);
  });
});
