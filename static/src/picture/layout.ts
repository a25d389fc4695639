/**
 * Where everything of a scene goes, in pixels, by rule: nodes are columns (or, where there is little room, rows), a network is a
 * bar through the nodes that have it, containers hang under the network they belong to first, and a wire leads from each to every
 * other network of its. Pure: the same scene and width always make the same picture.
 */

import type { Piece } from "./pieces";
import type { Family, Scene, SceneCluster, SceneNetwork, SceneNode } from "./scene";

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface NodeBox extends Box {
  node: SceneNode;
  more: number;
}

/** A network's bar in one node. */
export interface Segment extends Box {
  key: string;
  network: SceneNetwork;
  node: string;
  /** The first of its bars; the others repeat it. */
  main: boolean;
}

export interface Tile extends Box {
  key: string;
  piece: Piece;
  /** How many of its members have room. */
  room: number;
  /** Only its name has room. */
  compact: boolean;
}

/** A cluster's name above its nodes, where there are several clusters. */
export interface Heading extends Box {
  cluster: SceneCluster;
}

export type Point = readonly [number, number];

/** From a tile to a network's bar. It ends at the bar. */
export interface Wire {
  key: string;
  tile: string;
  network: string;
  points: readonly Point[];
}

/** Between two bars of one network. */
export interface Joint {
  key: string;
  network: string;
  points: readonly Point[];
  /** One of the two nodes is not there. */
  broken: boolean;
}

export interface Layout {
  width: number;
  height: number;
  stacked: boolean;
  headings: readonly Heading[];
  nodes: readonly NodeBox[];
  segments: readonly Segment[];
  tiles: readonly Tile[];
  wires: readonly Wire[];
  joints: readonly Joint[];
}

const GAP = { nodes: 20, rows: 12, tiles: 8, lane: 7, rail: 5, chips: 4 } as const;
const NODE = { header: 52, padding: 10, narrowest: 184, lowest: 72 } as const;
const BAR = { height: 26, quiet: 24 } as const;
const TILE = { height: 48, narrowest: 124, widest: 208, padding: 9 } as const;
/** Where a node's single containers would take more lines than this, each is shown with less. */
const ROOMY_LINES = 2;
const COMPACT = { height: 30, narrowest: 88 } as const;
const CHIP = { usual: 26, wide: 42 } as const;
const ABOVE_TILES = 13;
const OUTER_LANE = 12;
const OUTER_LANES = 8;

/** One network's place in one node: its bar and what hangs there. */
interface Section {
  network: SceneNetwork;
  lines: Line[];
  height: number;
}

interface Line {
  tiles: { piece: Piece; x: number; width: number; height: number; room: number }[];
  /** Networks whose wires run above this line. */
  rails: string[];
}

/** A node's sections by network, and the wires' lanes at its side. */
interface Inside {
  sections: Map<string, Section>;
  /** What hangs on no network that is shown. */
  loose: Line[];
  lanes: string[];
}

/** One cluster, or all machines where there is only one. */
export function layOutCluster(scene: Scene, width: number): Layout {
  const count = scene.nodes.length;
  const column = Math.floor((width - GAP.nodes * (count - 1)) / Math.max(1, count));
  const stacked = count > 1 && column < NODE.narrowest;
  const shared = scene.networks.filter((network) => network.nodes.length > 1);
  const outer = stacked ? Math.min(shared.length, OUTER_LANES) * OUTER_LANE : 0;
  const nodeWidth = stacked ? width - outer : column;
  const insides = new Map(scene.nodes.map(({ name }) => [name, arrange(scene, name, nodeWidth)]));
  const rows = stacked ? [] : commonRows(scene, insides);
  const drawn = nothingDrawn();
  let height = 0;
  for (const [index, node] of scene.nodes.entries()) {
    const inside = insides.get(node.name) as Inside;
    const x = stacked ? outer : index * (column + GAP.nodes);
    const box = { x, y: stacked ? height : 0, width: nodeWidth, height: 0 };
    box.height = drawNode(drawn, scene, node, inside, box, rowsOf(inside, rows, index));
    drawn.nodes.push({ ...box, node, more: scene.more.get(node.name) ?? 0 });
    height = stacked ? height + box.height + GAP.nodes : Math.max(height, box.height);
  }
  if (stacked) height -= GAP.nodes;
  else for (const node of drawn.nodes) node.height = height;
  joinBars(drawn, scene, shared, stacked, outer);
  return { width, height: Math.max(0, height), stacked, headings: [], ...drawn };
}

