/** Handing the lab in: asked once more, then the last look at all checks, then the result page. */

import { announce, notify } from "../shared/announce";
import { byId, make, setText } from "../shared/dom";
import { say } from "../shared/texts";
import type { Attempt } from "./model";

const PATIENCE_MS = 120_000;

export class Submission {
  private readonly button = byId<HTMLButtonElement>("submit");
  private readonly dialog = byId<HTMLDialogElement>("submit-dialog");
  private awaiting = false;
  private slow: ReturnType<typeof setTimeout> | null = null;

  constructor(
    private readonly resultUrl: string,
    private readonly submit: () => Promise<boolean>,
  ) {
    this.button.addEventListener("click", () => {
      this.dialog.returnValue = "cancel";
      this.dialog.showModal();
    });
    this.dialog.addEventListener("close", () => {
      if (this.dialog.returnValue === "submit") void this.send();
    });
  }

  show(attempt: Attempt): void {
    if (attempt.submitted_at === null) return;
    this.button.disabled = true;
    if (!attempt.graded) this.wait();
    else if (this.awaiting) this.graded();
    else this.offerResult();
  }

  /** The score is final. */
  graded(): void {
    announce(say("submitted"));
    location.assign(this.resultUrl);
  }

  private async send(): Promise<void> {
    this.wait();
    if (await this.submit()) return;
    this.awaiting = false;
    if (this.slow !== null) clearTimeout(this.slow);
    this.button.disabled = false;
    this.button.removeAttribute("aria-busy");
    setText(this.button, this.button.dataset.label ?? "");
  }

  private wait(): void {
    if (this.awaiting) return;
    this.awaiting = true;
    this.button.disabled = true;
    this.button.setAttribute("aria-busy", "true");
    this.button.dataset.label = this.button.textContent?.trim() ?? "";
    setText(this.button, say("grading"));
    announce(say("grading"));
    this.slow = setTimeout(() => notify("info", say("grading-slow")), PATIENCE_MS);
  }

  /** The attempt was graded before this page was opened: it may be read again, and the result is one click away. */
  private offerResult(): void {
    const link = make("a", { class: "button primary", text: say("see-result"), set: { href: this.resultUrl, id: "result" } });
    this.button.replaceWith(link);
  }
}
