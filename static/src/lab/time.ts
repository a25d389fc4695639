/** How much time the machines have left: shown while the page is looked at, with a warning at 10 and at 2 minutes. */

import { announce, notify } from "../shared/announce";
import { serverNow } from "../shared/api";
import { byId, setText } from "../shared/dom";
import { say } from "../shared/texts";

export const WARN_AT_MINUTES = [10, 2] as const;

/** What is left, in words: minutes from five on, seconds below. */
export function timeLeft(milliseconds: number): string {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  if (seconds === 0) return say("time-over");
  const minutes = Math.floor(seconds / 60);
  if (minutes >= 60) return say("hours-left", { hours: Math.floor(minutes / 60), minutes: minutes % 60 });
  if (minutes >= 5) return say("minutes-left", { minutes });
  return say("seconds-left", { minutes, seconds: String(seconds % 60).padStart(2, "0") });
}

/** The warnings that are due with so much left, of those not given yet; the most urgent only. */
export function dueWarning(milliseconds: number, given: ReadonlySet<number>): number | null {
  if (milliseconds <= 0) return null;
  const due = WARN_AT_MINUTES.filter((minutes) => milliseconds <= minutes * 60_000);
  const most = due.at(-1);
  return most === undefined || given.has(most) ? null : most;
}

function levelOf(milliseconds: number): "info" | "warning" | "error" {
  if (milliseconds <= WARN_AT_MINUTES[1] * 60_000) return "error";
  return milliseconds <= WARN_AT_MINUTES[0] * 60_000 ? "warning" : "info";
}

export class Countdown {
  private end: number | null = null;
  private given = new Set<number>();
  private timer: ReturnType<typeof setInterval> | null = null;
  private withdraw: () => void = () => undefined;
  private readonly place = byId("time-left");

  constructor() {
    document.addEventListener("visibilitychange", () => this.tick());
  }

  /** When the machines end, or null when there is no end to show. */
  set(expiresAt: string | null): void {
    const end = expiresAt === null ? Number.NaN : Date.parse(expiresAt);
    const next = Number.isNaN(end) ? null : end;
    if (next === null || (this.end !== null && next > this.end + 1000)) this.forget(next);
    this.end = next;
    this.tick();
  }

  /** There is more time, or none to speak of: warnings that no longer hold go away and may be given again. */
  private forget(end: number | null): void {
    const left = end === null ? Infinity : end - serverNow();
    for (const minutes of this.given) if (left > minutes * 60_000) this.given.delete(minutes);
    if (dueWarning(left, new Set()) === null) this.withdraw();
  }

  private tick(): void {
    const running = this.end !== null && !document.hidden;
    if (running && this.timer === null) this.timer = setInterval(() => this.tick(), 1000);
    if (!running && this.timer !== null) {
      clearInterval(this.timer);
      this.timer = null;
    }
    if (this.end === null) {
      setText(this.place, "");
      delete this.place.dataset.level;
      return;
    }
    const left = this.end - serverNow();
    setText(this.place, timeLeft(left));
    this.place.dataset.level = levelOf(left);
    const warning = dueWarning(left, this.given);
    if (warning !== null) this.warn(warning, left);
  }

  private warn(minutes: number, left: number): void {
    for (const one of WARN_AT_MINUTES) if (one >= minutes) this.given.add(one);
    const sentence = left <= 60_000 ? say("warning-soon") : say("warning-minutes", { minutes: Math.max(2, Math.round(left / 60_000)) });
    this.withdraw();
    this.withdraw = notify("warning", sentence);
    announce(sentence);
  }
}
