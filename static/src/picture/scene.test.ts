import { describe, expect, test } from "vitest";
import { makeScene, type Scene } from "./scene";
import { both, container, crowd, kubeCrowd, network, node, service, snapshot, task } from "./testing";

function networksOf(scene: Scene): string[] {
  return scene.networks.map(({ network: one }) => one.id);
}

describe("nodes", () => {
  const machine = { name: "node1", kind: "docker", state: "starting" };

  test("machines are shown before their engines say anything, with the state that the platform knows", () => {
    const { nodes } = makeScene([machine], snapshot({}));
    expect(nodes.map(({ name, state, away }) => [name, state, away])).toEqual([["node1", "starting", false]]);
  });

  test("a node that is unplugged or down is away, whatever the platform thought of it", () => {
    for (const state of ["unplugged", "down"]) {
      const { nodes } = makeScene([{ ...machine, state: "ready" }], snapshot({ nodes: [node("node1", { state })] }));
      expect(nodes.map((one) => [one.state, one.away])).toEqual([[state, true]]);
    }
  });
});

describe("clusters", () => {
  const names = (scene: Scene): string[] => scene.clusters.map(({ name, nodes }) => `${name}: ${nodes.map((one) => one.name).join(" ")}`);

  test("the nodes of one stand together, whatever the order in which they are told of", () => {
    expect(names(makeScene([], both()))).toEqual(["swarm: node1 node2 node3", "kubernetes: control worker1 worker2"]);
    expect(names(makeScene([], kubeCrowd()))).toEqual(["kubernetes: control worker1 worker2"]);
  });

  test("machines are known by their kind before they say anything", () => {
    const machines = [["worker1", "kubernetes-worker"], ["node1", "docker"], ["control", "kubernetes-control"]] as const;
    const scene = makeScene(machines.map(([name, kind]) => ({ name, kind, state: "starting" })), snapshot({}));
    expect(names(scene)).toEqual(["docker: node1", "kubernetes: worker1 control"]);
  });

  test("Docker nodes are a swarm from the first one that is in it", () => {
    expect(names(makeScene([], crowd()))).toEqual(["docker: node1 node2 node3"]);
  });
});

describe("networks", () => {
  test("host, none and the gateway bridge appear only when something hangs on them; an empty bridge is quiet", () => {
    const networks = [
      network("node1/bridge", ["node1"]),
      network("node1/host", ["node1"]),
      network("node1/none", ["node1"]),
      network("node1/docker_gwbridge", ["node1"]),
    ];
    const idle = makeScene([], snapshot({ nodes: [node("node1")], networks }));
    expect(idle.networks.map(({ network: one, quiet }) => [one.id, quiet])).toEqual([["node1/bridge", true]]);
    const containers = [container("a", "node1", ["node1/host"])];
    expect(networksOf(makeScene([], snapshot({ nodes: [node("node1")], networks, containers })))).toEqual([
      "node1/bridge",
      "node1/host",
    ]);
  });

  test("a network reaches a node as soon as a container there is on it, though its list of nodes is older", () => {
    const scene = makeScene(
      [],
      snapshot({
        nodes: [node("node1"), node("node2")],
        networks: [network("swarm/front", ["node1"])],
        containers: [container("a", "node2", ["swarm/front"])],
      }),
    );
    expect(scene.networks[0]?.nodes).toEqual(["node1", "node2"]);
  });

  test("a container hangs on the network made for it, rather than on what everybody has", () => {
    const scene = makeScene(
      [],
      snapshot({
        nodes: [node("node1")],
        networks: [network("node1/bridge", ["node1"]), network("swarm/ingress", ["node1"]), network("swarm/front", ["node1"])],
        containers: [container("a", "node1", ["node1/bridge", "swarm/ingress", "swarm/front", "swarm/unknown"])],
      }),
    );
    expect(scene.pieces[0]?.networks).toEqual(["swarm/front", "swarm/ingress", "node1/bridge"]);
  });
});

describe("services", () => {
  const base = { nodes: [node("node1"), node("node2")], networks: [network("swarm/front", ["node1", "node2"])] };
  const part = { service: "web", task: "" };

  test("the tasks of a service on a node are one piece, in the order of their slots", () => {
    const scene = makeScene(
      [],
      snapshot({
        ...base,
        services: [service("web", { networks: ["swarm/front"] })],
        tasks: [
          task("t10", "web", "node1", { slot: 10, container: "c10" }),
          task("t2", "web", "node1", { slot: 2, container: "c2" }),
          task("t3", "web", "node2", { slot: 3, state: "preparing" }),
        ],
        containers: [
          container("c10", "node1", ["swarm/front"], { ...part, task: "t10" }),
          container("c2", "node1", ["swarm/front"], { ...part, task: "t2" }),
        ],
      }),
    );
    expect(scene.pieces.map(({ node: on, members }) => [on, ...members.map(({ label, look }) => `${label} ${look}`)])).toEqual([
      ["node1", "2 good", "10 good"],
      ["node2", "3 waiting"],
    ]);
    // One without a container yet hangs where the service's others do.
    expect(scene.pieces[1]?.networks).toEqual(["swarm/front"]);
  });

  test("tasks that have ended and their containers are left to the table", () => {
    const scene = makeScene(
      [],
      snapshot({
        ...base,
        services: [service("web")],
        tasks: [task("old", "web", "node1", { state: "failed", desired: "shutdown", error: "exit 1", container: "c" })],
        containers: [
          container("c", "node1", [], { ...part, task: "old", state: "exited" }),
          container("older", "node1", [], { ...part, task: "forgotten", state: "exited" }),
        ],
      }),
    );
    expect(scene.pieces).toEqual([]);
  });

  test("what runs on a node that nobody knows is not shown", () => {
    const scene = makeScene([], snapshot({ ...base, containers: [container("a", "elsewhere", [])] }));
    expect(scene.pieces).toEqual([]);
  });
});

test("more single containers than can be told apart are counted", () => {
  const containers = Array.from({ length: 60 }, (_, index) => container(`c${index}`, "node1", []));
  const scene = makeScene([], snapshot({ nodes: [node("node1")], containers }));
  expect(scene.pieces).toHaveLength(48);
  expect(scene.more.get("node1")).toBe(12);
});
