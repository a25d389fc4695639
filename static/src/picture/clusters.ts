/** Where everything goes when there may be several clusters: each is laid out by itself, and has a place of its own. */
import { type Box, type Heading, type Layout, layOutCluster, nothingDrawn, type Point } from "./layout";
import type { Scene, SceneCluster } from "./scene";

const HEADING = { height: 26, below: 20 } as const;
/** Clusters stand side by side where each has at least so much. */
const CLUSTER = { narrowest: 256, gap: 36 } as const;

/** Several clusters stand side by side, or below one another where there is little room, each laid out by itself. */
export function layOut(scene: Scene, width: number): Layout {
  const { clusters } = scene;
  if (clusters.length < 2) return layOutCluster(scene, width);
  const share = Math.floor((width - CLUSTER.gap * (clusters.length - 1)) / clusters.length);
  const beside = share >= CLUSTER.narrowest;
  const all = { width, height: 0, stacked: false, headings: [] as Heading[], ...nothingDrawn() };
  for (const [index, cluster] of clusters.entries()) {
    const x = beside ? index * (share + CLUSTER.gap) : 0;
    const top = beside || index === 0 ? 0 : all.height + HEADING.below;
    const part = moved(layOutCluster(partOf(scene, cluster), beside ? share : width), x, top + HEADING.height);
    all.headings.push({ cluster, x, y: top, width: part.width, height: HEADING.height });
    all.stacked ||= part.stacked;
    all.height = Math.max(all.height, top + HEADING.height + part.height);
    all.nodes.push(...part.nodes);
    all.segments.push(...part.segments);
    all.tiles.push(...part.tiles);
    all.wires.push(...part.wires);
    all.joints.push(...part.joints);
  }
  return all;
}

/** What of a scene belongs to one of its clusters. */
function partOf(scene: Scene, { nodes }: SceneCluster): Scene {
  const names = new Set(nodes.map(({ name }) => name));
  return {
    ...scene,
    nodes,
    networks: scene.networks.filter((network) => network.nodes.some((node) => names.has(node))),
    pieces: scene.pieces.filter(({ node }) => names.has(node)),
  };
}

function moved(layout: Layout, x: number, y: number): Layout {
  const shift = <T extends Box>(box: T): T => ({ ...box, x: box.x + x, y: box.y + y });
  const trace = <T extends { points: readonly Point[] }>(line: T): T => ({
    ...line,
    points: line.points.map(([atX, atY]): Point => [atX + x, atY + y]),
  });
  return {
    ...layout,
    nodes: layout.nodes.map(shift),
    segments: layout.segments.map(shift),
    tiles: layout.tiles.map(shift),
    wires: layout.wires.map(trace),
    joints: layout.joints.map(trace),
  };
}
