/** A recording in the guide: a terminal that nobody types into, captions, chapters, speed, and the picture in time with it. */

import { Terminal } from "@xterm/xterm";
import type { Recorded } from "../picture/picture";
import type { Snapshot } from "../picture/snapshot";
import { make, makeButton, setText } from "../shared/dom";
import { say } from "../shared/texts";
import { isDark } from "../shared/theme";
import { coloursFor, MONOSPACE } from "../terminal/theme";
import { Playback, Seen, SPEEDS } from "./playback";
import {
  captionAt,
  chapterFrom,
  clockText,
  countUntil,
  latest,
  type RecordedPicture,
  type Recording,
} from "./recording";

/** What a player needs of the rest of the page. */
export interface Audience {
  /** Show the machines that it was recorded on as they were at this moment; `pressed` when somebody has just played or sought. */
  picture(recorded: Recorded, pressed: boolean): void;
  /** Tell the server which seconds were played, or that all was read; whether it counts as watched now. */
  seen(seen: string, read: boolean): Promise<boolean | null>;
}

const SKIP_SECONDS = 5;
/** So many seconds more are told at once while it plays. */
const TELL_SECONDS = 10;
/** Of a letter in a monospace font, in its size; letters are a little smaller than what fits, never larger. */
const LETTER_WIDTH = 0.61;
const SMALLEST_LETTERS = 4;
const LARGEST_LETTERS = 15;

export class Player {
  private readonly playback: Playback;
  private readonly seen: Seen;
  private readonly terminal: Terminal;
  private readonly screen = make("div", { class: "cast-screen", set: { inert: "" } });
  private readonly stage = make("div", { class: "cast-stage" }, this.screen);
  private readonly caption = make("p", { class: "cast-caption", set: { "aria-live": "polite" } });
  private readonly toggle = makeButton("", () => this.playOrPause(), { class: "button primary small cast-toggle" });
  private readonly seek = make("input", { class: "cast-seek", set: { type: "range", min: 0, step: 1, "aria-label": say("cast-position") } });
  private readonly clock = make("span", { class: "cast-clock" });
  private readonly chapters = make("ol", { class: "cast-chapters", set: { "aria-label": say("cast-chapters") } });
  private readonly progress = make("p", { class: "cast-progress note" });
  private readonly resizing = new ResizeObserver(() => this.fit());
  private readonly theming = new MutationObserver(() => this.colour());
  private readonly dark = matchMedia("(prefers-color-scheme: dark)");
  private readonly colour = (): void => void (this.terminal.options.theme = coloursFor(isDark()));
  private written = 0;
  private shown: Snapshot | null = null;
  private frame = 0;
  private ticked = 0;

  constructor(
    private readonly place: HTMLElement,
    private readonly recording: Recording,
    private readonly picture: RecordedPicture,
    private readonly audience: Audience,
    before: { seen: string; watched: boolean },
  ) {
    this.playback = new Playback(recording.seconds);
    this.seen = new Seen(recording.seconds, before.seen);
    this.terminal = new Terminal({
      cols: recording.columns,
      rows: recording.rows,
      cursorBlink: false,
      disableStdin: true,
      fontFamily: MONOSPACE,
      lineHeight: 1.15,
      minimumContrastRatio: 4.5,
      scrollback: 0,
      theme: coloursFor(isDark()),
    });
    this.seek.max = String(Math.floor(recording.seconds));
    this.place.querySelector(".cast-player")?.replaceChildren(this.frameOf());
    this.terminal.open(this.screen);
    this.tellProgress(before.watched);
    this.listen();
    this.fit();
    this.show();
  }

  /** Stop, and let go of everything: the guide shows another step. */
  dispose(): void {
    this.pause();
    this.resizing.disconnect();
    this.theming.disconnect();
    this.dark.removeEventListener("change", this.colour);
    this.terminal.dispose();
  }

  private frameOf(): HTMLElement {
    const speed = make("select", { class: "cast-speed", set: { "aria-label": say("cast-speed") } });
    speed.append(...SPEEDS.map((one) => make("option", { text: `${one}×`, set: { value: one } })));
    speed.value = "1";
    speed.addEventListener("change", () => {
      this.playback.speed = Number(speed.value);
    });
    for (const chapter of this.recording.chapters) {
      const button = makeButton(chapter.value, () => this.goTo(chapter.at), { set: { "data-at": chapter.at } });
      button.prepend(make("span", { class: "cast-clock", text: clockText(chapter.at) }));
      this.chapters.append(make("li", {}, button));
    }
    const controls = make("div", { class: "cast-controls" }, this.toggle, this.seek, this.clock, speed);
    const frame = make("div", { class: "cast-frame", set: { role: "group", "aria-label": say("cast-label") } });
    this.stage.addEventListener("click", () => {
      this.playOrPause();
      this.toggle.focus({ preventScroll: true });
    });
    frame.append(this.stage, this.caption, controls, make("p", { class: "cast-keys note", text: say("cast-keys") }), this.chapters, this.progress);
    frame.addEventListener("keydown", (event) => this.key(event));
    return frame;
  }

