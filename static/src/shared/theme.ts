/** Light, dark, or as the system prefers; remembered. `theme.ts` beside `main.ts` applies it before the first paint. */

import { remembered } from "./storage";

const CHOICES = ["auto", "light", "dark"] as const;
export type Theme = (typeof CHOICES)[number];

const KEY = "theme";
const CHANGED = "slipway:theme";
const system = matchMedia("(prefers-color-scheme: dark)");

export function chosenTheme(): Theme {
  const kept = remembered.text(KEY);
  return CHOICES.find((choice) => choice === kept) ?? "auto";
}

export function nextTheme(): Theme {
  return CHOICES[(CHOICES.indexOf(chosenTheme()) + 1) % CHOICES.length] ?? "auto";
}

export function chooseTheme(theme: Theme): void {
  remembered.keep(KEY, theme);
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  document.dispatchEvent(new Event(CHANGED));
}

export function isDark(): boolean {
  const shown = document.documentElement.dataset.theme;
  return shown === "dark" || (shown !== "light" && system.matches);
}

/** Tell whenever what is shown may have changed, whoever changed it. */
export function onTheme(listener: () => void): void {
  document.addEventListener(CHANGED, listener);
  system.addEventListener("change", listener);
}
