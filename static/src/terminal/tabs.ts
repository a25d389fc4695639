/**
 * All terminals of the page: one tab for each, at most two side by side where there is room. Which are open is remembered for
 * this tab of the browser, so that a reload brings them back. Only terminals that were looked at have a connection.
 */

import { announce } from "../shared/announce";
import { byId, make, makeButton } from "../shared/dom";
import { remembered, session } from "../shared/storage";
import { say } from "../shared/texts";
import { onTheme } from "../shared/theme";
import { TerminalView } from "./view";

const MOST_SHELLS = 6;
/** Of so many nodes the buttons for new shells have room beside the tabs. */
const MOST_BUTTONS = 3;
const FONT = { smallest: 10, usual: 14, largest: 26 };

export interface Machines {
  sandbox: string;
  nodes: readonly string[];
  /** To which cluster a node belongs. Two clusters have their terminals side by side from the start. */
  clusters: ReadonlyMap<string, string>;
  phase: "starting" | "ready" | "over";
}

/** What has its tab among the terminals without being one. */
export interface Guest {
  readonly tab: HTMLButtonElement;
  readonly panel: HTMLElement;
  setVisible(visible: boolean): void;
  focus(): void;
  /** It has been taken away. */
  closed(): void;
}

interface Open {
  node: string;
  shell: string;
  name: string;
  tab: HTMLButtonElement;
  view: TerminalView;
}

interface Kept {
  open?: unknown;
  active?: unknown;
  split?: unknown;
}

export class Terminals {
  private machines: Machines | null = null;
  private readonly open = new Map<string, Open>();
  private readonly guests = new Map<string, Guest>();
  private active = "";
  private second = "";
  private fontSize = remembered.number("terminal.font") ?? FONT.usual;
  private screenReader = remembered.text("terminal.screen-reader") === "yes";
  private readonly list = byId("terminal-tabs");
  private readonly panels = byId("terminal-panels");
  private readonly more = byId("new-shell");
  private readonly splitButton = byId<HTMLButtonElement>("split");
  /** On a small screen there is room for one; terminal.css hides the button at the same width. */
  private readonly narrow = matchMedia("(max-width: 800px)");

  constructor(
    private readonly attempt: string,
    private readonly address: (node: string, shell: string, sandbox: string) => string,
    private readonly used: () => void,
  ) {
    this.list.addEventListener("keydown", (event) => this.key(event));
    this.splitButton.addEventListener("click", () => this.toggleSplit());
    this.narrow.addEventListener("change", () => this.show());
    byId("search-terminal").addEventListener("click", () => this.current?.view.openSearch());
    byId("font-larger").addEventListener("click", () => this.setFont(this.fontSize + 1));
    byId("font-smaller").addEventListener("click", () => this.setFont(this.fontSize - 1));
    const reader = byId("screen-reader-mode");
    reader.setAttribute("aria-pressed", String(this.screenReader));
    reader.addEventListener("click", () => this.toggleScreenReader(reader));
    onTheme(() => this.open.forEach(({ view }) => view.screen.followTheme()));
  }

  /** The machines changed: other ones, ready, or over. */
  update(machines: Machines | null): void {
    if (machines?.sandbox !== this.machines?.sandbox) this.clear();
    this.machines = machines;
    if (machines?.phase === "ready") {
      if (this.open.size === 0) this.restore(machines);
      this.show();
    } else if (machines?.phase === "over") {
      this.open.forEach(({ view }) => view.end());
    }
    const ready = machines?.phase === "ready";
    this.more.hidden = !ready;
    this.panels.hidden = this.open.size === 0;
    this.splitButton.disabled = this.keys.length < 2;
  }

  /** Give something else a tab, behind those of the terminals. */
  host(key: string, guest: Guest): void {
    this.guests.set(key, guest);
    this.list.append(guest.tab);
    this.panels.append(guest.panel);
    guest.panel.addEventListener("focusin", () => this.lookAt(key));
    this.show();
  }

  /** Take a guest away. */
  release(key: string): void {
    const guest = this.guests.get(key);
    if (!guest) return;
    const hadFocus = guest.panel.contains(document.activeElement) || guest.tab === document.activeElement;
    this.guests.delete(key);
    guest.tab.remove();
    guest.panel.remove();
    this.left(key, this.open.keys().next().value ?? "", hadFocus);
    guest.closed();
  }

  /** Type a command into a node's terminal and show that terminal. False when there is no such running machine. */
  run(node: string, command: string): boolean {
    if (this.machines?.phase !== "ready" || !this.machines.nodes.includes(node)) return false;
    const current = this.current;
    const key = current?.node === node ? this.active : `${node}/1`;
    const terminal = this.open.get(key) ?? this.add(node, "1");
    this.activate(`${terminal.node}/${terminal.shell}`);
    terminal.view.run(command);
    terminal.view.focus();
    return true;
  }

  /** How many are on the page. */
  get count(): number {
    return this.open.size;
  }

  focus(): void {
    (this.current?.view ?? this.guests.get(this.active))?.focus();
  }

