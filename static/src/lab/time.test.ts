import { describe, expect, test } from "vitest";
import { dueWarning, timeLeft } from "./time";

const MINUTE = 60_000;

describe("time left, in words", () => {
  test("hours and minutes, then minutes, then minutes and seconds", () => {
    expect(timeLeft(95 * MINUTE)).toBe("1 h 35 min left");
    expect(timeLeft(43 * MINUTE + 30_000)).toBe("43 min left");
    expect(timeLeft(5 * MINUTE)).toBe("5 min left");
    expect(timeLeft(4 * MINUTE + 5_000)).toBe("4:05 left");
    expect(timeLeft(59_000)).toBe("0:59 left");
  });

  test("is over at the end, not a moment before", () => {
    expect(timeLeft(1)).toBe("0:01 left");
    expect(timeLeft(0)).toBe("Time is over");
    expect(timeLeft(-MINUTE)).toBe("Time is over");
  });
});

describe("warnings before the end", () => {
  const none = new Set<number>();

  test("come at ten minutes and at two, each once", () => {
    expect(dueWarning(11 * MINUTE, none)).toBeNull();
    expect(dueWarning(10 * MINUTE, none)).toBe(10);
    expect(dueWarning(9 * MINUTE, new Set([10]))).toBeNull();
    expect(dueWarning(2 * MINUTE, new Set([10]))).toBe(2);
    expect(dueWarning(1 * MINUTE, new Set([10, 2]))).toBeNull();
  });

  test("a page opened late gives only the urgent one", () => {
    expect(dueWarning(90_000, none)).toBe(2);
  });

  test("nothing is warned of when it is over", () => {
    expect(dueWarning(0, none)).toBeNull();
  });
});
