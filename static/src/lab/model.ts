/** What the server tells the lab page (slipway/attempts/selectors.py and sandboxes/selectors.py), as types. */

import type { ClusterEvent, TrafficEvent } from "../picture/snapshot";

export type Outcome = "passed" | "failed" | "broken" | "unreachable";

export interface Check {
  check: string;
  title: string;
  outcome: Outcome | null;
  held: boolean;
  /** It held once and does not now. */
  lost: boolean;
  points: number;
  of: number;
  expected: string;
  observed: string;
  hint: string;
}

export interface Quiz {
  quiz: string;
  answered: boolean;
  choice: number | null;
  correct: boolean | null;
}

export interface Watching {
  recording: string;
  seconds: number;
  /** A digit for each second, “1” where it was played. */
  seen: string;
  watched: boolean;
}

export interface Step {
  slug: string;
  number: number;
  title: string;
  done: boolean;
  /** Whether this step is worked on in a terminal. */
  terminal: boolean;
  checks: readonly Check[];
  quizzes: readonly Quiz[];
  recordings: readonly Watching[];
}

export type SandboxState = "requested" | "starting" | "ready" | "stopping" | "gone" | "failed";

export interface Sandbox {
  sandbox: string;
  state: SandboxState;
  phase: string;
  phases: readonly { name: string; ms: number }[];
  place: number | null;
  usual_seconds: number | null;
  reason: string;
  sentence: string;
  expires_at: string | null;
  nodes: readonly { name: string; kind: string; state: string }[];
}

export interface Attempt {
  attempt: string;
  title: string;
  steps: readonly Step[];
  current_step: string;
  score: number;
  of: number;
  submitted_at: string | null;
  graded: boolean;
  sandbox: Sandbox | null;
}

export interface ChecksEvent {
  step: string;
  results: readonly Check[];
  score: number;
  of: number;
}

export type LabEvent =
  | ({ type: "overview" } & Attempt)
  | ({ type: "sandbox" } & Sandbox)
  | ({ type: "checks" } & ChecksEvent)
  | { type: "watched"; step: string; recording: string; watched: boolean }
  | { type: "checking"; step: string; running: boolean }
  | { type: "submitted"; score: number; of: number }
  | { type: "notice"; level: "info" | "warning" | "error"; sentence: string }
  | ({ type: "cluster" } & ClusterEvent)
  | ({ type: "traffic" } & TrafficEvent)
  | { type: "pong" };

export interface Config {
  attempt: string;
  urls: Readonly<
    Record<
      | "guide"
      | "preview"
      | "preview_window"
      | "step"
      | "check"
      | "hint"
      | "quiz"
      | "watched"
      | "extend"
      | "unplug"
      | "stop"
      | "restart"
      | "submit"
      | "result"
      | "events"
      | "terminal",
      string
    >
  >;
  step: string;
  csrf: string;
  /** How previews can be shown at this address; with "none" the server says why. */
  previews: "frame" | "window" | "none";
  /** Whether the learner gets machines; without, there is only something to watch. */
  machines: boolean;
  /** The nodes that this exercise lets the learner unplug. */
  unplug: readonly string[];
}

const TYPES: ReadonlySet<unknown> = new Set([
  "overview",
  "sandbox",
  "checks",
  "watched",
  "checking",
  "submitted",
  "notice",
  "cluster",
  "traffic",
  "pong",
]);

/** An event from a message of the server's, or null for what this page does not know. */
export function parseEvent(message: unknown): LabEvent | null {
  if (typeof message !== "string") return null;
  try {
    const value = JSON.parse(message) as { type?: unknown } | null;
    return TYPES.has(value?.type) ? (value as LabEvent) : null;
  } catch {
    return null;
  }
}
