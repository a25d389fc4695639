/** The list of the step's checks under its guide. Rows are kept while they change, so that nothing jumps. */

import { make, setText } from "../shared/dom";
import { say } from "../shared/texts";
import { lookOf, type Look } from "./checks";
import type { Check } from "./model";

/** The words that the stylesheet has for how a check is, here and on the result page. */
const OUTCOMES: Record<Look, string> = {
  open: "none",
  held: "passed",
  earned: "passed",
  failed: "failed",
  lost: "failed",
  broken: "broken",
  unreachable: "unreachable",
};

const WORDS: Record<Look, () => string> = {
  open: () => say("check-open"),
  held: () => say("check-held"),
  earned: () => say("check-earned"),
  failed: () => say("check-failed"),
  lost: () => say("check-lost"),
  broken: () => say("check-broken"),
  unreachable: () => say("check-unreachable"),
};

/** Show these checks; `news` are those whose rows should catch the eye. */
export function renderChecks(list: HTMLElement, checks: readonly Check[], news: ReadonlySet<string>): void {
  const rows = new Map([...list.children].map((row) => [(row as HTMLElement).dataset.check, row as HTMLElement]));
  const shown = checks.map((check) => {
    const row = rows.get(check.check) ?? make("li", { class: "check" });
    fill(row, check);
    row.toggleAttribute("data-new", news.has(check.check));
    return row;
  });
  list.replaceChildren(...shown);
  list.hidden = checks.length === 0;
}

function fill(row: HTMLElement, check: Check): void {
  const known = JSON.stringify(check);
  if (row.dataset.known === known) return;
  const look = lookOf(check);
  row.dataset.known = known;
  row.dataset.check = check.check;
  row.dataset.outcome = OUTCOMES[look];
  row.toggleAttribute("data-lost", look === "lost");
  // The mark itself is the stylesheet's; this is what it says.
  const mark = make("span", { class: "check-mark" }, make("span", { class: "visually-hidden", text: WORDS[look]() }));
  const points = make(
    "span",
    { class: "check-points" },
    make("span", { text: say("check-points", { points: check.points, of: check.of }), set: { "aria-hidden": "true" } }),
    make("span", {
      class: "visually-hidden",
      text: say("check-points-spoken", { points: check.points, of: check.of }),
    }),
  );
  const wasOpen = row.querySelector<HTMLDetailsElement>("details")?.open ?? false;
  row.replaceChildren(mark, make("span", { class: "check-title", text: check.title }), points, ...reasons(check, look));
  const hint = row.querySelector<HTMLDetailsElement>("details");
  if (hint) hint.open = wasOpen;
}

function reasons(check: Check, look: Look): HTMLElement[] {
  switch (look) {
    case "broken":
    case "unreachable":
      return [make("p", { class: "check-note", text: WORDS[look]() })];
    case "lost":
    case "failed": {
      const lost = look === "lost" ? [make("p", { class: "check-note", text: WORDS.lost() })] : [];
      return [...lost, ...why(check), ...hint(check)];
    }
    default:
      return [];
  }
}

function why(check: Check): HTMLElement[] {
  const pairs = [
    { name: say("check-expected"), value: check.expected },
    { name: say("check-observed"), value: check.observed },
  ].filter(({ value }) => value);
  if (pairs.length === 0) return [];
  const rows = pairs.map(({ name, value }) => make("div", {}, make("dt", { text: name }), make("dd", { text: value })));
  return [make("dl", { class: "check-detail" }, ...rows)];
}

function hint(check: Check): HTMLElement[] {
  if (!check.hint) return [];
  const words = make("p", { text: check.hint });
  return [make("details", { class: "check-hint" }, make("summary", { text: say("check-hint") }), words)];
}

/** Say that checks are being looked at, or not any more. */
export function showChecking(button: HTMLButtonElement, running: boolean): void {
  button.dataset.label ??= button.textContent ?? "";
  button.setAttribute("aria-busy", String(running));
  button.setAttribute("aria-disabled", String(running));
  setText(button, running ? say("checking") : button.dataset.label);
}
