/** The table of the machines: name, kind, and how each is. */

import { byId, make } from "../shared/dom";
import { sayNamed } from "../shared/texts";
import type { Sandbox } from "./model";

let shown = "";

export function showMachines(sandbox: Sandbox | null): void {
  const nodes = sandbox?.nodes ?? [];
  const key = JSON.stringify(nodes);
  if (key === shown) return;
  shown = key;
  const rows = nodes.map((node) =>
    make(
      "tr",
      {},
      make("th", { text: node.name, set: { scope: "row" } }),
      make("td", { text: sayNamed("kind", node.kind) }),
      make("td", { class: "node-state", text: sayNamed("state", node.state), set: { "data-state": node.state } }),
    ),
  );
  byId("nodes-table").querySelector("tbody")?.replaceChildren(...rows);
}
