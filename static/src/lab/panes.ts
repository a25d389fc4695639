/** The sizes of the panes, moved by pointer or arrow keys and remembered; on small screens, which of them is shown. */

import { byId } from "../shared/dom";
import { remembered } from "../shared/storage";

interface Divider {
  id: string;
  property: string;
  key: string;
  /** Which way the pointer's position counts. */
  axis: "x" | "y";
  smallest: number;
  /** What the other side keeps at least. */
  leaves: number;
  usual: number;
  /** Where there are several clusters, one beside the other. */
  usualOfSeveral?: number;
  /** The pane whose size is set. */
  pane: string;
}

const DIVIDERS: readonly Divider[] = [
  {
    id: "divider-columns",
    property: "--guide-width",
    key: "panes.guide",
    axis: "x",
    smallest: 260,
    leaves: 320,
    usual: 460,
    pane: "guide",
  },
  {
    id: "divider-rows",
    property: "--picture-height",
    key: "panes.picture",
    axis: "y",
    smallest: 48,
    leaves: 160,
    usual: 320,
    usualOfSeveral: 420,
    pane: "picture",
  },
];
const STEP = 16;
const LARGE_STEP = 96;

export type Pane = "guide" | "terminal" | "machines";

export function setUpPanes(severalClusters: boolean): void {
  for (const divider of DIVIDERS) {
    new Dragging({ ...divider, usual: (severalClusters && divider.usualOfSeveral) || divider.usual });
  }
  byId("pane-tabs").addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-pane]") : null;
    if (button) showPane(button.dataset.pane as Pane);
  });
}

/** On small screens, show this pane; on large ones all are there anyway. */
export function showPane(pane: Pane): void {
  byId("lab").dataset.pane = pane;
  for (const button of byId("pane-tabs").querySelectorAll<HTMLElement>("[data-pane]")) {
    const attribute = button.getAttribute("role") === "tab" ? "aria-selected" : "aria-pressed";
    button.setAttribute(attribute, String(button.dataset.pane === pane));
  }
}

class Dragging {
  private readonly lab = byId("lab");
  private readonly handle: HTMLElement;
  private readonly pane: HTMLElement;
  private size: number;

  constructor(private readonly divider: Divider) {
    this.handle = byId(divider.id);
    this.pane = byId(divider.pane);
    this.size = remembered.number(divider.key) ?? divider.usual;
    this.apply(this.size);
    this.handle.addEventListener("pointerdown", (event) => this.start(event));
    this.handle.addEventListener("keydown", (event) => this.key(event));
    this.handle.addEventListener("dblclick", () => this.change(divider.usual));
    addEventListener("resize", () => this.apply(this.size));
  }

  private get largest(): number {
    const room = this.divider.axis === "x" ? this.lab.clientWidth : this.lab.clientHeight;
    return Math.max(this.divider.smallest, room - this.divider.leaves);
  }

  /** The remembered size stays what was chosen; what is shown fits the window. */
  private apply(size: number): void {
    const shown = Math.round(Math.min(Math.max(size, this.divider.smallest), this.largest));
    this.lab.style.setProperty(this.divider.property, `${shown}px`);
    this.handle.setAttribute("aria-valuenow", String(shown));
    this.handle.setAttribute("aria-valuemin", String(this.divider.smallest));
    this.handle.setAttribute("aria-valuemax", String(Math.round(this.largest)));
  }

  private change(size: number): void {
    this.size = Math.round(Math.min(Math.max(size, this.divider.smallest), this.largest));
    this.apply(this.size);
    remembered.keep(this.divider.key, this.size);
  }

  private start(event: PointerEvent): void {
    if (event.button !== 0) return;
    event.preventDefault();
    this.handle.setPointerCapture(event.pointerId);
    const horizontal = this.divider.axis === "x";
    const offset = this.paneSize() - (horizontal ? event.clientX : event.clientY);
    const move = (moved: PointerEvent): void => this.change(offset + (horizontal ? moved.clientX : moved.clientY));
    const stop = (): void => {
      this.handle.removeEventListener("pointermove", move);
      this.handle.removeEventListener("pointerup", stop);
      this.handle.removeEventListener("pointercancel", stop);
      delete this.lab.dataset.dragging;
    };
    this.handle.addEventListener("pointermove", move);
    this.handle.addEventListener("pointerup", stop);
    this.handle.addEventListener("pointercancel", stop);
    this.lab.dataset.dragging = this.divider.axis;
  }

  private paneSize(): number {
    const box = this.pane.getBoundingClientRect();
    return this.divider.axis === "x" ? box.width : box.height;
  }

  private key(event: KeyboardEvent): void {
    const [less, more] = this.divider.axis === "x" ? ["ArrowLeft", "ArrowRight"] : ["ArrowUp", "ArrowDown"];
    const step = event.shiftKey ? LARGE_STEP : STEP;
    const shown = Number(this.handle.getAttribute("aria-valuenow"));
    if (event.key === less) this.change(shown - step);
    else if (event.key === more) this.change(shown + step);
    else if (event.key === "Home") this.change(this.divider.smallest);
    else if (event.key === "End") this.change(this.largest);
    else return;
    event.preventDefault();
  }
}
