/** The steps at the top, the score, and the way back and on. */

import { byId, setText } from "../shared/dom";
import { say } from "../shared/texts";
import type { Attempt, Step } from "./model";

export class Steps {
  private readonly list = byId("steps");
  private readonly previous = byId<HTMLButtonElement>("previous-step");
  private readonly next = byId<HTMLButtonElement>("next-step");
  private readonly score = byId("score");
  private before: Step | undefined;
  private after: Step | undefined;

  constructor(goTo: (step: string) => void) {
    this.list.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-step]") : null;
      if (button?.dataset.step) goTo(button.dataset.step);
    });
    this.previous.addEventListener("click", () => this.before && goTo(this.before.slug));
    this.next.addEventListener("click", () => this.after && goTo(this.after.slug));
  }

  show(attempt: Attempt, shown: string): void {
    const at = attempt.steps.findIndex((step) => step.slug === shown);
    this.before = attempt.steps[at - 1];
    this.after = attempt.steps[at + 1];
    this.previous.disabled = !this.before;
    this.next.disabled = !this.after;
    setText(this.score, say("score", { score: attempt.score, of: attempt.of }));
    for (const step of attempt.steps) this.mark(step, step.slug === shown);
  }

  private mark(step: Step, current: boolean): void {
    const button = this.list.querySelector<HTMLElement>(`[data-step="${CSS.escape(step.slug)}"]`);
    if (!button) return;
    button.toggleAttribute("data-done", step.done);
    if (current && !button.hasAttribute("aria-current")) button.scrollIntoView({ block: "nearest", inline: "center" });
    if (current) button.setAttribute("aria-current", "step");
    else button.removeAttribute("aria-current");
    const spoken = say(step.done ? "step-done" : "step-open", { number: step.number, title: step.title });
    setText(button.querySelector<HTMLElement>(".visually-hidden"), spoken);
  }
}
