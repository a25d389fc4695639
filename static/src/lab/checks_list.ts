/** The list of the step's checks under its guide. Rows are kept while they change, so that nothing jumps. */

import { make, setText } from "../shared/dom";
import { say } from "../shared/texts";
import { lookOf, type Look } from "./checks";
import type { Check } from "./model";

const MARKS: Record<Look, string> = {
  open: "○",
  held: "✓",
  earned: "✓",
  failed: "✗",
  lost: "✗",
  broken: "!",
  unreachable: "!",
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
  const state = JSON.stringify(check);
  if (row.dataset.known === state) return;
  const look = lookOf(check);
  row.dataset.known = state;
  row.dataset.check = check.check;
  row.dataset.state = STATES[look];
  const mark = make(
    "span",
    { class: "mark" },
    make("span", { text: MARKS[look], set: { "aria-hidden": "true" } }),
    make("span", { class: "visually-hidden", text: WORDS[look]() }),
  );
  const points = make(
    "span",
    { class: "points" },
    make("span", { text: say("check-points", { points: check.points, of: check.of }), set: { "aria-hidden": "true" } }),
    make("span", {
      class: "visually-hidden",
      text: say("check-points-spoken", { points: check.points, of: check.of }),
    }),
  );
  const wasOpen = row.querySelector<HTMLDetailsElement>("details")?.open ?? false;
  row.replaceChildren(mark, make("span", { class: "title", text: check.title }), points, ...reasons(check, look));
  const hint = row.querySelector<HTMLDetailsElement>("details");
  if (hint) hint.open = wasOpen;
}

/** The words that the stylesheet has for a check's state, here and on the result page. */
const STATES: Record<Look, string> = {
  open: "open",
  held: "passed",
  earned: "passed",
  failed: "failed",
  lost: "lost",
  broken: "broken",
  unreachable: "unreachable",
};

function reasons(check: Check, look: Look): HTMLElement[] {
  switch (look) {
    case "broken":
    case "unreachable":
      return [make("p", { class: "check-note", text: WORDS[look]() })];
    case "lost":
    case "failed": {
      const lost = look === "lost" ? [make("p", { class: "check-note strong", text: WORDS.lost() })] : [];
      return [...lost, ...why(check), ...hint(check)];
    }
    default:
      return [];
  }
}

function why(check: Check): HTMLElement[] {
  const pairs = [
    [say("check-expected"), check.expected],
    [say("check-observed"), check.observed],
  ].filter(([, value]) => value);
  if (pairs.length === 0) return [];
  const parts = pairs.flatMap(([name, value]) => [make("dt", { text: name ?? "" }), make("dd", { text: value ?? "" })]);
  return [make("dl", { class: "check-why" }, ...parts)];
}

function hint(check: Check): HTMLElement[] {
  if (!check.hint) return [];
  return [
    make(
      "details",
      { class: "check-hint" },
      make("summary", { text: say("check-hint") }),
      make("p", { text: check.hint }),
    ),
  ];
}

/** Say that checks are being looked at, or not any more. */
export function showChecking(button: HTMLButtonElement, running: boolean): void {
  button.dataset.label ??= button.textContent ?? "";
  button.setAttribute("aria-busy", String(running));
  button.setAttribute("aria-disabled", String(running));
  setText(button, running ? say("checking") : button.dataset.label);
}
