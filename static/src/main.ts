/** What every page has: its styles, the switch of themes, menus that close, dates in the reader's own way. */

import "./styles/index.css";
import { announce } from "./shared/announce";
import { closest } from "./shared/dom";
import { say } from "./shared/texts";
import { chooseTheme, chosenTheme, nextTheme } from "./shared/theme";

const THEME_KEYS = { auto: "theme-auto", light: "theme-light", dark: "theme-dark" } as const;

function labelThemeSwitches(): void {
  for (const button of document.querySelectorAll<HTMLButtonElement>("button[data-theme-switch]")) {
    button.dataset.themeSwitch = chosenTheme();
    // The template brings the translations: data-labelauto and so on.
    button.title = button.dataset[`label${chosenTheme()}`] ?? say(THEME_KEYS[chosenTheme()]);
    button.setAttribute("aria-label", button.title);
  }
}

function driveMenus(event: Event): void {
  const chosen = closest(event, ".menu-item:not([data-theme-switch])");
  const inside = chosen ? null : closest<HTMLDetailsElement>(event, "details[data-menu]");
  for (const menu of document.querySelectorAll<HTMLDetailsElement>("details[data-menu][open]")) {
    if (menu !== inside) menu.open = false;
  }
}

function closeMenu(event: KeyboardEvent): void {
  if (event.key !== "Escape") return;
  const menu = closest<HTMLDetailsElement>(event, "details[data-menu][open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary")?.focus();
}

/** In the page's language, as the reader's own country writes it: 25 Nov or Nov 25. */
function showLocalTimes(): void {
  const { lang } = document.documentElement;
  const own = navigator.languages.find((one) => one.split("-")[0] === lang);
  const format = new Intl.DateTimeFormat(own ?? (lang || undefined), {
    dateStyle: "medium",
    timeStyle: "short",
  });
  for (const element of document.querySelectorAll<HTMLTimeElement>("time[data-local]")) {
    const moment = new Date(element.dateTime);
    if (!Number.isNaN(moment.getTime())) element.textContent = format.format(moment);
  }
}

document.addEventListener("click", (event) => {
  driveMenus(event);
  if (!closest(event, "button[data-theme-switch]")) return;
  chooseTheme(nextTheme());
  labelThemeSwitches();
  announce(closest(event, "button[data-theme-switch]")?.title ?? "");
});
document.addEventListener("keydown", closeMenu);
chooseTheme(chosenTheme());
labelThemeSwitches();
showLocalTimes();