export interface Drawn {
  nodes: NodeBox[];
  segments: Segment[];
  tiles: Tile[];
  wires: Wire[];
  joints: Joint[];
}

export function nothingDrawn(): Drawn {
  return { nodes: [], segments: [], tiles: [], wires: [], joints: [] };
}

/** Bars side by side at one height, and the room that they take with what hangs there. */
interface Row {
  networks: SceneNetwork[];
  height: number;
}

interface CommonRow extends Row {
  family: Family;
  /** The columns through which a bar of it goes. */
  taken: Set<number>;
}

/** Rows through all columns for the swarm's networks: those of one family share one where their columns do not meet. */
function commonRows(scene: Scene, insides: ReadonlyMap<string, Inside>): CommonRow[] {
  const column = new Map(scene.nodes.map((node, index) => [node.name, index]));
  const rows: CommonRow[] = [];
  for (const network of scene.networks.filter(isCommon)) {
    const columns = network.nodes.map((node) => column.get(node) ?? 0);
    const [first, last] = [Math.min(...columns), Math.max(...columns)];
    const through = Array.from({ length: last - first + 1 }, (_, offset) => first + offset);
    const free = rows.find((row) => row.family === network.family && !through.some((one) => row.taken.has(one)));
    const row = free ?? { networks: [], family: network.family, taken: new Set<number>(), height: 0 };
    if (!free) rows.push(row);
    row.networks.push(network);
    row.height = Math.max(row.height, tallest(network.network.id, insides));
    for (const one of through) row.taken.add(one);
  }
  return rows;
}

function isCommon(network: SceneNetwork): boolean {
  return network.family === "service" || network.family === "overlay" || network.family === "ingress";
}

/** A node's rows: the common ones down to the last that goes through its column, then its own. */
function rowsOf(inside: Inside, common: readonly CommonRow[], column: number): Row[] {
  const last = Math.max(-1, ...common.map((row, index) => (row.taken.has(column) ? index : -1)));
  const passing = common.slice(0, last + 1);
  const placed = new Set(passing.flatMap((row) => row.networks));
  const own = [...inside.sections.values()].filter(({ network }) => !placed.has(network));
  return [...passing, ...own.map(({ network, height }) => ({ networks: [network], height }))];
}

/** Put a node's pieces into lines under their networks; lanes are found on the way, and take width from the lines. */
function arrange(scene: Scene, node: string, width: number): Inside {
  const networks = scene.networks.filter((network) => network.nodes.includes(node));
  const shown = new Set(networks.map(({ network }) => network.id));
  const pieces = scene.pieces
    .filter((piece) => piece.node === node)
    .map((piece) => ({ piece, on: piece.networks.filter((network) => shown.has(network)) }));
  const singles = pieces.filter(({ piece }) => !piece.owner).length;
  const roomy = fitting(width - 2 * NODE.padding, TILE.narrowest);
  const compact = singles > roomy * ROOMY_LINES;
  let lanes = networks.map(({ network }) => network.id).filter((id) => pieces.some(({ on }) => on.indexOf(id) > 0));
  for (let tries = 0; tries <= networks.length; tries += 1) {
    const room = width - 2 * NODE.padding - gutter(lanes.length);
    const sections = new Map<string, Section>();
    const wanted = new Set<string>();
    for (const network of networks) {
      const { id } = network.network;
      const lines = flow(pieces.filter(({ on }) => on[0] === id), room, id, compact);
      for (const line of lines) for (const rail of line.rails) wanted.add(rail);
      sections.set(id, { network, lines, height: sectionHeight(network, lines) });
    }
    const needed = networks.map(({ network }) => network.id).filter((id) => wanted.has(id));
    if (needed.every((id) => lanes.includes(id))) {
      return { sections, lanes, loose: flow(pieces.filter(({ on }) => on.length === 0), room, "", compact) };
    }
    lanes = networks.map(({ network }) => network.id).filter((id) => wanted.has(id) || lanes.includes(id));
  }
  throw new Error("lanes only ever become more, and never more than there are networks");
}

