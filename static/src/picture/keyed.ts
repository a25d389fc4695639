/** Elements kept by key while what they show changes, so that they move instead of being made anew; those that go fade first. */

const LEAVE_MS = 260;

type Shown = HTMLElement | SVGElement;

export class Keyed<T, E extends Shown> {
  private readonly elements = new Map<string, E>();

  constructor(
    private readonly place: Element,
    private readonly make: (item: T) => E,
    private readonly fill: (element: E, item: T) => void,
  ) {}

  get(key: string): E | undefined {
    return this.elements.get(key);
  }

  /** Show exactly these, in this order. */
  show(items: ReadonlyMap<string, T>): void {
    const focused = document.activeElement;
    for (const [key, element] of this.elements) if (!items.has(key)) this.leave(key, element);
    let next = this.following(this.place.firstElementChild);
    for (const [key, item] of items) {
      const element = this.elements.get(key) ?? this.make(item);
      this.elements.set(key, element);
      this.fill(element, item);
      if (element === next) next = this.following(next.nextElementSibling);
      else this.place.insertBefore(element, next);
    }
    // An element that is moved within the page loses the focus.
    if (focused instanceof HTMLElement && focused !== document.activeElement && this.place.contains(focused)) focused.focus();
  }

  private following(element: Element | null): Element | null {
    let at = element;
    while (at?.hasAttribute("data-leaving")) at = at.nextElementSibling;
    return at;
  }

  private leave(key: string, element: E): void {
    this.elements.delete(key);
    element.setAttribute("data-leaving", "");
    element.setAttribute("inert", "");
    setTimeout(() => element.remove(), LEAVE_MS);
  }
}
