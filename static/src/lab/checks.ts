/** What results of checks change in an attempt. Pure: takes one attempt, gives the next, says what is new. */

import type { Attempt, Check, ChecksEvent, Step } from "./model";

export interface Change {
  attempt: Attempt;
  /** Checks that hold now and did not before. */
  gained: readonly Check[];
  /** Checks that held and do not any more. */
  lost: readonly Check[];
  /** The step, if it became done by this. */
  finished: Step | null;
}

/** What a check looks like to the learner. */
export type Look = "open" | "held" | "earned" | "failed" | "lost" | "broken" | "unreachable";

export function lookOf(check: Check): Look {
  if (check.held) return "held";
  if (check.lost) return "lost";
  // Earned on machines that are gone: it counts, whatever the new ones say.
  if (check.points > 0 && check.outcome !== "failed") return "earned";
  switch (check.outcome) {
    case "failed":
    case "broken":
    case "unreachable":
      return check.outcome;
    default:
      return "open";
  }
}

function isEarned(check: Check): boolean {
  return check.held || check.lost || check.points > 0;
}

function isDone(step: Step): boolean {
  return step.checks.every(isEarned) && step.quizzes.every((quiz) => quiz.answered) && step.recordings.every((one) => one.watched);
}

/** The attempt after some results. Unknown steps and checks change nothing. */
export function applyChecks(attempt: Attempt, event: ChecksEvent): Change {
  const before = attempt.steps.find((step) => step.slug === event.step);
  const scored: Attempt = { ...attempt, score: event.score, of: event.of };
  if (!before) return { attempt: scored, gained: [], lost: [], finished: null };
  const news = new Map(event.results.map((result) => [result.check, result]));
  const checks = before.checks.map((check) => news.get(check.check) ?? check);
  const pairs = checks.map((now, index) => ({ now, then: before.checks[index] }));
  const step = withDone({ ...before, checks });
  return {
    attempt: replaced(scored, step),
    gained: pairs.filter(({ now, then }) => now.held && !then?.held).map(({ now }) => now),
    lost: pairs.filter(({ now, then }) => now.lost && then?.held).map(({ now }) => now),
    finished: step.done && !before.done ? step : null,
  };
}

/** The attempt after a quiz was answered. */
export function applyAnswer(attempt: Attempt, slug: string, answer: Quiz): Change {
  const before = attempt.steps.find((step) => step.slug === slug);
  if (!before) return { attempt, gained: [], lost: [], finished: null };
  const quizzes = before.quizzes.map((quiz) => (quiz.quiz === answer.quiz ? answer : quiz));
  const step = withDone({ ...before, quizzes });
  return {
    attempt: replaced(attempt, step),
    gained: [],
    lost: [],
    finished: step.done && !before.done ? step : null,
  };
}

/** The attempt after more of a recording was played. */
export function applyWatching(attempt: Attempt, slug: string, news: Watched): Change {
  const before = attempt.steps.find((step) => step.slug === slug);
  if (!before) return { attempt, gained: [], lost: [], finished: null };
  const recordings = before.recordings.map((one) =>
    one.recording === news.recording ? { ...one, seen: news.seen ?? one.seen, watched: news.watched } : one,
  );
  const step = withDone({ ...before, recordings });
  return { attempt: replaced(attempt, step), gained: [], lost: [], finished: step.done && !before.done ? step : null };
}

interface Watched {
  recording: string;
  seen?: string;
  watched: boolean;
}

type Quiz = Step["quizzes"][number];

/** A step that the server called done stays so: what was earned is not lost by what happens later. */
function withDone(step: Step): Step {
  return { ...step, done: step.done || isDone(step) };
}

function replaced(attempt: Attempt, step: Step): Attempt {
  return { ...attempt, steps: attempt.steps.map((one) => (one.slug === step.slug ? step : one)) };
}
