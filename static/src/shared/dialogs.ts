/** A question that must be answered before anything happens. */

import { make, makeButton } from "./dom";
import { say } from "./texts";

interface Question {
  title: string;
  text: string;
  confirm: string;
}

/** Ask; false when the learner cancels or presses Escape. The focus goes back to where it was. */
export function confirmed(question: Question): Promise<boolean> {
  return new Promise((resolve) => {
    const dialog = make(
      "dialog",
      { class: "dialog", set: { "aria-labelledby": "question-title", "aria-describedby": "question-text" } },
      make("h2", { text: question.title, set: { id: "question-title" } }),
      make("p", { text: question.text, set: { id: "question-text" } }),
      make(
        "div",
        { class: "dialog-actions" },
        makeButton(say("cancel"), () => dialog.close("cancel"), { class: "button" }),
        makeButton(question.confirm, () => dialog.close("confirm"), { class: "button primary" }),
      ),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "confirm");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
