/** Which colour a network has: the same as long as it lives, and no two of few alike. Colour is never the only sign. */

import type { SceneNetwork } from "./scene";

const HUES = 6;

export class Palette {
  private colours = new Map<string, string>();

  /** These networks are shown now; the colours of others are free again. */
  use(networks: readonly SceneNetwork[]): void {
    const kept = new Map<string, string>();
    for (const { network } of networks) {
      const colour = this.colours.get(network.id);
      if (colour !== undefined) kept.set(network.id, colour);
    }
    for (const { network, family } of networks) {
      if (kept.has(network.id)) continue;
      const hue = ["service", "overlay", "local"].includes(family) ? leastUsed([...kept.values()]) : family;
      kept.set(network.id, hue);
    }
    this.colours = kept;
  }

  of(network: string): string {
    return this.colours.get(network) ?? "plain";
  }
}

function leastUsed(used: readonly string[]): string {
  const counts = Array.from({ length: HUES }, (_, hue) => used.filter((one) => one === String(hue)).length);
  return String(counts.indexOf(Math.min(...counts)));
}