  private listen(): void {
    this.resizing.observe(this.place);
    this.theming.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    this.dark.addEventListener("change", this.colour);
    this.seek.addEventListener("input", () => this.goTo(Number(this.seek.value)));
    const read = makeButton(say("cast-read"), () => void this.tell(0, true), { class: "button small" });
    this.place.querySelector(".cast-transcript")?.append(make("p", {}, read));
  }

  private key(event: KeyboardEvent): void {
    const target = event.target as Element;
    if (event.ctrlKey || event.altKey || event.metaKey || target.matches("select")) return;
    if (event.key === " " && !target.matches("button")) this.playOrPause();
    else if (event.key === "ArrowLeft") this.goTo(this.playback.position - SKIP_SECONDS);
    else if (event.key === "ArrowRight") this.goTo(this.playback.position + SKIP_SECONDS);
    else if (event.key === "[") this.goTo(chapterFrom(this.recording, this.playback.position, -1));
    else if (event.key === "]") this.goTo(chapterFrom(this.recording, this.playback.position, 1));
    else return;
    event.preventDefault();
  }

  private playOrPause(): void {
    if (this.playback.playing) return this.pause();
    this.playback.play();
    this.stage.scrollIntoView({ block: "nearest" });
    this.ticked = performance.now();
    this.frame ||= requestAnimationFrame((now) => this.tick(now));
    this.show(true);
  }

  private pause(): void {
    this.playback.pause();
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.show();
    void this.tell(1);
  }

  private goTo(position: number): void {
    this.playback.seek(position);
    this.show(true);
  }

  private tick(now: number): void {
    this.playback.tick((now - this.ticked) / 1000);
    this.ticked = now;
    this.seen.mark(this.playback.position);
    this.show();
    this.frame = this.playback.playing ? requestAnimationFrame((next) => this.tick(next)) : 0;
    void this.tell(this.playback.playing ? TELL_SECONDS : 1);
  }

  /** Make everything look as it did at this moment. */
  private show(pressed = false): void {
    const { position, playing } = this.playback;
    const due = countUntil(this.recording.output, position);
    if (due < this.written) {
      this.terminal.reset();
      this.written = 0;
    }
    const fresh = this.recording.output.slice(this.written, due);
    if (fresh.length > 0) this.terminal.write(fresh.map((piece) => piece.value).join(""));
    this.written = due;
    const cluster = latest(this.picture.snapshots, position);
    if (cluster && (pressed || cluster.value !== this.shown)) {
      this.shown = cluster.value;
      this.audience.picture({ machines: this.picture.machines, snapshot: cluster.value }, pressed);
    }
    setText(this.caption, captionAt(this.recording, position));
    setText(this.toggle, say(playing ? "cast-pause" : "cast-play"));
    setText(this.clock, `${clockText(position)} / ${clockText(this.recording.seconds)}`);
    this.stage.toggleAttribute("data-untouched", !playing && position === 0);
    this.showChapter(latest(this.recording.chapters, position)?.at);
    const whole = String(Math.floor(position));
    if (this.seek.value !== whole) this.seek.value = whole;
    this.seek.setAttribute("aria-valuetext", say("cast-time", { time: clockText(position), total: clockText(this.recording.seconds) }));
  }

  private showChapter(at: number | undefined): void {
    for (const button of this.chapters.querySelectorAll("button")) {
      const current = button.dataset.at === String(at);
      if (current === button.hasAttribute("aria-current")) continue;
      if (current) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    }
  }

  private async tell(atLeast: number, read = false): Promise<void> {
    const news = this.seen.news(read ? 0 : atLeast);
    if (news === null) return;
    const watched = await this.audience.seen(news, read);
    if (watched !== null) this.tellProgress(watched);
  }

  private tellProgress(watched: boolean): void {
    setText(this.progress, watched ? say("cast-watched") : say("cast-seen", { percent: this.seen.percent }));
    this.progress.toggleAttribute("data-watched", watched);
  }

  private fit(): void {
    const width = this.screen.parentElement?.clientWidth ?? 0;
    if (width === 0) return;
    const size = Math.floor((10 * width) / this.recording.columns / LETTER_WIDTH) / 10;
    this.terminal.options.fontSize = Math.min(Math.max(size, SMALLEST_LETTERS), LARGEST_LETTERS);
  }
}
