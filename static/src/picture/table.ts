/** The same facts as tables: shown where somebody prefers them to the picture, and there for screen readers either way. */

import { make, setText } from "../shared/dom";
import { sayNamed } from "../shared/texts";
import { KINDS_OF, type Entry, type Kind, type View } from "./entry";
import { entriesOf } from "./facts";
import { nameOf } from "./parts";
import { CLUSTERS, type ClusterKind } from "./scene";

export class Tables {
  private readonly parts = CLUSTERS.map((kind) => new ClusterTables(kind));

  /** What the server put there for pages without scripts goes. */
  constructor(place: HTMLElement) {
    place.replaceChildren(...this.parts.map((part) => part.element));
  }

  show(view: View): void {
    for (const part of this.parts) part.show(view);
  }
}

/** One cluster's tables, below its name where there is another cluster. */
class ClusterTables {
  readonly element = make("section");
  private readonly name = make("h3", { class: "cluster-name" });
  private readonly tables: Map<Kind, Table>;

  constructor(private readonly kind: ClusterKind) {
    this.tables = new Map(KINDS_OF[kind].map((one) => [one, new Table(one)]));
    this.element.append(this.name, ...[...this.tables.values()].map((table) => table.element));
  }

  show(view: View): void {
    const { clusters } = view.scene;
    const cluster = clusters.find(({ kind }) => kind === this.kind);
    const named = clusters.length > 1 && cluster ? nameOf(cluster) : "";
    this.name.hidden = named === "";
    setText(this.name, named);
    for (const [kind, table] of this.tables) table.show(entriesOf(view, kind, this.kind), named);
  }
}

/** One kind's table. Rows are kept while they change; only cells whose text differs are touched. */
class Table {
  readonly element: HTMLElement;
  private readonly head = make("tr");
  private readonly body = make("tbody");
  private readonly rows = new Map<string, HTMLTableRowElement>();
  private labels = "";

  constructor(private readonly kind: Kind) {
    const caption = make("caption", { text: sayNamed("kinds", kind) });
    const table = make("table", { class: "table facts-table" }, caption, make("thead", {}, this.head), this.body);
    // Tables wider than their place are scrolled; the keyboard must be able to.
    this.element = make("div", { class: "table-place", set: { role: "region", tabindex: 0 } }, table);
  }

  show(entries: readonly Entry[], cluster: string): void {
    this.element.hidden = entries.length === 0;
    const label = sayNamed("kinds", this.kind);
    this.element.setAttribute("aria-label", cluster ? `${cluster}: ${label}` : label);
    const [first] = entries;
    if (!first) return this.empty();
    this.label([sayNamed("fact", this.kind), ...first.facts.map((fact) => fact.label)]);
    const gone = new Set(this.rows.keys());
    for (const [index, entry] of entries.entries()) {
      gone.delete(entry.key);
      const row = this.rows.get(entry.key) ?? this.add(entry);
      fill(row, entry);
      if (this.body.rows[index] !== row) this.body.insertBefore(row, this.body.rows[index] ?? null);
    }
    for (const key of gone) {
      this.rows.get(key)?.remove();
      this.rows.delete(key);
    }
  }

  /** Nodes have other columns once they say what they are. */
  private label(labels: readonly string[]): void {
    if (labels.join("|") === this.labels) return;
    this.labels = labels.join("|");
    this.head.replaceChildren(...labels.map((label) => make("th", { text: label, set: { scope: "col" } })));
    this.empty();
  }

  private empty(): void {
    this.rows.clear();
    this.body.replaceChildren();
  }

  private add(entry: Entry): HTMLTableRowElement {
    const cells = entry.facts.map(() => make("td"));
    const row = make("tr", {}, make("th", { set: { scope: "row" } }), ...cells);
    this.rows.set(entry.key, row);
    return row;
  }
}

function fill(row: HTMLTableRowElement, entry: Entry): void {
  const texts = [entry.title, ...entry.facts.map((fact) => fact.value)];
  for (const [index, text] of texts.entries()) setText(row.cells[index] ?? null, text);
}
