/** The sheet with the facts of one thing, beside what was pressed. Escape, its button and a click elsewhere close it. */

import { make, makeButton, setText } from "../shared/dom";
import { say, sayNamed } from "../shared/texts";
import type { Entry, View } from "./entry";
import { entryOf } from "./facts";
import { portMark } from "./parts";

const MARGIN = 8;
/** A press on what the sheet belongs to closes it first, by the browser, and must not open it again. */
const SAME_PRESS_MS = 300;

export class Sheet {
  private readonly title = make("h3", { set: { id: "facts-title", tabindex: -1 } });
  private readonly kind = make("p", { class: "facts-kind" });
  private readonly list = make("dl");
  private readonly element: HTMLElement;
  private key = "";
  private known = "";
  private closedAt = 0;

  constructor(
    place: HTMLElement,
    private readonly openPorts: boolean,
  ) {
    const close = makeButton("×", () => this.element.hidePopover(), { class: "facts-close", set: { "aria-label": say("close") } });
    const set = { id: "facts-sheet", popover: "auto", role: "dialog", "aria-labelledby": "facts-title" };
    this.element = make("div", { set }, make("div", { class: "facts-head" }, this.title, this.kind, close), this.list);
    this.element.addEventListener("toggle", (event) => {
      if ((event as ToggleEvent).newState === "closed") this.closedAt = event.timeStamp;
    });
    place.append(this.element);
  }

  /** Show the facts of that key beside what was pressed. */
  open(key: string, pressed: HTMLElement, view: View): void {
    const entry = entryOf(view, key);
    if (!entry || (key === this.key && performance.now() - this.closedAt < SAME_PRESS_MS)) return;
    this.key = key;
    this.known = "";
    this.fill(entry);
    this.element.showPopover();
    this.put(pressed.getBoundingClientRect());
    this.title.focus({ preventScroll: true });
  }

  /** Something changed; what is open follows. */
  refresh(view: View): void {
    if (!this.element.matches(":popover-open")) return;
    const entry = entryOf(view, this.key);
    if (entry) return this.fill(entry);
    this.known = "";
    this.list.replaceChildren(make("div", {}, make("dd", { text: say("facts-gone") })));
  }

  private fill(entry: Entry): void {
    const known = JSON.stringify(entry);
    if (known === this.known) return;
    this.known = known;
    setText(this.title, entry.title);
    setText(this.kind, sayNamed("fact", entry.kind));
    const rows = entry.facts
      .filter((fact) => fact.value)
      .map(({ label, value, ports = [] }) => {
        const buttons = this.openPorts ? ports.map((port) => portMark(port, true)) : [];
        return make("div", {}, make("dt", { text: label }), make("dd", {}, value, ...buttons));
      });
    this.list.replaceChildren(...rows);
  }

  /** Under what was pressed or, where there is no room, above it; on small screens the style sheet has the last word. */
  private put(pressed: DOMRect): void {
    const { offsetWidth: width, offsetHeight: height } = this.element;
    const x = Math.max(MARGIN, Math.min(pressed.left, innerWidth - width - MARGIN));
    const below = pressed.bottom + MARGIN;
    const y = below + height + MARGIN <= innerHeight ? below : Math.max(MARGIN, pressed.top - height - MARGIN);
    this.element.style.setProperty("--x", `${x}px`);
    this.element.style.setProperty("--y", `${Math.min(y, Math.max(MARGIN, innerHeight - height - MARGIN))}px`);
  }
}
