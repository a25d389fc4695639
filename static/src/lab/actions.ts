/** What a learner can ask of the server. A refusal becomes a notice; callers only learn whether it worked. */

import { notify } from "../shared/announce";
import { getHtml, post, Refusal } from "../shared/api";
import type { Config } from "./model";
import type { Verdict } from "./quiz";

type Action = "step" | "check" | "hint" | "quiz" | "extend" | "unplug" | "stop" | "restart" | "submit";

export class Actions {
  constructor(private readonly config: Config) {}

  /** The guide of a step as HTML, or null when it could not be had. */
  guide(step: string): Promise<string | null> {
    return told(() => getHtml(this.config.urls.guide.replace("__STEP__", encodeURIComponent(step))));
  }

  async goTo(step: string): Promise<boolean> {
    return this.ask("step", { step });
  }

  async check(step: string): Promise<boolean> {
    return this.ask("check", { step });
  }

  async openHint(step: string, hint: number): Promise<boolean> {
    return this.ask("hint", { step, hint });
  }

  async answer(step: string, quiz: string, choice: number): Promise<Verdict | null> {
    const answer = await told(() => post(this.config.urls.quiz, this.config.csrf, { step, quiz, choice }));
    const verdict = answer as Partial<Verdict> | null;
    if (typeof verdict?.correct !== "boolean" || typeof verdict.explanation !== "string") return null;
    return { correct: verdict.correct, explanation: verdict.explanation };
  }

  /** Tell which seconds of a recording were played; whether it counts as watched, or null when that was refused. */
  async watched(step: string, recording: string, seen: string, read: boolean): Promise<boolean | null> {
    const answer = await told(() => post(this.config.urls.watched, this.config.csrf, { step, recording, seen, read }));
    const { watched } = (answer ?? {}) as { watched?: unknown };
    return typeof watched === "boolean" ? watched : null;
  }

  /** An address that opens a port of a node, once and within a minute; null when it was refused. */
  async preview(node: string, port: number): Promise<string | null> {
    const answer = await told(() => post(this.config.urls.preview, this.config.csrf, { node, port }));
    const { url } = (answer ?? {}) as { url?: unknown };
    return typeof url === "string" ? url : null;
  }

  async extend(): Promise<boolean> {
    return this.ask("extend");
  }

  async stop(): Promise<boolean> {
    return this.ask("stop");
  }

  async restart(): Promise<boolean> {
    return this.ask("restart");
  }

  async submit(): Promise<boolean> {
    return this.ask("submit");
  }

  /** Take a node's power away, or give it back. */
  async power(node: string, plugged: boolean): Promise<boolean> {
    return this.ask("unplug", { node, plugged });
  }

  private async ask(action: Action, body: Readonly<Record<string, unknown>> = {}): Promise<boolean> {
    return (await told(() => post(this.config.urls[action], this.config.csrf, body))) !== null;
  }
}

async function told<T>(request: () => Promise<T>): Promise<T | null> {
  try {
    return await request();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    notify("error", error.sentence);
    return null;
  }
}
