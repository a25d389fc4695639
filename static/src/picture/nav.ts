/** The keyboard in the picture: one stop for Tab, arrow keys from part to part in the direction they point. */

const PARTS = "button";
const TURNS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export interface Place {
  x: number;
  y: number;
}

/** Which of the places lies best in that direction from a place: ahead, near, and not far to the side. -1 for none. */
export function nextPlace(from: Place, places: readonly Place[], [dx, dy]: readonly [number, number]): number {
  let best = -1;
  let least = Number.POSITIVE_INFINITY;
  for (const [index, place] of places.entries()) {
    const ahead = (place.x - from.x) * dx + (place.y - from.y) * dy;
    const aside = Math.abs((place.x - from.x) * dy) + Math.abs((place.y - from.y) * dx);
    if (ahead <= 1 || aside > ahead * 4) continue;
    const cost = ahead + aside * 4;
    if (cost < least) [best, least] = [index, cost];
  }
  return best;
}

export class Roving {
  private current: HTMLElement | null = null;

  constructor(private readonly root: HTMLElement) {
    root.addEventListener("keydown", (event) => this.key(event));
    root.addEventListener("focusin", (event) => {
      if (event.target instanceof HTMLElement && event.target.matches("button")) this.become(event.target);
    });
  }

  /** After anything changed: exactly one part is reached by Tab. */
  refresh(): void {
    const parts = this.parts();
    for (const part of parts) if (part !== this.current) part.tabIndex = -1;
    if (!this.current || !parts.includes(this.current)) this.current = parts[0] ?? null;
    if (this.current) this.current.tabIndex = 0;
  }

  private parts(): HTMLElement[] {
    return [...this.root.querySelectorAll<HTMLElement>(PARTS)].filter((part) => !part.closest("[data-leaving]"));
  }

  private become(part: HTMLElement): void {
    if (this.current && this.current !== part) this.current.tabIndex = -1;
    this.current = part;
    part.tabIndex = 0;
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.altKey || event.metaKey || !(document.activeElement instanceof HTMLElement)) return;
    const parts = this.parts();
    const turn = TURNS[event.key];
    let to: HTMLElement | undefined;
    if (turn) {
      const places = parts.map(middle);
      to = parts[nextPlace(middle(document.activeElement), places, turn)];
    } else if (event.key === "Home") to = parts[0];
    else if (event.key === "End") to = parts.at(-1);
    else return;
    event.preventDefault();
    to?.focus();
    to?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
}

function middle(part: HTMLElement): Place {
  const box = part.getBoundingClientRect();
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}
