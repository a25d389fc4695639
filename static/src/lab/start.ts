/**
 * What stands where the terminals will be while no machine is ready: how far the start is, or why there are none and how to
 * get new ones.
 */

import { announce } from "../shared/announce";
import { byId, make, makeButton, setText } from "../shared/dom";
import { say, sayNamed } from "../shared/texts";
import type { Sandbox } from "./model";

/** In the order in which a start goes through them; the last is the end of it. */
const PHASES = ["queued", "network", "nodes", "engine", "cluster"] as const;

export class StartPanel {
  private readonly panel = byId("start-panel");
  private shown = "";

  constructor(private readonly restart: () => Promise<void>) {}

  /**
   * `closed`: the attempt was submitted, and no machines can be had for it any more; `over`: terminals of ended machines
   * are still there to be read.
   */
  show(sandbox: Sandbox | null, { closed, over }: { closed: boolean; over: boolean }): void {
    const state = sandbox?.state ?? "none";
    const key = JSON.stringify([sandbox, closed, over]);
    if (key === this.shown) return;
    const before = this.panel.dataset.state;
    this.shown = key;
    this.panel.dataset.state = state;
    this.panel.toggleAttribute("data-over", over);
    this.panel.hidden = state === "ready";
    if (state === "ready") {
      if (before === "starting" || before === "requested") announce(say("machines-ready"));
      return;
    }
    const hadFocus = this.panel.contains(document.activeElement);
    const content = this.content(sandbox, closed);
    this.panel.replaceChildren(...content);
    if (hadFocus) this.panel.querySelector("button")?.focus();
    if (before !== state) this.announceState(content);
  }

  private announceState(content: readonly HTMLElement[]): void {
    announce(content.filter((one) => one.matches("h3, p")).map((one) => one.textContent).join(" "));
  }

  private content(sandbox: Sandbox | null, closed: boolean): HTMLElement[] {
    switch (sandbox?.state) {
      case "requested":
        return [
          title("start-queued-title"),
          ...(sandbox.place ? [make("p", { class: "queue-place", text: say("queue-place", { place: sandbox.place }) })] : []),
          make("p", { text: say("queue-explained") }),
          ...usual(sandbox),
        ];
      case "starting":
        return [title("start-title"), phases(sandbox), ...usual(sandbox)];
      case "stopping":
        return [title("stopping-title"), ...reason(sandbox)];
      case "failed":
        return [title("failed-title"), ...reason(sandbox), ...this.way("retry", closed)];
      default:
        return [
          title(sandbox ? "ended-title" : "none-title"),
          ...(sandbox ? reason(sandbox) : []),
          make("p", { text: say("ended-kept") }),
          ...this.way("restart", closed),
        ];
    }
  }

  private way(key: "retry" | "restart", closed: boolean): HTMLElement[] {
    if (closed) return [];
    const button = makeButton(say(key), () => void this.go(button), { class: "button primary", set: { id: key } });
    return [button];
  }

  private async go(button: HTMLButtonElement): Promise<void> {
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    await this.restart();
    button.removeAttribute("aria-busy");
  }
}

function title(key: "start-queued-title" | "start-title" | "stopping-title" | "failed-title" | "ended-title" | "none-title"): HTMLElement {
  return make("h3", { text: say(key) });
}

function reason(sandbox: Sandbox): HTMLElement[] {
  return sandbox.sentence ? [make("p", { class: "start-reason", text: sandbox.sentence })] : [];
}

function usual(sandbox: Sandbox): HTMLElement[] {
  if (sandbox.usual_seconds === null) return [];
  return [make("p", { class: "usual-time", text: say("usual-time", { seconds: sandbox.usual_seconds }) })];
}

function phases(sandbox: Sandbox): HTMLElement {
  const took = new Map(sandbox.phases.map((phase) => [phase.name, phase.ms]));
  const cluster = sandbox.nodes.some((node) => node.kind.startsWith("kubernetes-"));
  const passed = PHASES.filter((phase) => cluster || phase !== "cluster");
  const now = passed.findIndex((phase) => phase === sandbox.phase);
  const rows = passed.map((phase, index) => {
    const state = index < now || (took.has(phase) && index !== now) ? "done" : index === now ? "now" : "later";
    const row = make("li", { class: "phase", set: { "data-state": state } }, make("span", { text: sayNamed("phase", phase) }));
    if (state === "now") row.setAttribute("aria-current", "step");
    const milliseconds = took.get(phase);
    const time = make("span", { class: "phase-ms" });
    if (state === "done" && milliseconds !== undefined) {
      setText(time, say("phase-took", { seconds: (milliseconds / 1000).toFixed(1) }));
    }
    row.append(time);
    return row;
  });
  return make("ol", { class: "phases" }, ...rows);
}
