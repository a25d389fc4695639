/**
 * xterm.js as this project wants it: letters, colours, links, copying, keys, WebGL only while it is looked at. Whatever a
 * program prints is untrusted: it may not read the clipboard, and a link says where it leads before it opens.
 */

import { ClipboardAddon, type ClipboardSelectionType, type IClipboardProvider } from "@xterm/addon-clipboard";
import { FitAddon } from "@xterm/addon-fit";
import { SearchAddon } from "@xterm/addon-search";
import { Unicode11Addon } from "@xterm/addon-unicode11";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { WebglAddon } from "@xterm/addon-webgl";
import { Terminal } from "@xterm/xterm";
import { confirmed } from "../shared/dialogs";
import { say } from "../shared/texts";
import { isDark } from "../shared/theme";
import { coloursFor, MONOSPACE } from "./theme";

const SCROLLBACK_LINES = 10_000;
const DOUBLE_ESCAPE_MS = 500;
const SELECTION_SETTLES_MS = 150;

export interface Keys {
  leave(): void;
  search(): void;
}

/** Programs may put text on the clipboard (OSC 52), where the browser allows it. They never read it, and what an old
 * shell printed long ago does nothing when its scrollback is shown again. */
function writeOnly(isReplay: () => boolean): IClipboardProvider {
  return {
    readText: () => "",
    writeText: async (_selection: ClipboardSelectionType, text: string): Promise<void> => {
      if (!isReplay()) await copy(text);
    },
  };
}

/** Put text on the clipboard; where the browser refuses, nothing happens. */
async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Selected text can still be copied by hand.
  }
}

/** Renderers that are programs: WebGL drawn by the main processor is slower than no WebGL at all. */
const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i;

/** Whether WebGL is drawn by a graphics processor. Asked once: browsers allow few contexts. */
const hasFastWebgl = once((): boolean => {
  const context = document.createElement("canvas").getContext("webgl2", { failIfMajorPerformanceCaveat: true });
  if (!context) return false;
  const named = context.getExtension("WEBGL_debug_renderer_info");
  const renderer = String(context.getParameter(named ? named.UNMASKED_RENDERER_WEBGL : context.RENDERER));
  context.getExtension("WEBGL_lose_context")?.loseContext();
  return !SOFTWARE.test(renderer);
});

function once<T>(find: () => T): () => T {
  let found: { value: T } | null = null;
  return () => (found ??= { value: find() }).value;
}

export class Screen {
  readonly terminal: Terminal;
  readonly search = new SearchAddon();
  /** While scrollback is shown again: nothing in it is answered or acted upon. */
  replaying = false;
  private readonly fitting = new FitAddon();
  private webgl: WebglAddon | null = null;
  private lastEscape = 0;
  private selecting: ReturnType<typeof setTimeout> | null = null;

  constructor(options: { fontSize: number; screenReader: boolean }, keys: Keys) {
    this.terminal = new Terminal({
      allowProposedApi: true,
      cursorBlink: !matchMedia("(prefers-reduced-motion: reduce)").matches,
      fontFamily: MONOSPACE,
      fontSize: options.fontSize,
      lineHeight: 1.15, // in a row of the font's own height some fonts lose their underscores
      minimumContrastRatio: 4.5,
      rightClickSelectsWord: true,
      screenReaderMode: options.screenReader,
      scrollback: SCROLLBACK_LINES,
      theme: coloursFor(isDark()),
      linkHandler: { activate: (event, uri) => void openLink(event, uri) },
    });
    this.terminal.loadAddon(this.fitting);
    this.terminal.loadAddon(this.search);
    this.terminal.loadAddon(new Unicode11Addon());
    this.terminal.loadAddon(new ClipboardAddon(undefined, writeOnly(() => this.replaying)));
    this.terminal.loadAddon(new WebLinksAddon((event, uri) => void openLink(event, uri)));
    this.terminal.unicode.activeVersion = "11";
    this.terminal.attachCustomKeyEventHandler((event) => this.takesKey(event, keys));
    this.terminal.onSelectionChange(() => this.copySelection());
  }

  /** Put it on the page; call once, while its place is visible. */
  open(place: HTMLElement, label: string): void {
    this.terminal.open(place);
    this.terminal.textarea?.setAttribute("aria-label", label);
  }

  /** Take as much of its place as whole letters fill. Does nothing while hidden. */
  fit(): void {
    const size = this.fitting.proposeDimensions();
    if (!size || !Number.isFinite(size.cols) || !Number.isFinite(size.rows)) return;
    const cols = Math.min(Math.max(size.cols, 2), 1000);
    const rows = Math.min(Math.max(size.rows, 1), 1000);
    if (cols !== this.terminal.cols || rows !== this.terminal.rows) this.terminal.resize(cols, rows);
  }

  /** Browsers allow few WebGL contexts: only terminals that are looked at have one. */
  drawFast(wanted: boolean): void {
    if (!wanted) {
      this.webgl?.dispose();
      this.webgl = null;
      return;
    }
    if (this.webgl || !hasFastWebgl()) return;
    try {
      const webgl = new WebglAddon();
      webgl.onContextLoss(() => this.drawFast(false));
      this.terminal.loadAddon(webgl);
      this.webgl = webgl;
    } catch {
      this.webgl = null; // The DOM renderer draws, then.
    }
  }

  followTheme(): void {
    this.terminal.options.theme = coloursFor(isDark());
  }

  dispose(): void {
    if (this.selecting !== null) clearTimeout(this.selecting);
    this.drawFast(false);
    this.terminal.dispose();
  }

  /** Whether the terminal gets this key. */
  private takesKey(event: KeyboardEvent, keys: Keys): boolean {
    if (event.type !== "keydown") return true;
    if (event.key === "Escape" && !event.ctrlKey && !event.altKey && !event.metaKey && !event.shiftKey) {
      const twice = event.timeStamp - this.lastEscape <= DOUBLE_ESCAPE_MS;
      this.lastEscape = twice ? 0 : event.timeStamp;
      if (twice) keys.leave();
      return !twice;
    }
    this.lastEscape = 0;
    if (!event.ctrlKey || !event.shiftKey || event.altKey || event.metaKey) return true;
    switch (event.code) {
      case "KeyC":
        event.preventDefault(); // browsers would open their developer tools
        if (this.terminal.hasSelection()) void copy(this.terminal.getSelection());
        return false;
      case "KeyV":
        return false; // the browser pastes, and the paste event is heard
      case "KeyF":
        event.preventDefault();
        keys.search();
        return false;
      default:
        return true;
    }
  }

  private copySelection(): void {
    if (this.selecting !== null) clearTimeout(this.selecting);
    this.selecting = setTimeout(() => {
      const text = this.terminal.getSelection();
      // A search selects what it found; only what was selected by hand is copied.
      if (text && this.terminal.element?.contains(document.activeElement)) void copy(text);
    }, SELECTION_SETTLES_MS);
  }
}

async function openLink(event: MouseEvent, address: string): Promise<void> {
  event.preventDefault();
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    return;
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") return;
  if (await confirmed({ title: say("link-question"), text: url.href, confirm: say("link-open") })) {
    window.open(url.href, "_blank", "noopener,noreferrer");
  }
}
