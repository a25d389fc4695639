/** Telling people things: quietly to screen readers, or as a notice that everybody sees and can dismiss. */

import { make, makeButton, maybe } from "./dom";
import { say } from "./texts";

export type Level = "info" | "warning" | "error";

const GOES_AFTER: Record<Level, number | null> = { info: 6000, warning: null, error: null };
const AT_MOST = 4;

/** Say something to screen readers when they have nothing else to say. */
export function announce(sentence: string): void {
  const announcer = maybe("announcer");
  if (!announcer) return;
  // The same sentence twice is no change, and would not be read again.
  announcer.textContent = announcer.textContent === sentence ? `${sentence}\u00a0` : sentence;
}

/** Show a notice. One that is already shown is not shown twice. What comes back takes it away again. */
export function notify(level: Level, sentence: string): () => void {
  const notices = maybe("notices");
  if (!notices || !sentence) return () => undefined;
  for (const shown of notices.querySelectorAll<HTMLElement>(".notice")) {
    if (shown.dataset.sentence === sentence) shown.remove();
  }
  const dismiss = makeButton("×", () => notice.remove(), {
    class: "notice-dismiss",
    set: { "aria-label": say("dismiss") },
  });
  const notice = make(
    "li",
    { class: "notice", set: { "data-level": level } },
    make("p", { text: sentence, set: { role: level === "error" ? "alert" : "status" } }),
    dismiss,
  );
  notice.dataset.sentence = sentence;
  notices.append(notice);
  while (notices.children.length > AT_MOST) notices.firstElementChild?.remove();
  const goesAfter = GOES_AFTER[level];
  if (goesAfter !== null) leaveAfter(notice, goesAfter);
  return () => notice.remove();
}

/** Take a notice away, but not while somebody points at it or is in it. */
function leaveAfter(notice: HTMLElement, milliseconds: number): void {
  setTimeout(() => {
    if (notice.matches(":hover, :focus-within")) leaveAfter(notice, milliseconds);
    else notice.remove();
  }, milliseconds);
}
