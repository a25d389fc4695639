/** Puts a layout on the page: HTML for what has words and is pressed, SVG for the lines between. Positions are set, CSS moves them. */

import { make, setText } from "../shared/dom";
import type { View } from "./entry";
import { Keyed } from "./keyed";
import type { Heading, Joint, Layout, NodeBox, Point, Segment, Tile, Wire } from "./layout";
import { Palette } from "./palette";
import { fillHeading, fillNode, fillSegment, fillStripItem, fillTile, fillWaiting, nameOf, type Part } from "./parts";
import type { Piece } from "./pieces";
import { CLUSTERS, type ClusterKind } from "./scene";
import type { Rate } from "./snapshot";
import { stripOf, type StripItem } from "./strip";

const SVG = "http://www.w3.org/2000/svg";
const CORNER = 4;

type Placed =
  | { type: "cluster-name"; box: Heading }
  | { type: "node"; box: NodeBox }
  | { type: "segment"; box: Segment }
  | { type: "tile"; box: Tile };

export class Drawing {
  readonly strip = make("div", { class: "strip" });
  readonly tray = make("div", { class: "tray" });
  readonly canvas = make("div", { class: "canvas" });
  private readonly palette = new Palette();
  private readonly joints: Keyed<Joint, SVGElement>;
  private readonly wires: Keyed<Wire, SVGElement>;
  private readonly parts: Keyed<Placed, HTMLElement>;
  private readonly services = CLUSTERS.map((kind) => new StripRow(kind, (element, item) => this.fillItem(element, item)));
  private part: Part | null = null;
  private layout: Layout | null = null;

  constructor() {
    const [joints, wires] = [layer("joints"), layer("wires")];
    const parts = make("div", { class: "parts" });
    this.canvas.append(joints, parts, wires);
    this.joints = new Keyed<Joint, SVGElement>(joints, () => line("joint"), (element, joint) => {
      this.colour(element, joint.network);
      element.toggleAttribute("data-broken", joint.broken);
      trace(element, joint.points);
    });
    this.wires = new Keyed<Wire, SVGElement>(wires, () => line("wire"), (element, wire) => {
      this.colour(element, wire.network);
      trace(element, wire.points);
    });
    this.parts = new Keyed<Placed, HTMLElement>(parts, ({ type }) => make("div", { class: type }), (element, placed) => {
      this.fill(element, placed);
    });
    this.strip.append(...this.services.map((row) => row.element));
  }

  show(layout: Layout, part: Part): void {
    this.part = part;
    this.layout = layout;
    this.palette.use(part.view.scene.networks);
    this.canvas.style.height = `${layout.height}px`;
    for (const svg of this.canvas.querySelectorAll(":scope > svg")) svg.setAttribute("height", String(layout.height));
    const strip = stripOf(part.view);
    this.strip.hidden = strip.length === 0;
    for (const row of this.services) row.show(strip, part.view);
    fillWaiting(this.tray, part);
    this.joints.show(new Map(layout.joints.map((joint) => [joint.key, joint])));
    this.parts.show(this.placed(layout));
    this.wires.show(new Map(layout.wires.map((wire) => [wire.key, wire])));
  }

  /** Make the lines glow over which something went just now, and no others. */
  glow(rates: readonly Rate[], view: View): void {
    const pieces = new Map<string, Piece>();
    for (const piece of view.scene.pieces) {
      if (piece.container) pieces.set(piece.container.id, piece);
      for (const member of piece.members) pieces.set(member.container, piece);
    }
    const bytes = new Map<string, number>();
    for (const rate of rates) {
      const piece = pieces.get(rate.container);
      if (!piece) continue;
      for (const key of [`${piece.key}|${rate.network}`, `${piece.node}|${rate.network}`, rate.network]) {
        bytes.set(key, (bytes.get(key) ?? 0) + rate.bytes);
      }
    }
    for (const wire of this.layout?.wires ?? []) mark(this.wires.get(wire.key), bytes.get(wire.key));
    for (const { key, network, node } of this.layout?.segments ?? []) {
      mark(this.parts.get(key), bytes.get(`${node}|${network.network.id}`));
    }
    for (const joint of this.layout?.joints ?? []) mark(this.joints.get(joint.key), joint.broken ? 0 : bytes.get(joint.network));
  }

  /** Let what belongs to these tiles and networks stand out; the empty set ends it. */
  stress(tiles: ReadonlySet<string>, networks: ReadonlySet<string>): void {
    this.canvas.toggleAttribute("data-stressing", tiles.size + networks.size > 0);
    for (const wire of this.layout?.wires ?? []) {
      this.wires.get(wire.key)?.toggleAttribute("data-hot", tiles.has(wire.tile) && networks.has(wire.network));
    }
    for (const joint of this.layout?.joints ?? []) {
      this.joints.get(joint.key)?.toggleAttribute("data-hot", networks.has(joint.network));
    }
    for (const { key, network } of this.layout?.segments ?? []) {
      this.parts.get(key)?.toggleAttribute("data-hot", networks.has(network.network.id));
    }
    for (const { key } of this.layout?.tiles ?? []) this.parts.get(key)?.toggleAttribute("data-hot", tiles.has(key));
  }

  /** What belongs together with what somebody points at: tiles and networks. */
  around(element: Element): { tiles: Set<string>; networks: Set<string> } {
    const wires = this.layout?.wires ?? [];
    const tiles = new Set<string>();
    const networks = new Set<string>();
    const at = element.closest<HTMLElement>("[data-tile], [data-network], [data-owner]");
    const { tile, network, owner } = at?.dataset ?? {};
    if (tile !== undefined) tiles.add(tile);
    if (owner !== undefined) {
      for (const one of this.layout?.tiles ?? []) if (one.piece.owner?.key === owner) tiles.add(one.key);
    }
    if (network !== undefined) {
      networks.add(network);
      for (const wire of wires) if (wire.network === network) tiles.add(wire.tile);
    } else for (const wire of wires) if (tiles.has(wire.tile)) networks.add(wire.network);
    return { tiles, networks };
  }

