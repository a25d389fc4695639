/** The same facts as tables: shown where somebody prefers them to the picture, and there for screen readers either way. */

import { make, setText } from "../shared/dom";
import { sayNamed } from "../shared/texts";
import { KINDS, type Entry, type Kind, type View } from "./entry";
import { entriesOf } from "./facts";

export class Tables {
  private readonly tables = new Map<Kind, Table>();

  /** What the server put there for pages without scripts goes. */
  constructor(place: HTMLElement) {
    const tables = KINDS.map((kind) => {
      const table = new Table(kind);
      this.tables.set(kind, table);
      return table.element;
    });
    place.replaceChildren(...tables);
  }

  show(view: View): void {
    for (const [kind, table] of this.tables) table.show(entriesOf(view, kind));
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
    const named = { role: "region", tabindex: 0, "aria-label": sayNamed("kinds", kind) };
    this.element = make("div", { class: "table-place", set: named }, table);
  }

  show(entries: readonly Entry[]): void {
    this.element.hidden = entries.length === 0;
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
