/**
 * Pasting into a shell. Several lines would run at once, so they are shown and asked about first; control characters
 * that could end a bracketed paste early are taken out.
 */

import { notify } from "../shared/announce";
import { make, maybe } from "../shared/dom";
import { session } from "../shared/storage";
import { say } from "../shared/texts";

export const LARGEST_PASTE = 1_000_000;
const SHOWN = 4000;
const ASK_NO_MORE = "paste.trusted";

/** The text as a terminal takes it: no escape sequences, nor other control characters that a keyboard would not send. */
export function cleanPaste(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/\r\n/g, "\n").replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u0080-\u009f]/g, "");
}

/** Whether a paste would run commands without Enter being pressed, or is more than one line. */
export function isRisky(text: string): boolean {
  return /[\r\n]/.test(text.replace(/[\r\n]+$/, "")) || /[\r\n]{2,}$/.test(text);
}

/** The text to paste, or null when it is too much or the learner thought better of it. */
export async function askToPaste(text: string): Promise<string | null> {
  if (new Blob([text]).size > LARGEST_PASTE) {
    notify("warning", say("paste-too-large"));
    return null;
  }
  const clean = cleanPaste(text);
  if (!clean || !isRisky(clean) || session.text(ASK_NO_MORE) === "yes") return clean || null;
  return (await confirmed(clean)) ? clean : null;
}

function confirmed(text: string): Promise<boolean> {
  const dialog = maybe<HTMLDialogElement>("paste-dialog");
  const preview = maybe("paste-preview");
  if (!dialog || !preview) return Promise.resolve(true);
  const rest = text.length > SHOWN ? "\n…" : "";
  preview.replaceChildren(make("code", { text: text.slice(0, SHOWN) + rest }));
  dialog.returnValue = "cancel";
  return new Promise((resolve) => {
    dialog.addEventListener(
      "close",
      () => {
        const agreed = dialog.returnValue === "paste";
        const trust = dialog.querySelector<HTMLInputElement>('input[type="checkbox"]');
        if (agreed && trust?.checked) session.keep(ASK_NO_MORE, "yes");
        preview.replaceChildren();
        resolve(agreed);
      },
      { once: true },
    );
    dialog.showModal();
  });
}
