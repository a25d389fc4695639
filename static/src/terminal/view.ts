/** One terminal on the page: a screen, a connection and the way of output between them, and what is said about them. */

import { announce } from "../shared/announce";
import { make, makeButton } from "../shared/dom";
import { say } from "../shared/texts";
import { type Frame, POWER_LOST } from "./codec";
import { Connection, type LinkState } from "./connection";
import { Flow } from "./flow";
import { askToPaste } from "./paste";
import { type Keys, Screen } from "./screen";
import { SearchBar } from "./search";

/** Ends whatever sequence was half way through, then resets the terminal, in its turn behind what was written before. */
const RESET = "\x18\x1bc";
const CLEAR_LINE = "\x15";
const PASSING_MS = 5000;
const FIT_MS = 60;

export interface ViewOptions {
  node: string;
  shell: string;
  name: string;
  url: string;
  fontSize: number;
  screenReader: boolean;
  /** Escape was pressed twice. */
  leave(): void;
  /** The shell has ended; true when the terminal is taken away with it. */
  exited(): boolean;
  used(): void;
}

export class TerminalView {
  readonly panel: HTMLElement;
  readonly screen: Screen;
  private readonly connection: Connection;
  private readonly flow: Flow;
  private readonly search: SearchBar;
  private readonly place = make("div", { class: "terminal-place" });
  private readonly status = make("div", { class: "terminal-status", set: { role: "status" } });
  private readonly resizing = new ResizeObserver(() => this.fitSoon());
  private readonly encoder = new TextEncoder();
  private isOpen = false;
  private isFresh = true;
  private wasLost = false;
  private refusal = "";
  private fitting: ReturnType<typeof setTimeout> | null = null;
  private passing: ReturnType<typeof setTimeout> | null = null;

  constructor(private readonly options: ViewOptions) {
    const keys: Keys = { leave: () => options.leave(), search: () => this.search.open() };
    this.screen = new Screen(options, keys);
    this.flow = new Flow(this.screen.terminal, (bytes) => this.connection.acknowledge(bytes));
    this.connection = new Connection(options.url, {
      opening: () => this.opening(),
      state: (state) => this.show(state),
      frame: (frame) => this.hear(frame),
    });
    this.search = new SearchBar(this.screen);
    this.panel = make("div", { class: "terminal-panel", set: { role: "tabpanel", "data-state": "idle", hidden: "" } });
    this.panel.dataset.terminal = `${options.node}/${options.shell}`;
    this.panel.append(this.search.element, this.place, this.status);
    this.status.hidden = true;
    this.listen();
  }

  get state(): LinkState {
    return this.connection.state;
  }

  /** Show or hide it. The first time it is shown it is drawn and connects. */
  setVisible(visible: boolean, mayConnect: boolean): void {
    this.panel.hidden = !visible;
    if (visible && !this.isOpen) {
      this.isOpen = true;
      this.screen.open(this.place, say("terminal-label", { name: this.options.name }));
      this.resizing.observe(this.place);
    }
    if (visible) this.fit();
    this.screen.drawFast(visible);
    if (visible && mayConnect) this.connectIfNeeded();
  }

  connectIfNeeded(): void {
    this.connection.connectIfIdle();
  }

  /** Connect anew: the network was away, whether or not the socket has noticed. */
  reconnect(): void {
    if (this.state === "live" || this.state === "reconnecting") this.connection.connect();
  }

  hurry(): void {
    this.connection.hurry();
  }

  end(): void {
    this.connection.end();
  }

  focus(): void {
    this.screen.terminal.focus();
  }

  openSearch(): void {
    this.search.open();
  }

  /** Type commands and press Enter after each line, in place of whatever stood half typed at the prompt. */
  run(command: string): void {
    if (this.state === "exited") this.connection.connect();
    const lines = command.replace(/\r\n?/g, "\n").split("\n").join("\r");
    this.connection.send(this.encoder.encode(`${CLEAR_LINE}${lines}\r`), true);
    this.screen.terminal.scrollToBottom();
  }

  setFontSize(size: number): void {
    this.screen.terminal.options.fontSize = size;
    this.fit();
  }

  setScreenReader(on: boolean): void {
    this.screen.terminal.options.screenReaderMode = on;
  }

