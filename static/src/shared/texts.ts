/** Sentences by key, translated where the page brought a translation, with values filled in. */

import { ENGLISH, type TextKey } from "../texts";

let translated: Readonly<Record<string, unknown>> = {};

/** Take the page's translations; what is not a text is left out. */
export function useTexts(texts: unknown): void {
  translated = typeof texts === "object" && texts !== null ? (texts as Record<string, unknown>) : {};
}

export function say(key: TextKey, values: Readonly<Record<string, string | number>> = {}): string {
  const own = translated[key];
  const text = typeof own === "string" && own ? own : ENGLISH[key];
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** As `say`, for keys put together from what the server said; unknown ones are shown as they came. */
export function sayNamed(prefix: string, name: string): string {
  const key = `${prefix}-${name}`;
  return key in ENGLISH ? say(key as TextKey) : name;
}