function gutter(lanes: number): number {
  return lanes === 0 ? 0 : 4 + lanes * GAP.lane;
}

function flow(
  pieces: readonly { piece: Piece; on: readonly string[] }[],
  room: number,
  home: string,
  compact: boolean,
): Line[] {
  const roomy = fitting(room, TILE.narrowest);
  const fit = compact && roomy < 3 ? fitting(room, COMPACT.narrowest) : roomy;
  const unit = Math.min(TILE.widest, Math.floor((room - GAP.tiles * (fit - 1)) / fit));
  const widthOf = (span: number): number => span * unit + (span - 1) * GAP.tiles;
  const lines: Line[] = [];
  let used = fit;
  for (const { piece, on } of pieces) {
    // Tasks and ports beside a name need a usual tile's width, however small the others are.
    let span = piece.owner || piece.container?.ports.length ? Math.min(fit, Math.ceil((TILE.narrowest + GAP.tiles) / (unit + GAP.tiles))) : 1;
    if (piece.slim) span = Math.min(fit, 2);
    while (span < Math.min(fit, 3) && chipsIn(widthOf(span), piece) < shownOf(piece)) span += 1;
    if (used + span > fit) {
      lines.push({ tiles: [], rails: [] });
      used = 0;
    }
    const line = lines[lines.length - 1] as Line;
    const capacity = chipsIn(widthOf(span), piece);
    // The last place is for the number of those that have none.
    const chips = piece.members.length <= capacity ? piece.members.length : capacity - 1;
    const height = piece.slim || (!piece.owner && compact) ? COMPACT.height : TILE.height;
    line.tiles.push({ piece, x: used * (unit + GAP.tiles), width: widthOf(span), height, room: Math.max(0, chips) });
    for (const network of on) {
      const direct = network === home && lines.length === 1;
      if (!direct && !line.rails.includes(network)) line.rails.push(network);
    }
    used += span;
  }
  return lines;
}

function fitting(room: number, width: number): number {
  return Math.max(1, Math.floor((room + GAP.tiles) / (width + GAP.tiles)));
}

function chipsIn(width: number, { wide }: Piece): number {
  return Math.max(1, Math.floor((width - 2 * TILE.padding + GAP.chips) / ((wide ? CHIP.wide : CHIP.usual) + GAP.chips)));
}

/** How many members of a piece ask for room. */
function shownOf({ slim, members }: Piece): number {
  return slim ? 0 : members.length;
}

function lineHeight(line: Line): number {
  return ABOVE_TILES + line.rails.length * GAP.rail + Math.max(...line.tiles.map((tile) => tile.height));
}

function barHeight(network: SceneNetwork): number {
  return network.quiet && network.family !== "ingress" ? BAR.quiet : BAR.height;
}

function sectionHeight(network: SceneNetwork, lines: readonly Line[]): number {
  return barHeight(network) + lines.reduce((sum, line) => sum + lineHeight(line), 0);
}