  dispose(): void {
    this.resizing.disconnect();
    for (const timer of [this.fitting, this.passing]) if (timer !== null) clearTimeout(timer);
    this.connection.close();
    this.flow.restart();
    this.screen.dispose();
    this.panel.remove();
  }

  private listen(): void {
    const terminal = this.screen.terminal;
    terminal.onData((data) => this.typed(this.encoder.encode(data)));
    terminal.onBinary((data) => this.typed(Uint8Array.from(data, (letter) => letter.charCodeAt(0))));
    terminal.onResize(({ cols, rows }) => this.connection.resize(cols, rows));
    // Before xterm.js hears it, which would paste without asking.
    this.place.addEventListener("paste", (event) => void this.paste(event), { capture: true });
  }

  private typed(data: Uint8Array): void {
    // What old output asks for (a cursor's position, say) was answered when it was new.
    if (this.screen.replaying) return;
    if (this.state === "exited") {
      if (data.length === 1 && data[0] === 0x0d) this.connection.connect();
      return;
    }
    this.connection.send(data);
    this.options.used();
  }

  private async paste(event: ClipboardEvent): Promise<void> {
    event.preventDefault();
    event.stopImmediatePropagation();
    const text = await askToPaste(event.clipboardData?.getData("text/plain") ?? "");
    this.focus();
    if (text !== null) this.screen.terminal.paste(text);
  }

  private opening(): void {
    this.flow.restart();
    this.isFresh = true;
    this.refusal = "";
  }

  private hear(frame: Frame): void {
    switch (frame.kind) {
      case "scrollback":
      case "output":
        if (frame.kind === "scrollback") this.startAfresh();
        this.flow.push(frame.data);
        break;
      case "live":
        this.startAfresh();
        this.flow.mark(() => (this.screen.replaying = false));
        this.becameLive(frame.created);
        break;
      case "skipped":
        this.say(say("terminal-skipped", { size: Math.ceil(frame.bytes / 1024) }), { passing: true });
        break;
      case "exit":
        this.refusal = this.ending(frame.code, frame.signal);
        break;
      case "error":
        this.refusal = frame.sentence;
    }
  }

  private ending(code: number | null, signal: string | null): string {
    if (signal === POWER_LOST) {
      this.wasLost = true;
      return say("terminal-no-power", { node: this.options.node });
    }
    return signal ? say("terminal-killed", { signal }) : say("terminal-exited", { code: code ?? "?" });
  }

  /** Whatever an earlier connection showed comes again as scrollback. */
  private startAfresh(): void {
    if (!this.isFresh) return;
    this.isFresh = false;
    this.screen.replaying = true;
    this.screen.terminal.write(RESET);
  }

  private becameLive(created: boolean): void {
    if (this.wasLost || !created) {
      const sentence = say(created ? "terminal-new-after-loss" : "terminal-reconnected");
      this.say(sentence, { passing: true });
      announce(sentence);
    } else this.say("");
    this.wasLost = false;
  }

  private show(state: LinkState): void {
    this.panel.dataset.state = state;
    switch (state) {
      case "connecting":
        return this.say(say("terminal-connecting"));
      case "waiting":
        return this.say(this.refusal || say("terminal-waiting"));
      case "reconnecting":
        this.wasLost = true;
        return this.say(this.refusal || say("terminal-reconnecting"));
      case "ended":
        return this.say(say("terminal-ended"));
      case "exited":
        if (!this.options.exited()) this.say(this.refusal, { button: say("terminal-new") });
        return;
      case "refused":
        return this.say(this.refusal || say("terminal-refused"), { button: say("terminal-again") });
    }
  }

  private say(sentence: string, more: { passing?: boolean; button?: string } = {}): void {
    if (this.passing !== null) clearTimeout(this.passing);
    this.passing = more.passing ? setTimeout(() => this.say(""), PASSING_MS) : null;
    this.status.hidden = sentence === "";
    this.status.replaceChildren(make("p", { text: sentence }));
    if (!more.button) return;
    const again = makeButton(more.button, () => this.again(), { class: "button small" });
    this.status.append(again);
  }

  private again(): void {
    this.connection.connect();
    this.focus();
  }

  private fitSoon(): void {
    if (this.fitting !== null) clearTimeout(this.fitting);
    this.fitting = setTimeout(() => this.fit(), FIT_MS);
  }

  private fit(): void {
    if (this.isOpen && !this.panel.hidden) this.screen.fit();
  }
}
