/** Questions in the guide: an answer goes to the server, which says whether it is right and why. */

import { byId, make } from "../shared/dom";
import { say } from "../shared/texts";
import type { Quiz } from "./model";

export interface Verdict {
  correct: boolean;
  /** Safe HTML, rendered and cleaned by the server. */
  explanation: string;
}

type Judge = (quiz: string, choice: number) => Promise<Verdict | null>;

export class Quizzes {
  private readonly body = byId("guide-body");

  constructor(private readonly judge: Judge) {
    this.body.addEventListener("submit", (event) => {
      const form = event.target;
      if (!(form instanceof HTMLFormElement) || !form.matches("form.quiz")) return;
      event.preventDefault();
      void this.answer(form);
    });
    this.body.addEventListener("change", (event) => {
      // What was said was about the answer before.
      const form = event.target instanceof Element ? event.target.closest<HTMLFormElement>("form.quiz") : null;
      if (form) delete form.dataset.verdict;
    });
  }

  /** Show what was answered before. */
  restore(quizzes: readonly Quiz[]): void {
    for (const quiz of quizzes) {
      const form = this.body.querySelector<HTMLFormElement>(`form.quiz[data-quiz="${CSS.escape(quiz.quiz)}"]`);
      if (!form || !quiz.answered || form.dataset.verdict) continue;
      const input = choiceInput(form, quiz.choice);
      mark(form, input, quiz.correct === true);
      explain(form, make("p", { text: say(quiz.correct ? "quiz-was-right" : "quiz-was-wrong") }));
    }
  }

  private async answer(form: HTMLFormElement): Promise<void> {
    const chosen = form.querySelector<HTMLInputElement>('input[name="choice"]:checked');
    if (!chosen) return explain(form, make("p", { text: say("quiz-choose") }));
    const button = form.querySelector("button");
    if (form.getAttribute("aria-busy") === "true") return;
    form.setAttribute("aria-busy", "true");
    button?.setAttribute("aria-disabled", "true");
    const verdict = await this.judge(form.dataset.quiz ?? "", Number.parseInt(chosen.value, 10));
    form.removeAttribute("aria-busy");
    button?.removeAttribute("aria-disabled");
    if (!verdict) return;
    mark(form, chosen, verdict.correct);
    const words = make("div");
    words.innerHTML = verdict.explanation;
    explain(form, make("p", { class: "quiz-verdict", text: say(verdict.correct ? "quiz-right" : "quiz-wrong") }), words);
  }
}

function choiceInput(form: HTMLFormElement, choice: number | null): HTMLInputElement | null {
  const inputs = [...form.querySelectorAll<HTMLInputElement>('input[name="choice"]')];
  return inputs.find((input) => input.value === String(choice)) ?? null;
}

function mark(form: HTMLFormElement, input: HTMLInputElement | null, correct: boolean): void {
  form.dataset.verdict = correct ? "right" : "wrong";
  // Colour alone tells nobody who cannot see it: the sentence below says the same.
  if (input) input.checked = true;
}

function explain(form: HTMLFormElement, ...words: HTMLElement[]): void {
  form.querySelector(".quiz-explanation")?.replaceChildren(...words);
}
