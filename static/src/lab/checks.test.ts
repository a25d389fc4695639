import { describe, expect, test } from "vitest";
import { applyAnswer, applyChecks, lookOf } from "./checks";
import type { Attempt, Check, Step } from "./model";

function check(name: string, over: Partial<Check> = {}): Check {
  const open = { outcome: null, held: false, lost: false, points: 0, of: 2, expected: "", observed: "", hint: "" };
  return { check: name, title: `Title of ${name}`, ...open, ...over };
}

const HELD = { outcome: "passed", held: true, points: 2 } as const;
const LOST = { outcome: "failed", held: false, lost: true, points: 2 } as const;

function attemptWith(...checks: Check[]): Attempt {
  const step: Step = { slug: "networks", number: 1, title: "Networks", done: false, terminal: true, checks, quizzes: [], recordings: [] };
  return {
    attempt: "a",
    title: "Lab",
    steps: [step, { ...step, slug: "other", number: 2, checks: [check("x")] }],
    current_step: "networks",
    score: 0,
    of: 4,
    submitted_at: null,
    graded: false,
    sandbox: null,
  };
}

describe("results of checks", () => {
  test("a check that holds is news once, with the score", () => {
    const first = applyChecks(attemptWith(check("one"), check("two")), {
      step: "networks",
      results: [check("one", HELD)],
      score: 2,
      of: 4,
    });
    expect(first.gained.map((gained) => gained.check)).toEqual(["one"]);
    expect(first.attempt.score).toBe(2);
    expect(first.attempt.steps[0]?.checks.map((one) => one.held)).toEqual([true, false]);
    const again = applyChecks(first.attempt, { step: "networks", results: [check("one", HELD)], score: 2, of: 4 });
    expect(again.gained).toEqual([]);
  });

  test("one that held and does not any more is told, once", () => {
    const lost = applyChecks(attemptWith(check("one", HELD)), {
      step: "networks",
      results: [check("one", LOST)],
      score: 2,
      of: 4,
    });
    expect(lost.lost.map((one) => one.check)).toEqual(["one"]);
    const again = applyChecks(lost.attempt, { step: "networks", results: [check("one", LOST)], score: 2, of: 4 });
    expect(again.lost).toEqual([]);
  });

  test("a step is done when all of its checks have held", () => {
    const half = applyChecks(attemptWith(check("one"), check("two")), {
      step: "networks",
      results: [check("one", HELD)],
      score: 2,
      of: 4,
    });
    expect(half.finished).toBeNull();
    const whole = applyChecks(half.attempt, { step: "networks", results: [check("two", HELD)], score: 4, of: 4 });
    expect(whole.finished?.slug).toBe("networks");
    expect(whole.attempt.steps[0]?.done).toBe(true);
    expect(whole.attempt.steps[1]?.done).toBe(false);
    const broken = applyChecks(whole.attempt, { step: "networks", results: [check("two", LOST)], score: 4, of: 4 });
    expect(broken.attempt.steps[0]?.done).toBe(true);
  });

  test("a step with a question is done when that is answered, too", () => {
    const quiz = { quiz: "why", answered: false, choice: null, correct: null };
    const start = attemptWith(check("one"));
    const asking: Attempt = { ...start, steps: start.steps.map((step) => ({ ...step, quizzes: [quiz] })) };
    const held = applyChecks(asking, { step: "networks", results: [check("one", HELD)], score: 2, of: 4 });
    expect(held.finished).toBeNull();
    const answered = applyAnswer(held.attempt, "networks", { ...quiz, answered: true, choice: 2, correct: false });
    expect(answered.finished?.slug).toBe("networks");
  });

  test("steps and checks that the page does not know change nothing but the score", () => {
    const before = attemptWith(check("one"));
    const unknown = applyChecks(before, { step: "nowhere", results: [check("one", HELD)], score: 3, of: 4 });
    expect(unknown.attempt.steps).toEqual(before.steps);
    expect(unknown.attempt.score).toBe(3);
    const other = applyChecks(before, { step: "networks", results: [check("new", HELD)], score: 1, of: 4 });
    expect(other.attempt.steps[0]?.checks.map((one) => one.check)).toEqual(["one"]);
    expect(other.gained).toEqual([]);
  });
});

describe("how a check looks", () => {
  test("tells open, held, failed, lost and what is nobody's fault", () => {
    expect(lookOf(check("one"))).toBe("open");
    expect(lookOf(check("one", HELD))).toBe("held");
    expect(lookOf(check("one", LOST))).toBe("lost");
    expect(lookOf(check("one", { outcome: "failed" }))).toBe("failed");
    expect(lookOf(check("one", { outcome: "broken" }))).toBe("broken");
    expect(lookOf(check("one", { outcome: "unreachable" }))).toBe("unreachable");
  });

  test("what was earned on machines that are gone still counts", () => {
    expect(lookOf(check("one", { outcome: "passed", points: 2 }))).toBe("earned");
  });
});
