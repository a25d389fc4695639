/** Finding and making elements. Text always goes in as text: nothing here can turn a string into markup. */

export type Child = Node | string | null;

interface Properties {
  class?: string;
  text?: string;
  /** Attributes; `null` leaves one out. */
  set?: Record<string, string | number | null>;
  on?: Partial<{ [K in keyof HTMLElementEventMap]: (event: HTMLElementEventMap[K]) => void }>;
}

/** The element of that id. A page that lacks it is a mistake of ours, so this throws. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`this page has no #${id}`);
  return found as T;
}

/** The element of that id, where a page may do without it. */
export function maybe<T extends HTMLElement = HTMLElement>(id: string): T | null {
  return document.getElementById(id) as T | null;
}

export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Properties = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (properties.class) element.className = properties.class;
  if (properties.text !== undefined) element.textContent = properties.text;
  for (const [name, value] of Object.entries(properties.set ?? {})) {
    if (value !== null) element.setAttribute(name, String(value));
  }
  for (const [name, listener] of Object.entries(properties.on ?? {})) {
    element.addEventListener(name, listener as EventListener);
  }
  element.append(...children.filter((child): child is Node | string => child !== null));
  return element;
}

/** A button that is never a form's submit button by accident. */
export function makeButton(label: string, onClick: () => void, properties: Properties = {}): HTMLButtonElement {
  const button = make("button", { text: label, ...properties });
  button.type = "button";
  button.addEventListener("click", onClick);
  return button;
}

/** What an event happened on or in, if that matches. */
export function closest<T extends HTMLElement>(event: Event, selector: string): T | null {
  return event.target instanceof Element ? event.target.closest<T>(selector) : null;
}

/** Set text only where it changes, so that screen readers and selections are not disturbed. */
export function setText(element: HTMLElement | null, text: string): void {
  if (element && element.textContent !== text) element.textContent = text;
}

/** The JSON inside a script element, or null. */
export function embeddedJson(id: string): unknown {
  const text = document.getElementById(id)?.textContent;
  return text ? (JSON.parse(text) as unknown) : null;
}