  /** The network is back. */
  hurry(): void {
    this.open.forEach(({ view }) => view.hurry());
  }

  /** The network was away without the sockets noticing. */
  reconnect(): void {
    this.open.forEach(({ view }) => view.reconnect());
  }

  private get current(): Open | undefined {
    return this.open.get(this.active);
  }

  private get keys(): string[] {
    return [...this.open.keys(), ...this.guests.keys()];
  }

  private clear(): void {
    for (const key of [...this.guests.keys()]) this.release(key);
    this.open.forEach(({ view, tab }) => {
      view.dispose();
      tab.remove();
    });
    this.open.clear();
    this.active = this.second = "";
    this.more.replaceChildren();
  }

  private restore(machines: Machines): void {
    const kept = this.kept();
    const { nodes, clusters } = machines;
    for (const node of nodes) this.add(node, "1");
    for (const key of Array.isArray(kept.open) ? kept.open : []) {
      const [node, shell] = typeof key === "string" ? key.split("/") : [];
      if (node && shell && nodes.includes(node) && /^[2-9]$/.test(shell)) this.add(node, shell);
    }
    this.offerShells(nodes);
    const beside = nodes.find((node) => clusters.get(node) !== clusters.get(nodes[0] ?? ""));
    const usual = { active: `${nodes[0] ?? ""}/1`, split: beside === undefined ? "" : `${beside}/1` };
    this.active = typeof kept.active === "string" && this.open.has(kept.active) ? kept.active : usual.active;
    const split = kept.split ?? usual.split;
    this.second = typeof split === "string" && split !== this.active && this.open.has(split) ? split : "";
  }

  /** A button for a new shell of each node: beside the tabs, or in a menu where they would leave these no room. */
  private offerShells(nodes: readonly string[]): void {
    const few = nodes.length <= MOST_BUTTONS;
    const buttons = nodes.map((node) => {
      const label = say("new-shell", { node });
      const look = { class: few ? "button quiet small" : "menu-item", set: { "aria-label": label, title: label } };
      return makeButton(few ? `+ ${node}` : node, () => this.addShell(node), look);
    });
    if (few) return this.more.replaceChildren(...buttons);
    const name = this.more.getAttribute("aria-label") ?? "";
    const summary = make("summary", { class: "button quiet small", text: "+", set: { "aria-label": name, title: name } });
    const menu = make("details", { class: "menu", set: { "data-menu": "" } });
    menu.append(summary, make("div", { class: "menu-sheet" }, ...buttons));
    this.more.replaceChildren(menu);
  }

  private clusterOf(key: string): string | undefined {
    return this.machines?.clusters.get(this.open.get(key)?.node ?? "");
  }

  private kept(): Kept {
    try {
      const value: unknown = JSON.parse(session.text(`terminals.${this.attempt}`) ?? "{}");
      return typeof value === "object" && value !== null ? value : {};
    } catch {
      return {};
    }
  }

  private keep(): void {
    const kept: Kept = { open: [...this.open.keys()], active: this.active, split: this.second };
    session.keep(`terminals.${this.attempt}`, JSON.stringify(kept));
  }

  private addShell(node: string): void {
    const taken = new Set([...this.open.values()].filter((one) => one.node === node).map((one) => one.shell));
    const free = Array.from({ length: MOST_SHELLS }, (_, index) => String(index + 1)).find((name) => !taken.has(name));
    if (!free) return announce(say("shell-limit", { node }));
    this.add(node, free);
    this.activate(`${node}/${free}`);
    this.focus();
  }

  private add(node: string, shell: string): Open {
    const key = `${node}/${shell}`;
    const name = shell === "1" ? say("terminal-name", { node }) : say("terminal-name-more", { node, shell });
    const tab = makeButton(name, () => this.activate(key, true), {
      class: "tab",
      set: { role: "tab", id: `tab-${node}-${shell}`, "aria-controls": `panel-${node}-${shell}`, tabindex: -1 },
    });
    const view = new TerminalView({
      node,
      shell,
      name,
      url: this.address(node, shell, this.machines?.sandbox ?? ""),
      fontSize: this.fontSize,
      screenReader: this.screenReader,
      leave: () => tab.focus(),
      exited: () => this.exited(key),
      used: this.used,
    });
    view.panel.id = `panel-${node}-${shell}`;
    view.panel.setAttribute("aria-labelledby", tab.id);
    view.panel.addEventListener("focusin", () => this.lookAt(key));
    if (shell !== "1") {
      // For the mouse; the keyboard has Delete, as tabs do.
      const close = make("span", { class: "tab-close", text: "×", set: { "aria-hidden": "true" } });
      close.title = say("close-shell", { name });
      tab.setAttribute("aria-keyshortcuts", "Delete");
      tab.append(close);
      close.addEventListener("click", (event) => {
        event.stopPropagation();
        this.close(key);
      });
    }
    const terminal = { node, shell, name, tab, view };
    this.open.set(key, terminal);
    this.place(terminal);
    this.panels.append(view.panel);
    return terminal;
  }