/** Draw what is in a node; returns the height of its box. */
function drawNode(
  drawn: Drawn,
  scene: Scene,
  node: SceneNode,
  inside: Inside,
  box: Box,
  rows: readonly Row[],
): number {
  const bars = new Map<string, Segment>();
  const hung: { line: Line; top: number; home: string; first: boolean }[] = [];
  let y = box.y + NODE.header;
  for (const row of rows) {
    for (const network of row.networks) {
      const { id } = network.network;
      const section = inside.sections.get(id);
      if (!section) continue;
      const segment = segmentOf(network, node.name, box, y);
      drawn.segments.push(segment);
      bars.set(id, segment);
      let top = segment.y + segment.height;
      for (const [index, line] of section.lines.entries()) {
        hung.push({ line, top, home: id, first: index === 0 });
        top += lineHeight(line);
      }
    }
    y += row.height + GAP.rows;
  }
  if (rows.length > 0) y -= GAP.rows;
  for (const line of inside.loose) {
    hung.push({ line, top: y, home: "", first: false });
    y += lineHeight(line);
  }
  for (const one of hung) drawLine(drawn, scene, inside, bars, box, one);
  return Math.max(NODE.lowest, y + NODE.padding - box.y);
}

function tallest(network: string, insides: ReadonlyMap<string, Inside>): number {
  return Math.max(0, ...[...insides.values()].map((inside) => inside.sections.get(network)?.height ?? 0));
}

/** Bars of networks that others share reach to the node's edges; those of its own stay inside. */
function segmentOf(network: SceneNetwork, node: string, box: Box, y: number): Segment {
  const inset = network.nodes.length > 1 ? 0 : NODE.padding;
  return {
    key: `segment:${network.network.id}@${node}`,
    network,
    node,
    main: network.nodes[0] === node,
    x: box.x + inset,
    y,
    width: box.width - 2 * inset,
    height: barHeight(network),
  };
}

function drawLine(
  drawn: Drawn,
  scene: Scene,
  inside: Inside,
  bars: ReadonlyMap<string, Segment>,
  box: Box,
  { line, top, home, first }: { line: Line; top: number; home: string; first: boolean },
): void {
  const left = box.x + NODE.padding + gutter(inside.lanes.length);
  const y = top + ABOVE_TILES + line.rails.length * GAP.rail;
  const order = scene.networks.map(({ network }) => network.id);
  const rails = [...line.rails].sort((a, b) => order.indexOf(a) - order.indexOf(b));
  for (const { piece, x, width, height, room } of line.tiles) {
    const compact = height === COMPACT.height && !piece.slim;
    const tile: Tile = { key: piece.key, piece, room, compact, x: left + x, y, width, height };
    drawn.tiles.push(tile);
    const on = piece.networks.filter((network) => bars.has(network));
    for (const [index, network] of on.entries()) {
      const bar = bars.get(network) as Segment;
      const from = tile.x + Math.min(16 + index * 9, width - 8);
      const points: Point[] = [[from, y]];
      if (network === home && first) points.push([from, bar.y + bar.height]);
      else {
        const rail = y - 7 - rails.indexOf(network) * GAP.rail;
        const lane = box.x + NODE.padding + 4 + inside.lanes.indexOf(network) * GAP.lane;
        points.push([from, rail], [lane, rail], [lane, bar.y > y ? bar.y : bar.y + bar.height]);
      }
      drawn.wires.push({ key: `${tile.key}|${network}`, tile: tile.key, network, points });
    }
  }
}

function joinBars(drawn: Drawn, scene: Scene, shared: readonly SceneNetwork[], stacked: boolean, outer: number): void {
  const away = new Set(scene.nodes.filter((node) => node.away).map((node) => node.name));
  const bars = new Map(drawn.segments.map((segment) => [segment.key, segment]));
  for (const [lane, network] of shared.entries()) {
    const { id } = network.network;
    for (const [index, node] of network.nodes.slice(1).entries()) {
      const before = network.nodes[index] as string;
      const [from, to] = [bars.get(`segment:${id}@${before}`), bars.get(`segment:${id}@${node}`)];
      if (!from || !to) continue;
      const side = outer - OUTER_LANE * (1 + (lane % OUTER_LANES)) + OUTER_LANE / 2;
      const [a, b] = [from.y + from.height / 2, to.y + to.height / 2];
      const points: Point[] = stacked
        ? [[from.x, a], [side, a], [side, b], [to.x, b]]
        : [[from.x + from.width, a], [to.x, b]];
      drawn.joints.push({ key: `${id}@${node}`, network: id, points, broken: away.has(before) || away.has(node) });
    }
  }
}
