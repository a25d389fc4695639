/**
 * A recording as files have it, made into what can be played: output, chapters, captions, and the cluster at each moment.
 * Pure. Whatever in a file makes no sense is left out or ends the reading, and never throws further than the caller.
 */

import { type Changes, Cluster, type Snapshot } from "../picture/snapshot";

export interface Timed<T> {
  at: number;
  value: T;
}

export interface Recording {
  columns: number;
  rows: number;
  seconds: number;
  output: readonly Timed<string>[];
  chapters: readonly Timed<string>[];
  captions: readonly Timed<string>[];
}

export interface RecordedMachine {
  name: string;
  kind: string;
  state: string;
}

export interface RecordedPicture {
  machines: readonly RecordedMachine[];
  snapshots: readonly Timed<Snapshot>[];
}

const CHAPTER = "# ";
/** Chapters so near, in seconds, are where one is already. */
const AT_HAND = 0.5;
const LONGEST_SECONDS = 3600;

/** The recording in this text (asciicast v2). Throws when there is none in it. */
export function parseRecording(text: string): Recording {
  const [head = "", ...lines] = text.split("\n").filter((line) => line.trim() !== "");
  const header = JSON.parse(head) as { version?: unknown; width?: unknown; height?: unknown };
  if (header.version !== 2 || !isSize(header.width) || !isSize(header.height)) throw new Error("not an asciicast v2");
  const output: Timed<string>[] = [];
  const chapters: Timed<string>[] = [];
  const captions: Timed<string>[] = [];
  let seconds = 0;
  for (const line of lines) {
    const [at, code, data] = JSON.parse(line) as [unknown, unknown, unknown];
    if (typeof at !== "number" || typeof data !== "string" || !(at >= seconds) || at > LONGEST_SECONDS) continue;
    seconds = at;
    if (code === "o") output.push({ at, value: data });
    else if (code === "m" && data.startsWith(CHAPTER)) chapters.push({ at, value: data.slice(CHAPTER.length) });
    else if (code === "m") captions.push({ at, value: data });
  }
  return { columns: header.width, rows: header.height, seconds, output, chapters, captions };
}

function isSize(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 0 && (value as number) <= 500;
}

/** The cluster at each moment at which it changed. Throws when the text is no JSON. */
export function parsePicture(text: string): RecordedPicture {
  const file = JSON.parse(text) as { machines?: RecordedMachine[]; events?: [number, Change][] };
  const cluster = new Cluster();
  cluster.follow("recording");
  const snapshots: Timed<Snapshot>[] = [];
  let sequence = 0;
  for (const [at, { snapshot, changes }] of file.events ?? []) {
    sequence += 1;
    const event = { sandbox: "recording", sequence, ...(snapshot ? { snapshot } : {}), ...(changes ? { changes } : {}) };
    if (cluster.hear(event) === "news") snapshots.push({ at, value: cluster.snapshot });
  }
  const machines = (file.machines ?? []).map(({ name, kind }) => ({ name, kind, state: "ready" }));
  return { machines, snapshots };
}

interface Change {
  snapshot?: Snapshot;
  changes?: Changes;
}

/** How many of these have happened by then; they are in order. */
export function countUntil(timed: readonly Timed<unknown>[], moment: number): number {
  let low = 0;
  let high = timed.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((timed[middle] as Timed<unknown>).at <= moment) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The latest of these by then. */
export function latest<T>(timed: readonly Timed<T>[], moment: number): Timed<T> | undefined {
  return timed[countUntil(timed, moment) - 1];
}

/** What is said at a moment: a chapter begins in silence. */
export function captionAt(recording: Recording, moment: number): string {
  const caption = latest(recording.captions, moment);
  const chapter = latest(recording.chapters, moment);
  return caption && (!chapter || caption.at >= chapter.at) ? caption.value : "";
}

/** Where the chapter before or after begins. Back from well inside a chapter leads to its own beginning. */
export function chapterFrom(recording: Recording, moment: number, direction: -1 | 1): number {
  const starts = recording.chapters.map((chapter) => chapter.at);
  if (direction > 0) return starts.find((start) => start > moment + AT_HAND) ?? recording.seconds;
  return starts.filter((start) => start < moment - 2).at(-1) ?? 0;
}

/** “1:05” */
export function clockText(seconds: number): string {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
