import { describe, expect, test } from "vitest";
import { applyChanges, Cluster } from "./snapshot";
import { container, node, snapshot } from "./testing";

const START = snapshot({ nodes: [node("node1"), node("node2")], containers: [container("a", "node1", [])] });

function told(): Cluster {
  const cluster = new Cluster();
  cluster.follow("s");
  cluster.hear({ sandbox: "s", sequence: 7, snapshot: START });
  return cluster;
}

describe("changes", () => {
  test("what is put again keeps its place, what is new comes last, what is dropped is gone", () => {
    const changed = applyChanges(START, {
      nodes: { put: [node("node1", { state: "down" }), node("node3")], drop: ["node2"] },
    });
    expect(changed.nodes.map(({ id, state }) => [id, state])).toEqual([
      ["node1", "down"],
      ["node3", "up"],
    ]);
    expect(changed.containers).toBe(START.containers);
  });

  test("an id like a name of JavaScript's own is an id like any other", () => {
    const changed = applyChanges(START, { containers: { put: [container("__proto__", "node1", [])], drop: ["constructor"] } });
    expect(changed.containers.map(({ id }) => id)).toEqual(["a", "__proto__"]);
  });
});

describe("what a page was told", () => {
  test("a change that follows what is known is applied", () => {
    const cluster = told();
    expect(cluster.hear({ sandbox: "s", sequence: 8, changes: { containers: { drop: ["a"] } } })).toBe("news");
    expect(cluster.snapshot.containers).toEqual([]);
  });

  test("a missing change is noticed, and nothing is applied until everything was told again", () => {
    const cluster = told();
    expect(cluster.hear({ sandbox: "s", sequence: 9, changes: { containers: { drop: ["a"] } } })).toBe("gap");
    expect(cluster.snapshot).toEqual(START);
    expect(cluster.hear({ sandbox: "s", sequence: 10, changes: {} })).toBe("gap");
    expect(cluster.hear({ sandbox: "s", sequence: 10, snapshot: START })).toBe("news");
    expect(cluster.hear({ sandbox: "s", sequence: 11, changes: {} })).toBe("news");
  });

  test("a change that was on the way while everything was told is known already", () => {
    expect(told().hear({ sandbox: "s", sequence: 7, changes: { containers: { drop: ["a"] } } })).toBe("known");
  });

  test("a counter that began anew is a gap, not old news", () => {
    const cluster = new Cluster();
    cluster.follow("s");
    cluster.hear({ sandbox: "s", sequence: 500, snapshot: START });
    expect(cluster.hear({ sandbox: "s", sequence: 2, changes: {} })).toBe("gap");
  });

  test("a change before anything was told is a gap", () => {
    const cluster = new Cluster();
    cluster.follow("s");
    expect(cluster.hear({ sandbox: "s", sequence: 3, changes: {} })).toBe("gap");
  });

  test("another sandbox begins with nothing, and news of the old one is no news", () => {
    const cluster = told();
    expect(cluster.follow("s")).toBe(false);
    expect(cluster.follow("t")).toBe(true);
    expect(cluster.snapshot.nodes).toEqual([]);
    expect(cluster.hear({ sandbox: "s", sequence: 8, changes: {} })).toBe("known");
    expect(cluster.told).toBe(false);
  });
});