  /** Shells of one node stand together, in order. */
  private place({ node, shell, tab }: Open): void {
    const before = [...this.open.values()].filter((one) => one.node === node && one.shell < shell).at(-1);
    if (before?.tab.isConnected) before.tab.after(tab);
    else this.list.append(tab);
  }

  private close(key: string): void {
    const terminal = this.open.get(key);
    if (!terminal) return;
    const hadFocus = terminal.view.panel.contains(document.activeElement) || terminal.tab === document.activeElement;
    this.open.delete(key);
    terminal.view.dispose();
    terminal.tab.remove();
    this.left(key, `${terminal.node}/1`, hadFocus);
  }

  /** A tab is gone: what is shown in its place, and has the focus if it had. */
  private left(key: string, instead: string, hadFocus: boolean): void {
    if (this.second === key) this.second = "";
    if (this.active === key) this.active = this.second || instead;
    if (this.second === this.active) this.second = "";
    this.show();
    if (hadFocus) (this.current ?? this.guests.get(this.active))?.tab.focus();
  }

  private exited(key: string): boolean {
    if (key.endsWith("/1")) return false;
    this.close(key);
    return true;
  }

  /** Show the tab of that key. */
  activate(key: string, focus = false): void {
    if (!this.open.has(key) && !this.guests.has(key)) return;
    // It takes the place of the one that is of its cluster, so that both clusters stay in sight.
    const beside = key !== this.active && this.clusterOf(this.second) === this.clusterOf(key);
    if (this.second === key || (this.second && beside && this.clusterOf(this.active) !== this.clusterOf(key))) {
      this.second = this.active;
    }
    this.active = key;
    this.show();
    if (focus) this.focus();
  }

  /** The focus went into one of the two that are side by side. */
  private lookAt(key: string): void {
    if (key === this.active) return;
    if (this.second === key) this.second = this.active;
    this.active = key;
    this.show();
  }

  private toggleSplit(): void {
    const keys = this.keys;
    const next = keys[(keys.indexOf(this.active) + 1) % keys.length] ?? "";
    this.second = this.second || next === this.active ? "" : next;
    this.show();
    this.focus();
  }

  private show(): void {
    const mayConnect = this.machines?.phase === "ready";
    for (const [key, { tab, view }] of this.open) {
      this.mark(key, tab, view.panel);
      view.setVisible(this.isVisible(key), mayConnect);
    }
    for (const [key, guest] of this.guests) {
      this.mark(key, guest.tab, guest.panel);
      guest.setVisible(this.isVisible(key));
    }
    this.panels.toggleAttribute("data-split", this.second !== "" && !this.narrow.matches);
    this.splitButton.setAttribute("aria-pressed", String(this.second !== ""));
    this.splitButton.disabled = this.keys.length < 2;
    this.keep();
  }

  private isVisible(key: string): boolean {
    return key === this.active || (key === this.second && !this.narrow.matches);
  }

  private mark(key: string, tab: HTMLElement, panel: HTMLElement): void {
    const selected = key === this.active;
    tab.setAttribute("aria-selected", String(selected));
    tab.tabIndex = selected ? 0 : -1;
    tab.toggleAttribute("data-visible", this.isVisible(key));
    panel.toggleAttribute("data-active", selected);
  }

  private key(event: KeyboardEvent): void {
    const tabs = [...this.list.querySelectorAll<HTMLButtonElement>('[role="tab"]')];
    const at = tabs.findIndex((tab) => tab === event.target);
    if (at < 0) return;
    const step = { ArrowRight: at + 1, ArrowLeft: at - 1 + tabs.length, Home: 0, End: tabs.length - 1 }[event.key];
    const all: [string, { tab: HTMLElement }][] = [...this.open, ...this.guests];
    const keyOf = (tab?: HTMLElement): string => all.find(([, one]) => one.tab === tab)?.[0] ?? "";
    if (step !== undefined) {
      const tab = tabs[step % tabs.length];
      this.activate(keyOf(tab));
      tab?.focus();
    } else if (event.key === "ArrowDown") this.focus();
    else if (event.key === "Delete" && this.guests.has(keyOf(tabs[at]))) this.release(keyOf(tabs[at]));
    else if (event.key === "Delete" && !keyOf(tabs[at]).endsWith("/1")) this.close(keyOf(tabs[at]));
    else return;
    event.preventDefault();
  }

  private setFont(size: number): void {
    this.fontSize = Math.min(Math.max(size, FONT.smallest), FONT.largest);
    remembered.keep("terminal.font", this.fontSize);
    this.open.forEach(({ view }) => view.setFontSize(this.fontSize));
    announce(say("font-size", { size: this.fontSize }));
  }

  private toggleScreenReader(button: HTMLElement): void {
    this.screenReader = !this.screenReader;
    remembered.keep("terminal.screen-reader", this.screenReader ? "yes" : "no");
    button.setAttribute("aria-pressed", String(this.screenReader));
    this.open.forEach(({ view }) => view.setScreenReader(this.screenReader));
    announce(say(this.screenReader ? "screen-reader-on" : "screen-reader-off"));
  }
}
