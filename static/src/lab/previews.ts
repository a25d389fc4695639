/**
 * Ports of nodes on the page: each has a tab among the terminals with what it serves in a frame, or opens in a window of its
 * own. What is framed is a stranger's page on an origin of its own; this page and it cannot look into each other.
 */

import { announce, notify } from "../shared/announce";
import type { KnownPort } from "../picture/entry";
import { byId, make, makeButton } from "../shared/dom";
import { session } from "../shared/storage";
import { say } from "../shared/texts";
import type { Guest, Machines, Terminals } from "../terminal/tabs";
import type { Config } from "./model";

/** What a framed page may do; leading this page elsewhere is not among it. */
const ALLOWED = "allow-scripts allow-forms allow-same-origin allow-popups allow-modals allow-downloads";
const MOST_KEPT = 12;

interface Doing {
  /** An address that opens the port once, or null when it was refused, of which the learner has been told. */
  address(node: string, port: number): Promise<string | null>;
  /** The terminals' pane is about to be looked at. */
  reveal(): void;
}

export class Previews {
  private machines: Machines | null = null;
  private readonly open = new Map<string, Preview>();
  private known = "";
  private readonly menu = byId<HTMLDetailsElement>("ports");
  private readonly list = byId("ports-known");
  private readonly node = byId<HTMLSelectElement>("ports-node");
  private readonly port = byId<HTMLInputElement>("ports-port");

  constructor(
    private readonly config: Config,
    private readonly terminals: Terminals,
    private readonly doing: Doing,
  ) {
    byId<HTMLFormElement>("ports-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.menu.open = false;
      this.show(this.node.value, this.port.valueAsNumber);
    });
  }

  /** The machines changed. Call after the terminals have been told. */
  update(machines: Machines | null): void {
    const isNew = machines?.sandbox !== this.machines?.sandbox || machines?.phase !== this.machines?.phase;
    this.machines = machines;
    this.menu.hidden = machines?.phase !== "ready";
    if (!isNew || machines?.phase !== "ready") return;
    this.node.replaceChildren(...machines.nodes.map((name) => make("option", { text: name, set: { value: name } })));
    for (const [node, port] of this.kept()) if (machines.nodes.includes(node)) this.add(node, port);
  }

  /** The ports that are known to be published, for the menu. */
  setPorts(ports: readonly KnownPort[]): void {
    const known = JSON.stringify(ports);
    if (known === this.known) return; // what is looked at stays as it is
    this.known = known;
    const items = ports.map(({ node, port, label }) => {
      const name = make("span", { class: "ports-name", text: `${node}:${port}` });
      const item = makeButton("", () => this.show(node, port), { class: "menu-item" });
      item.append(name, make("span", { class: "ports-label", text: label }));
      return make("li", {}, item);
    });
    this.list.replaceChildren(...items);
    this.list.hidden = items.length === 0;
  }

  /** Show what listens on a port of a node: in its tab, or in a window where a frame would get no cookies. */
  show(node: string, port: number): void {
    if (this.machines?.phase !== "ready" || !this.machines.nodes.includes(node)) {
      return void notify("info", say("preview-no-machines"));
    }
    if (!Number.isInteger(port) || port < 1 || port > 65535) return void notify("warning", say("preview-bad-port"));
    // The server says why there are none.
    if (this.config.previews === "none") return void this.doing.address(node, port);
    if (this.config.previews === "window") {
      notify("info", say("preview-window-only"));
      window.open(this.windowAddress(node, port), "_blank", "noopener");
      return;
    }
    this.doing.reveal();
    const preview = this.open.get(`${node}:${port}`) ?? this.add(node, port);
    this.terminals.activate(preview.key, true);
    announce(say("preview-shown", { node, port }));
  }

  private add(node: string, port: number): Preview {
    const preview = new Preview(node, port, {
      address: () => this.doing.address(node, port),
      window: this.windowAddress(node, port),
      activate: (key) => this.terminals.activate(key, true),
      close: (key) => this.terminals.release(key),
      closed: () => {
        this.open.delete(`${node}:${port}`);
        if (this.machines?.phase === "ready") this.keep();
      },
    });
    this.open.set(`${node}:${port}`, preview);
    this.terminals.host(preview.key, preview);
    this.keep();
    return preview;
  }

  private windowAddress(node: string, port: number): string {
    return this.config.urls.preview_window.replace("__NODE__", encodeURIComponent(node)).replace(/0$/, String(port));
  }

  private keep(): void {
    const kept = [...this.open.values()].map(({ node, port }) => [node, port]);
    session.keep(`previews.${this.machines?.sandbox ?? ""}`, JSON.stringify(kept.slice(-MOST_KEPT)));
  }

  private kept(): [string, number][] {
    try {
      const value: unknown = JSON.parse(session.text(`previews.${this.machines?.sandbox ?? ""}`) ?? "[]");
      const pairs: unknown[] = Array.isArray(value) ? value.slice(0, MOST_KEPT) : [];
      return pairs.filter(
        (pair): pair is [string, number] =>
          Array.isArray(pair) && typeof pair[0] === "string" && Number.isInteger(pair[1]),
      );
    } catch {
      return [];
    }
  }
}

