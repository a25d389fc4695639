/** A terminal's colours and letters. All sixteen colours keep 4.5 : 1 on their background; xterm.js corrects the rest. */

import type { ITheme } from "@xterm/xterm";

const DARK: ITheme = {
  background: "#0f1419",
  foreground: "#dfe5ea",
  cursor: "#7cd0e2",
  cursorAccent: "#0f1419",
  selectionBackground: "#2f5b6b",
  selectionInactiveBackground: "#2a3b46",
  black: "#7f8c96",
  red: "#ff8f86",
  green: "#7fd18f",
  yellow: "#e5c07b",
  blue: "#82b4ff",
  magenta: "#d7a0f0",
  cyan: "#6fcfd8",
  white: "#dfe5ea",
  brightBlack: "#98a5af",
  brightRed: "#ffb1aa",
  brightGreen: "#a5e3b1",
  brightYellow: "#f3d79c",
  brightBlue: "#abceff",
  brightMagenta: "#e6c1f7",
  brightCyan: "#9ce2e8",
  brightWhite: "#ffffff",
};

const LIGHT: ITheme = {
  background: "#fdfdfc",
  foreground: "#1d262b",
  cursor: "#0b6478",
  cursorAccent: "#fdfdfc",
  selectionBackground: "#b8dde6",
  selectionInactiveBackground: "#dde6e9",
  black: "#1d262b",
  red: "#a8231c",
  green: "#1d6a34",
  yellow: "#7a5200",
  blue: "#1f55b5",
  magenta: "#8a2f9c",
  cyan: "#0b6670",
  white: "#5b666c",
  brightBlack: "#4b575d",
  brightRed: "#bf2d25",
  brightGreen: "#23773c",
  brightYellow: "#875b00",
  brightBlue: "#2a62c9",
  brightMagenta: "#983aab",
  brightCyan: "#0e707b",
  brightWhite: "#3b464c",
};

export const MONOSPACE =
  'ui-monospace, "SF Mono", "Cascadia Mono", Consolas, "DejaVu Sans Mono", "Liberation Mono", Menlo, monospace';

export function coloursFor(dark: boolean): ITheme {
  return dark ? DARK : LIGHT;
}
