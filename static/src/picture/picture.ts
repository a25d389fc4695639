/** The live picture of the cluster: takes what the server says, draws at most once a frame, and hands on what is pressed. */

import { announce } from "../shared/announce";
import { byId, closest, make, makeButton } from "../shared/dom";
import { remembered } from "../shared/storage";
import { say, sayNamed } from "../shared/texts";
import { layOut } from "./clusters";
import { Drawing } from "./draw";
import type { KnownPort, View } from "./entry";
import { publishedPorts } from "./facts";
import { Roving } from "./nav";
import { type Machine, makeScene } from "./scene";
import { Sheet } from "./sheet";
import { Cluster, type ClusterEvent, type Rate, type Snapshot, type TrafficEvent } from "./snapshot";
import { Tables } from "./table";

/** What the picture asks of the rest of the page. */
export interface Surroundings {
  send(message: Readonly<Record<string, unknown>>): void;
  /** The nodes that the learner may unplug. */
  unplug: ReadonlySet<string>;
  power(node: string, plugged: boolean): void;
  /** The published ports, each time the picture is drawn. */
  ports(known: readonly KnownPort[]): void;
  /** Show what a published port of a node answers; null where nothing can. */
  port: ((node: string, port: number) => void) | null;
  /** Start again with new machines. */
  renew(): void;
}

/** The machines of a recording at one of its moments. */
export interface Recorded {
  machines: readonly Machine[];
  snapshot: Snapshot;
}

const WATCH_MS = 20_000;
/** Rates come once a second: after this long without any, nothing glows. */
const GLOW_MS = 2500;
const ASK_AGAIN_MS = 3000;
const NO_NODES: ReadonlySet<string> = new Set();
const VIEWS = ["picture", "table"] as const;
type Shown = (typeof VIEWS)[number];

export class Picture {
  private readonly root = byId("picture");
  private readonly body = byId("picture-body");
  private readonly place = byId("picture-view");
  private readonly tablesPlace = byId("picture-tables");
  private readonly problems = byId("picture-problems");
  private readonly note = byId("picture-note");
  private readonly toggle = byId<HTMLButtonElement>("picture-toggle");
  private readonly cluster = new Cluster();
  private readonly drawing = new Drawing();
  private readonly tables: Tables;
  private readonly sheet: Sheet;
  private readonly roving: Roving;
  private machines: readonly Machine[] = [];
  private recorded: Recorded | null = null;
  private readonly recordedNote = byId("picture-recorded");
  private view: View = { scene: makeScene([], this.cluster.snapshot), snapshot: this.cluster.snapshot };
  private shown: Shown;
  private system = remembered.text("picture.system") === "yes";
  private frame = 0;
  private watching = false;
  private askedAt = Number.NEGATIVE_INFINITY;
  private glow: ReturnType<typeof setTimeout> | undefined;
  private states = new Map<string, string>();

  constructor(private readonly around: Surroundings) {
    byId("picture-views").hidden = false;
    this.place.append(this.drawing.strip, this.drawing.tray, this.drawing.canvas);
    this.tables = new Tables(this.tablesPlace);
    this.sheet = new Sheet(this.root, around.port !== null);
    this.roving = new Roving(this.place);
    this.shown = VIEWS.find((view) => view === remembered.text("picture.view")) ?? "picture";
    this.choose(this.shown);
    this.fold(remembered.text("picture.folded") === "yes");
    const back = makeButton(say("picture-own"), () => this.showRecorded(null), { class: "button small" });
    this.recordedNote.append(make("span", { text: say("picture-recorded") }), back);
    this.listen();
    setInterval(() => this.watch(), WATCH_MS);
  }

  /** The machines of the sandbox, before and besides what their engines tell. */
  follow(sandbox: string, machines: readonly Machine[], live: boolean): void {
    const another = this.cluster.follow(live ? sandbox : "");
    if (another && live) this.ask();
    this.machines = machines;
    this.schedule();
  }

  /** Show the machines of a recording instead of the learner's own, or with null their own again. */
  showRecorded(recorded: Recorded | null): void {
    this.recorded = recorded;
    this.schedule();
  }

  get showsRecording(): boolean {
    return this.recorded !== null;
  }

  hear(event: ClusterEvent): void {
    const heard = this.cluster.hear(event);
    if (heard === "gap") this.ask();
    else if (heard === "news") this.schedule();
  }

  hearTraffic(event: TrafficEvent): void {
    if (!this.cluster.told || this.recorded) return;
    this.showTraffic(event.rates);
    clearTimeout(this.glow);
    this.glow = setTimeout(() => this.showTraffic([]), GLOW_MS);
  }

  /** The server is there again. It tells everything by itself, but not that somebody watches. */
  connected(): void {
    this.watch();
  }

  private showTraffic(rates: readonly Rate[]): void {
    this.drawing.glow(rates, this.view);
  }

  private ask(): void {
    const now = performance.now();
    if (now - this.askedAt < ASK_AGAIN_MS) return;
    this.askedAt = now;
    this.around.send({ type: "cluster" });
  }