interface PreviewOptions {
  address(): Promise<string | null>;
  window: string;
  activate(key: string): void;
  close(key: string): void;
  closed(): void;
}

class Preview implements Guest {
  readonly key: string;
  readonly tab: HTMLButtonElement;
  readonly panel: HTMLElement;
  private readonly frame: HTMLIFrameElement;
  private readonly status = make("p", { class: "preview-status", set: { role: "status" } });
  private isLoaded = false;

  constructor(
    readonly node: string,
    readonly port: number,
    private readonly options: PreviewOptions,
  ) {
    const words = { node, port };
    const id = `preview-${node}-${port}`;
    this.key = `preview/${node}/${port}`;
    this.tab = makeButton(`:${port} ${node}`, () => options.activate(this.key), {
      class: "tab",
      set: { role: "tab", id: `tab-${id}`, "aria-controls": id, "aria-keyshortcuts": "Delete", tabindex: -1 },
    });
    // For the mouse; the keyboard has Delete, as tabs do.
    const close = make("span", { class: "tab-close", text: "×", set: { "aria-hidden": "true" } });
    close.title = say("preview-close", words);
    close.addEventListener("click", (event) => {
      event.stopPropagation();
      options.close(this.key);
    });
    this.tab.append(close);
    this.frame = make("iframe", {
      class: "preview-frame",
      set: { title: say("preview-title", words), sandbox: ALLOWED, allow: "", referrerpolicy: "no-referrer" },
    });
    this.frame.addEventListener("load", () => this.say(""));
    this.panel = make("div", { class: "terminal-panel preview-panel", set: { id, role: "tabpanel", hidden: "" } });
    this.panel.setAttribute("aria-labelledby", this.tab.id);
    this.panel.append(this.bar(words), this.frame);
  }

  /** Loaded when it is first looked at, and then left as it is. */
  setVisible(visible: boolean): void {
    this.panel.hidden = !visible;
    if (visible && !this.isLoaded) void this.load();
  }

  focus(): void {
    this.frame.focus();
  }

  closed(): void {
    this.options.closed();
  }

  private bar(words: { node: string; port: number }): HTMLElement {
    const reload = makeButton(say("preview-reload"), () => void this.load(), {
      class: "button quiet small",
      set: { "aria-label": say("preview-reload-label", words) },
    });
    const away = make("a", {
      class: "button quiet small",
      text: say("preview-window"),
      set: {
        href: this.options.window,
        target: "_blank",
        rel: "noopener",
        "aria-label": say("preview-window-label", words),
      },
    });
    const name = make("span", { class: "preview-name", text: `${words.node}:${words.port}` });
    return make("div", { class: "preview-bar" }, name, this.status, reload, away);
  }

  private async load(): Promise<void> {
    this.isLoaded = true;
    this.say(say("preview-opening", { node: this.node, port: this.port }));
    const url = await this.options.address();
    if (url) this.frame.src = url;
    else {
      this.isLoaded = false;
      this.say("");
    }
  }

  private say(sentence: string): void {
    this.status.textContent = sentence;
  }
}
