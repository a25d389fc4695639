/** The guide beside the terminals: run and copy buttons, hints, and another step's text put in place of this one's. */

import { announce, notify } from "../shared/announce";
import { byId, closest, setText } from "../shared/dom";
import { say } from "../shared/texts";

interface Doing {
  /** Type into a node's terminal; false when it does not run. */
  run(node: string, command: string): boolean;
  openedHint(hint: number): void;
  /** Show a port of a node beside the guide. */
  openPreview(node: string, port: number): void;
  /** A link of the guide leads to another step. */
  goTo(step: string): void;
}

const COPIED_MS = 1600;

export class Guide {
  private readonly body = byId("guide-body");
  private readonly title = byId("step-title");
  private readonly opened = new WeakSet<Element>();

  constructor(private readonly doing: Doing) {
    this.body.addEventListener("click", (event) => this.clicked(event));
    // `toggle` does not bubble; it can be heard on the way down.
    this.body.addEventListener("toggle", (event) => this.toggled(event), { capture: true });
  }

  /** Put a step's guide in place; `html` is the server's own, cleaned there. */
  show(html: string, title: string): void {
    this.body.innerHTML = html;
    if (!this.body.contains(this.title)) {
      const given = this.body.querySelector<HTMLElement>("article[data-title]")?.dataset.title;
      setText(this.title, given ?? title);
    }
    for (let place: HTMLElement | null = this.body; place; place = place.parentElement) place.scrollTop = 0;
    this.title.tabIndex = -1;
    this.title.focus({ preventScroll: true });
  }

  private clicked(event: MouseEvent): void {
    const run = closest<HTMLButtonElement>(event, ".run-button");
    if (run) return this.run(run);
    const copy = closest<HTMLButtonElement>(event, ".copy-button");
    if (copy) return void this.copy(copy);
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    const preview = closest<HTMLAnchorElement>(event, "a.preview-button");
    if (preview) {
      event.preventDefault();
      return this.doing.openPreview(preview.dataset.node ?? "", Number(preview.dataset.port));
    }
    const link = closest<HTMLAnchorElement>(event, 'a[href^="?step="]');
    if (!link) return;
    event.preventDefault();
    this.doing.goTo(new URLSearchParams(link.search).get("step") ?? "");
  }

  private run(button: HTMLButtonElement): void {
    const { node, command } = button.dataset;
    if (!node || !command) return;
    if (this.doing.run(node, command)) announce(say("ran", { node }));
    else notify("info", say("no-machines-to-run"));
  }

  private async copy(button: HTMLButtonElement): Promise<void> {
    const text = button.dataset.text ?? "";
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      if (!copyTheOldWay(text, button)) return void notify("warning", say("copy-failed"));
    }
    announce(say("copied"));
    if (button.dataset.label !== undefined) return;
    button.dataset.label = button.textContent ?? "";
    button.textContent = say("copied");
    setTimeout(() => {
      button.textContent = button.dataset.label ?? "";
      delete button.dataset.label;
    }, COPIED_MS);
  }

  private toggled(event: Event): void {
    const hint = event.target;
    if (!(hint instanceof HTMLDetailsElement) || !hint.matches("details.hint[data-hint]")) return;
    if (!hint.open || this.opened.has(hint)) return;
    this.opened.add(hint);
    const number = Number.parseInt(hint.dataset.hint ?? "", 10);
    if (number > 0) this.doing.openedHint(number);
  }
}

/** For pages without a secure origin, where browsers have no clipboard for scripts. */
function copyTheOldWay(text: string, back: HTMLElement): boolean {
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "visually-hidden";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  back.focus();
  return done;
}