  private get visible(): boolean {
    return !document.hidden && this.body.clientWidth > 0;
  }

  private watch(): void {
    this.watching = this.visible;
    if (this.watching) this.around.send({ type: "watch", on: true });
  }

  private schedule(): void {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  private draw(): void {
    const { machines, snapshot } = this.recorded ?? { machines: this.machines, snapshot: this.cluster.snapshot };
    this.view = { scene: makeScene(machines, snapshot, this.system), snapshot };
    // Where there are no machines of the learner's own, it goes without saying.
    this.recordedNote.hidden = !this.recorded || this.machines.length === 0;
    this.tables.show(this.view);
    this.sheet.refresh(this.view);
    this.tell();
    if (!this.recorded) this.around.ports(publishedPorts(this.view));
    const width = this.place.clientWidth;
    if (this.shown !== "picture" || width === 0) return;
    const [unplug, open] = this.recorded ? [NO_NODES, false] : [this.around.unplug, this.around.port !== null];
    const part = { view: this.view, unplug, open, system: this.system };
    this.drawing.show(layOut(this.view.scene, width), part);
    this.roving.refresh();
  }

  /** What needs words: problems, what was left out, and nodes that come and go. */
  private tell(): void {
    const { problems, left_out: left } = this.view.snapshot;
    const renewable = !this.recorded && problems.some((problem) => problem.new_machines);
    const known = JSON.stringify([problems, renewable]);
    if (this.problems.dataset.known !== known) {
      this.problems.dataset.known = known;
      this.problems.replaceChildren(...problems.map((problem) => make("p", { text: problem.sentence })));
      if (renewable) {
        this.problems.append(
          make("p", { text: say("renew-explained") }),
          makeButton(say("restart"), () => this.around.renew(), { class: "button small" }),
        );
      }
    }
    const many = Object.entries(left).filter(([, count]) => count > 0);
    const list = many.map(([kind, count]) => `${sayNamed("kinds", kind.replace(/s$/, ""))}: ${count}`).join(", ");
    const none = this.view.scene.nodes.length === 0 ? say("none-title") : "";
    this.note.textContent = list ? say("left-out", { list }) : none;
    const states = new Map(this.view.scene.nodes.map((node) => [node.name, node.state]));
    const changed = [...states].filter(([name, state]) => this.states.has(name) && this.states.get(name) !== state);
    if ((this.cluster.told || this.recorded) && changed.length > 0) {
      announce(changed.map(([name, state]) => `${name}: ${sayNamed("state", state)}`).join(", "));
    }
    this.states = states;
  }

  private listen(): void {
    new ResizeObserver(() => {
      if (!this.watching) this.watch();
      this.schedule();
    }).observe(this.body);
    document.addEventListener("visibilitychange", () => this.watch());
    this.root.addEventListener("click", (event) => this.press(event));
    for (const type of ["pointerover", "focusin"] as const) {
      this.place.addEventListener(type, (event) => {
        const target = event.target as Element;
        if (type === "focusin" && !target.matches(":focus-visible")) return;
        const { tiles, networks } = this.drawing.around(target);
        this.drawing.stress(tiles, networks);
      });
    }
    for (const type of ["pointerleave", "focusout"] as const) {
      this.place.addEventListener(type, () => this.drawing.stress(new Set(), new Set()));
    }
  }

  private press(event: Event): void {
    const pressed = closest<HTMLElement>(event, "[data-facts], [data-power], [data-port], [data-view], [data-system], #picture-toggle");
    const { facts, power, plugged, port, node, view, system } = pressed?.dataset ?? {};
    if (pressed === this.toggle) this.fold(!this.body.hidden);
    else if (facts !== undefined && pressed) this.sheet.open(facts, pressed, this.view);
    else if (power !== undefined) this.around.power(power, plugged === "true");
    else if (port !== undefined && node !== undefined) this.around.port?.(node, Number(port));
    else if (system !== undefined) this.showSystem(!this.system);
    else if (view !== undefined) this.choose(VIEWS.find((one) => one === view) ?? "picture");
  }

  private choose(view: Shown): void {
    this.shown = view;
    remembered.keep("picture.view", view);
    for (const button of this.root.querySelectorAll<HTMLElement>("[data-view]")) {
      button.setAttribute("aria-pressed", String(button.dataset.view === view));
    }
    this.place.hidden = view !== "picture";
    // Out of sight it is still there for screen readers.
    this.tablesPlace.classList.toggle("visually-hidden", view !== "table");
    for (const table of this.tablesPlace.querySelectorAll<HTMLElement>(".table-place")) table.tabIndex = view === "table" ? 0 : -1;
    this.schedule();
  }

  /** Show what a Kubernetes cluster has of itself, or no more of it than one tile a node. */
  private showSystem(system: boolean): void {
    this.system = system;
    remembered.keep("picture.system", system ? "yes" : "no");
    this.schedule();
  }

  private fold(folded: boolean): void {
    this.body.hidden = folded;
    this.toggle.setAttribute("aria-expanded", String(!folded));
    remembered.keep("picture.folded", folded ? "yes" : "no");
    if (!folded) this.schedule();
  }
}
