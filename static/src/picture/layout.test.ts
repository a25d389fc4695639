import { describe, expect, test } from "vitest";
import { layOut } from "./clusters";
import type { Box, Layout } from "./layout";
import { makeScene } from "./scene";
import type { Snapshot } from "./snapshot";
import { both, container, crowd, kubeCrowd, network, node, snapshot } from "./testing";

function laidOut(cluster: Snapshot, width: number): Layout {
  return layOut(makeScene([], cluster), width);
}

function overlaps(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

function inside(inner: Box, outer: Box): boolean {
  const right = inner.x + inner.width <= outer.x + outer.width;
  return inner.x >= outer.x && inner.y >= outer.y && right && inner.y + inner.height <= outer.y + outer.height;
}

const SWARM = ["swarm/back@node3", "swarm/front@node2", "swarm/front@node3", "swarm/ingress@node2", "swarm/ingress@node3"];
const KUBE = ["kube/back@worker2", "kube/front@worker1", "kube/front@worker2"];

describe.each([
  ["three nodes with forty containers", crowd, SWARM],
  ["a Kubernetes cluster with thirty pods", kubeCrowd, KUBE],
  ["both in one sandbox", both, [...KUBE, ...SWARM]],
])("%s", (_, make, joined) => {
  for (const width of [288, 360, 560, 640, 800, 1130, 1600]) {
    const layout = laidOut(make(), width);

    test(`at ${width} px nothing lies on anything else`, () => {
      const boxes = [...layout.segments, ...layout.tiles];
      for (const heading of layout.headings) {
        for (const other of [...layout.nodes, ...layout.headings]) expect(other !== heading && overlaps(heading, other)).toBe(false);
      }
      for (const [index, box] of boxes.entries()) {
        for (const other of boxes.slice(index + 1)) {
          expect(overlaps(box, other), `${box.key} and ${other.key}`).toBe(false);
        }
      }
      for (const [index, box] of layout.nodes.entries()) {
        for (const other of layout.nodes.slice(index + 1)) expect(overlaps(box, other)).toBe(false);
      }
    });

    test(`at ${width} px everything is in its node, and all nodes are in the picture`, () => {
      const nodes = new Map(layout.nodes.map((one) => [one.node.name, one]));
      for (const tile of layout.tiles) expect(inside(tile, nodes.get(tile.piece.node) as Box), tile.key).toBe(true);
      for (const segment of layout.segments) expect(inside(segment, nodes.get(segment.node) as Box), segment.key).toBe(true);
      const picture = { x: 0, y: 0, width, height: layout.height };
      for (const one of layout.nodes) expect(inside(one, picture)).toBe(true);
    });

    test(`at ${width} px a wire leads from each tile to each of its networks, and through no tile`, () => {
      const bars = new Map(layout.segments.map((segment) => [segment.key, segment]));
      for (const tile of layout.tiles) {
        const wires = layout.wires.filter((wire) => wire.tile === tile.key);
        expect(wires.map((wire) => wire.network)).toEqual(tile.piece.networks);
        for (const wire of wires) {
          const bar = bars.get(`segment:${wire.network}@${tile.piece.node}`) as Box;
          const [x, y] = wire.points.at(-1) as [number, number];
          expect([bar.y, bar.y + bar.height]).toContain(y);
          expect(x > bar.x && x < bar.x + bar.width).toBe(true);
          expect(wire.points[0]?.[1]).toBe(tile.y);
          for (const [index, [fromX, fromY]] of wire.points.slice(0, -1).entries()) {
            const [toX, toY] = wire.points[index + 1] as [number, number];
            const way = { x: Math.min(fromX, toX), y: Math.min(fromY, toY), width: Math.abs(fromX - toX), height: Math.abs(fromY - toY) };
            for (const other of layout.tiles) expect(overlaps(way, other), `${wire.key} through ${other.key}`).toBe(false);
          }
        }
      }
    });

    test(`at ${width} px the bars of a network are joined from node to node`, () => {
      const joints = layout.joints.map((joint) => joint.key).sort();
      expect(joints).toEqual(joined);
    });
  }

  test("tasks that have no room are left to a number", () => {
    for (const tile of laidOut(crowd(), 288).tiles) expect(tile.room).toBeLessThanOrEqual(tile.piece.members.length);
    const narrow = laidOut(crowd(), 560).tiles.find((tile) => tile.piece.service?.id === "web");
    expect(narrow?.room).toBeGreaterThan(0);
  });

  test("the same scene makes the same picture", () => {
    expect(laidOut(crowd(), 800)).toEqual(laidOut(crowd(), 800));
  });
});

describe("the rule", () => {
  const pair = [node("node1"), node("node2")];

  test("nodes are columns of one height where there is room, and rows where there is not", () => {
    const wide = laidOut(snapshot({ nodes: pair }), 800);
    expect(wide.nodes.map(({ x, y }) => [x > 0, y])).toEqual([[false, 0], [true, 0]]);
    expect(new Set(wide.nodes.map(({ height }) => height)).size).toBe(1);
    const narrow = laidOut(snapshot({ nodes: pair }), 320);
    expect(narrow.stacked).toBe(true);
    expect(narrow.nodes[1]?.y).toBeGreaterThan((narrow.nodes[0]?.height ?? 0));
  });

  test("one node never needs rows", () => {
    expect(laidOut(snapshot({ nodes: [node("node1")] }), 150).stacked).toBe(false);
  });

  test("an overlay's bars are at one height, whatever else the nodes hold", () => {
    const { segments } = laidOut(crowd(), 900);
    for (const id of ["swarm/front", "swarm/back", "swarm/ingress"]) {
      expect(new Set(segments.filter((one) => one.network.network.id === id).map(({ y }) => y)).size, id).toBe(1);
    }
  });

  test("what a node alone has does not push the others' down", () => {
    const networks = [network("node1/own", ["node1"]), network("node1/bridge", ["node1"]), network("node2/bridge", ["node2"])];
    const containers = [container("a", "node1", ["node1/own"])];
    const { segments } = laidOut(snapshot({ nodes: pair, networks, containers }), 800);
    const at = (id: string): number | undefined => segments.find((one) => one.network.network.id === id)?.y;
    expect(at("node2/bridge")).toBe(at("node1/own"));
  });

  test("a joint to a node that is away is broken", () => {
    const networks = [network("swarm/front", ["node1", "node2"])];
    const away = snapshot({ nodes: [node("node1"), node("node2", { state: "unplugged" })], networks });
    expect(laidOut(away, 800).joints.map((joint) => joint.broken)).toEqual([true]);
    expect(laidOut(snapshot({ nodes: pair, networks }), 800).joints.map((joint) => joint.broken)).toEqual([false]);
  });

  test("a container without a network is in its node, without a wire", () => {
    const { tiles, wires } = laidOut(snapshot({ nodes: pair, containers: [container("a", "node2", [])] }), 800);
    expect(tiles).toHaveLength(1);
    expect(wires).toEqual([]);
  });

  test("several clusters have their names above them, side by side where there is room", () => {
    const names = (layout: Layout): string[] => layout.headings.map(({ cluster }) => cluster.name);
    const [wide, narrow] = [laidOut(both(), 800), laidOut(both(), 360)];
    expect(names(wide)).toEqual(["swarm", "kubernetes"]);
    expect(wide.headings.map(({ y }) => y)).toEqual([0, 0]);
    expect(names(narrow)).toEqual(names(wide));
    const lowest = Math.max(...narrow.nodes.filter(({ node: one }) => one.cluster === "docker").map(({ y, height }) => y + height));
    expect(narrow.headings[1]?.y).toBeGreaterThan(lowest);
    expect(laidOut(crowd(), 800).headings).toEqual([]);
  });

  test("nothing makes an empty picture", () => {
    expect(laidOut(snapshot({}), 800)).toMatchObject({ height: 0, nodes: [], tiles: [] });
  });
});
