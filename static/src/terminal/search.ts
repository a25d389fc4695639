/** The bar that searches a terminal's scrollback. */

import { make, makeButton, setText } from "../shared/dom";
import { say } from "../shared/texts";
import { isDark } from "../shared/theme";
import type { Screen } from "./screen";

export class SearchBar {
  readonly element: HTMLElement;
  private readonly input = make("input", { set: { type: "search", "aria-label": say("search-label"), autocomplete: "off" } });
  private readonly found = make("output", { class: "search-count" });

  constructor(private readonly screen: Screen) {
    this.input.placeholder = say("search-label");
    this.input.addEventListener("input", () => this.look("next", true));
    this.element = make(
      "div",
      { class: "search-bar", set: { role: "search", hidden: "" }, on: { keydown: (event) => this.key(event) } },
      this.input,
      this.found,
      makeButton("↑", () => this.look("previous"), this.labelled("search-previous")),
      makeButton("↓", () => this.look("next"), this.labelled("search-next")),
      makeButton("×", () => this.close(), this.labelled("search-close")),
    );
    screen.search.onDidChangeResults(({ resultIndex, resultCount }) => this.count(resultIndex, resultCount));
  }

  open(): void {
    this.element.hidden = false;
    this.input.focus();
    this.input.select();
  }

  private close(): void {
    this.element.hidden = true;
    this.screen.search.clearDecorations();
    this.screen.terminal.focus();
  }

  private labelled(key: "search-previous" | "search-next" | "search-close"): { class: string; set: Record<string, string> } {
    return { class: "button quiet square small", set: { "aria-label": say(key), title: say(key) } };
  }

  private key(event: KeyboardEvent): void {
    if (event.key === "Escape") this.close();
    else if (event.key === "Enter" && event.target === this.input) this.look(event.shiftKey ? "previous" : "next");
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  private look(way: "next" | "previous", incremental = false): void {
    const term = this.input.value;
    if (!term) {
      this.screen.search.clearDecorations();
      setText(this.found, "");
      return;
    }
    const options = { incremental, decorations: decorations(isDark()) };
    if (way === "next") this.screen.search.findNext(term, options);
    else this.screen.search.findPrevious(term, options);
  }

  private count(index: number, count: number): void {
    if (!this.input.value) return setText(this.found, "");
    setText(this.found, count === 0 ? say("search-none") : say("search-count", { index: index + 1, count }));
  }
}

function decorations(dark: boolean): {
  matchBackground: string;
  activeMatchBackground: string;
  matchOverviewRuler: string;
  activeMatchColorOverviewRuler: string;
} {
  return dark
    ? { matchBackground: "#4a4520", activeMatchBackground: "#7a5a10", matchOverviewRuler: "#a08a30", activeMatchColorOverviewRuler: "#f1b762" }
    : { matchBackground: "#fbeeb3", activeMatchBackground: "#f4c85a", matchOverviewRuler: "#b08a10", activeMatchColorOverviewRuler: "#7d4b00" };
}