  /** A node, its bars and its tiles together, from top to bottom: the order in which they are read out. */
  private placed(layout: Layout): Map<string, Placed> {
    const placed = new Map<string, Placed>();
    for (const box of layout.nodes) {
      const { name, cluster } = box.node;
      const heading = layout.headings.find((one) => one.cluster.kind === cluster);
      if (heading) placed.set(`cluster:${cluster}`, { type: "cluster-name", box: heading });
      placed.set(`node:${name}`, { type: "node", box });
      const inside: [string, Placed][] = [
        ...layout.segments.filter(({ node }) => node === name).map((segment): [string, Placed] => [segment.key, { type: "segment", box: segment }]),
        ...layout.tiles.filter(({ piece }) => piece.node === name).map((tile): [string, Placed] => [tile.key, { type: "tile", box: tile }]),
      ];
      inside.sort(([, a], [, b]) => a.box.y - b.box.y || a.box.x - b.box.x);
      for (const [key, one] of inside) placed.set(key, one);
    }
    return placed;
  }

  private fill(element: HTMLElement, { type, box }: Placed): void {
    element.style.transform = `translate(${box.x}px, ${box.y}px)`;
    element.style.width = `${box.width}px`;
    element.style.height = `${box.height}px`;
    if (!this.part) return;
    if (type === "cluster-name") fillHeading(element, box);
    else if (type === "node") fillNode(element, box, this.part);
    else if (type === "segment") {
      element.dataset.network = box.network.network.id;
      this.colour(element, box.network.network.id);
      element.toggleAttribute("data-shared", box.network.nodes.length > 1);
      fillSegment(element, box, this.part);
    } else {
      element.dataset.tile = box.key;
      fillTile(element, box, this.part);
    }
  }

  private fillItem(element: HTMLElement, item: StripItem): void {
    element.dataset.owner = item.key;
    if (this.part) fillStripItem(element, item, this.part);
  }

  private colour(element: HTMLElement | SVGElement, network: string): void {
    element.dataset.colour = this.palette.of(network);
  }
}

/** The strip's items of one cluster, behind its name where there is another cluster. */
class StripRow {
  readonly element = make("div", { class: "services" });
  private readonly name = make("span", { class: "strip-name" });
  private readonly items: Keyed<StripItem, HTMLElement>;

  constructor(
    private readonly kind: ClusterKind,
    fill: (element: HTMLElement, item: StripItem) => void,
  ) {
    const place = make("div", { class: "strip-items" });
    this.element.append(this.name, place);
    this.items = new Keyed<StripItem, HTMLElement>(place, () => make("div", { class: "service" }), fill);
  }

  show(strip: readonly StripItem[], { scene }: View): void {
    const own = strip.filter(({ cluster }) => cluster === this.kind);
    const cluster = scene.clusters.find(({ kind }) => kind === this.kind);
    this.element.hidden = own.length === 0;
    this.name.hidden = scene.clusters.length < 2 || !cluster;
    if (cluster) setText(this.name, nameOf(cluster));
    this.items.show(new Map(own.map((item) => [item.key, item])));
  }
}

function layer(look: string): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", look);
  svg.setAttribute("aria-hidden", "true");
  return svg;
}

/** A line, the light that runs along it, and the dot where it ends. */
function line(look: string): SVGElement {
  const group = document.createElementNS(SVG, "g");
  group.setAttribute("class", look);
  const [stroke, glow] = [document.createElementNS(SVG, "path"), document.createElementNS(SVG, "path")];
  glow.setAttribute("class", "glow");
  group.append(stroke, glow);
  if (look === "wire") {
    const dot = document.createElementNS(SVG, "circle");
    dot.setAttribute("r", "3.5");
    group.append(dot);
  }
  return group;
}

function trace(group: SVGElement, points: readonly Point[]): void {
  const d = roundedPath(points);
  if (group.dataset.path === d) return;
  group.dataset.path = d;
  for (const path of group.querySelectorAll("path")) {
    path.setAttribute("d", d);
    // As a style it can move from the old way to the new one, where browsers know that.
    path.style.setProperty("d", `path("${d}")`);
  }
  const [x, y] = points.at(-1) ?? [0, 0];
  const dot = group.querySelector("circle");
  dot?.style.setProperty("transform", `translate(${x}px, ${y}px)`);
}

/** Straight lines with rounded corners. */
export function roundedPath(points: readonly Point[]): string {
  const parts = points.map(([x, y], index) => {
    const [before, after] = [points[index - 1], points[index + 1]];
    if (!before) return `M ${x} ${y}`;
    if (!after) return `L ${x} ${y}`;
    const [inX, inY] = towards([x, y], before);
    const [outX, outY] = towards([x, y], after);
    return `L ${inX} ${inY} Q ${x} ${y} ${outX} ${outY}`;
  });
  return parts.join(" ");
}

function towards([x, y]: Point, [toX, toY]: Point): Point {
  const length = Math.hypot(toX - x, toY - y);
  const part = length === 0 ? 0 : Math.min(CORNER, length / 2) / length;
  return [x + (toX - x) * part, y + (toY - y) * part];
}

function mark(element: HTMLElement | SVGElement | undefined, bytes: number | undefined): void {
  if (!element) return;
  if (bytes) element.dataset.traffic = bytes < 10_000 ? "low" : bytes < 1_000_000 ? "some" : "much";
  else delete element.dataset.traffic;
}
