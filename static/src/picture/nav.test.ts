import { describe, expect, test } from "vitest";
import { nextPlace } from "./nav";

const RIGHT = [1, 0] as const;
const DOWN = [0, 1] as const;
const UP = [0, -1] as const;

describe("arrow keys", () => {
  const places = [
    { x: 0, y: 0 },
    { x: 100, y: 4 },
    { x: 200, y: 0 },
    { x: 10, y: 50 },
  ];

  test("go to the nearest part in their direction", () => {
    expect(nextPlace({ x: 0, y: 0 }, places, RIGHT)).toBe(1);
    expect(nextPlace({ x: 100, y: 4 }, places, RIGHT)).toBe(2);
    expect(nextPlace({ x: 0, y: 0 }, places, DOWN)).toBe(3);
  });

  test("stay where they are at the edge", () => {
    expect(nextPlace({ x: 200, y: 0 }, places, RIGHT)).toBe(-1);
    expect(nextPlace({ x: 0, y: 0 }, places, UP)).toBe(-1);
  });
});
