import { describe, expect, test } from "vitest";
import type { View } from "./entry";
import { brokenPart, controlParts, labelOf, lookOfPod } from "./kube";
import { makeScene, type Scene } from "./scene";
import type { Snapshot } from "./snapshot";
import { stripOf } from "./strip";
import { kubeCrowd, kubeService, member, pod, replicaSet, snapshot, workload } from "./testing";

const NODES = [member("control"), member("worker1"), member("worker2")];

function sceneOf(over: Partial<Snapshot>, system = false): Scene {
  return makeScene([], snapshot({ nodes: NODES, ...over }), system);
}

function strip(cluster: Snapshot): string[] {
  const view: View = { scene: makeScene([], cluster), snapshot: cluster };
  return stripOf(view).map(({ name, count, look }) => `${name} ${count} ${look}`);
}

describe("pods", () => {
  const workloads = [workload("web"), replicaSet("web-new1", "web"), replicaSet("web-old1", "web")];

  test("stand together on a node under the deployment that their replica set belongs to", () => {
    const pods = [pod("a", "worker1", "web-new1"), pod("b", "worker1", "web-new1"), pod("c", "worker2", "web-new1")];
    const { pieces } = sceneOf({ workloads, pods });
    expect(pieces.map(({ node, owner, members }) => [node, owner?.key, owner?.name, owner?.detail, members.length])).toEqual([
      ["worker1", "workload:web", "web", "", 2],
      ["worker2", "workload:web", "web", "", 1],
    ]);
  });

  test("of two replica sets stand apart while a deployment rolls from one to the other", () => {
    const pods = [pod("a", "worker1", "web-new1"), pod("b", "worker1", "web-old1", { state: "Terminating" })];
    const { pieces } = sceneOf({ workloads, pods });
    expect(pieces.map(({ owner, members }) => [owner?.name, owner?.detail, members[0]?.look])).toEqual([
      ["web", "new1", "good"],
      ["web", "old1", "leaving"],
    ]);
  });

  test("that no node has yet wait in the tray, and those that are going do not", () => {
    const late = { state: "Pending", ready: false };
    const pods = [pod("a", "", "web-new1", late), pod("b", "", "", late), pod("c", "", "", { state: "Terminating" })];
    const scene = sceneOf({ workloads, pods });
    expect(scene.waiting.map((one) => one.pod.id)).toEqual(["b", "a"]);
    expect(scene.pieces).toEqual([]);
  });

  test("of a node that is lost stay with it until they are gone", () => {
    const lost = member("worker1", { kubernetes: { role: "worker", state: "not-ready", schedulable: true, components: [] } });
    const scene = sceneOf({ nodes: [lost], pods: [pod("a", "worker1", "", { state: "Terminating" })] });
    expect(scene.nodes.map(({ state, away }) => [state, away])).toEqual([["not-ready", true]]);
    expect(scene.pieces.map((piece) => piece.node)).toEqual(["worker1"]);
  });

  test("look as they are", () => {
    const looks = [
      ["Running", true, "good"],
      ["Running", false, "waiting"],
      ["ContainerCreating", false, "waiting"],
      ["CrashLoopBackOff", false, "bad"],
      ["Init:ErrImagePull", false, "bad"],
      ["Terminating", true, "leaving"],
      ["Completed", false, "still"],
    ] as const;
    for (const [state, ready, look] of looks) expect(lookOfPod(pod("a", "", "", { state, ready })), state).toBe(look);
  });

  test("are told apart by the end of their names", () => {
    expect(labelOf(pod("a", "", "", { name: "web-5f6d7c8b9-x7k2p" }))).toBe("x7k2p");
    expect(labelOf(pod("a", "", "", { name: "db-0" }))).toBe("0");
  });
});

describe("services", () => {
  test("are bars through the nodes of their pods, and through every node where nodes publish them", () => {
    const ports = [{ port: 80, target: "80", protocol: "TCP", node_port: 30080 }];
    const services = [kubeService("back", ["b"]), kubeService("front", ["a"], { type: "NodePort", ports })];
    const scene = sceneOf({ pods: [pod("a", "worker1", ""), pod("b", "worker2", "")], kube_services: services });
    expect(scene.networks.map(({ network, nodes, ports: on }) => [network.name, nodes, on])).toEqual([
      ["back", ["worker2"], []],
      ["front", ["control", "worker1", "worker2"], [30080]],
    ]);
    expect(scene.pieces.map(({ networks }) => networks)).toEqual([["kube/front"], ["kube/back"]]);
  });

  test("that lead to nothing stand above the nodes, beside the deployments", () => {
    expect(strip(kubeCrowd())).toEqual(["api 5/5 good", "web 18/19 waiting", "lonely → 0 waiting"]);
  });
});

describe("what a cluster has of itself", () => {
  test("is one tile a node until somebody wants to see it", () => {
    const system = (scene: Scene): string[] => scene.pieces.filter(({ node }) => node === "control").map(({ key }) => key);
    expect(system(makeScene([], kubeCrowd()))).toEqual(["system@control"]);
    const open = makeScene([], kubeCrowd(), true);
    expect(system(open)).toEqual(["pods:dns-1@control", "system@control"]);
    expect(open.networks.map(({ network }) => network.name)).toContain("dns");
    expect(makeScene([], kubeCrowd()).networks.map(({ network }) => network.name)).not.toContain("dns");
  });

  test("is told of the control plane's node part by part, and of others by what is broken", () => {
    const components = [
      { name: "etcd", state: "down" },
      { name: "kube-apiserver", state: "starting" },
      { name: "kubelet", state: "down" },
    ];
    const seat = { role: "control", state: "ready", schedulable: true, components };
    expect(controlParts(seat).map(({ label, look }) => [label, look])).toEqual([
      ["etcd", "bad"],
      ["api", "waiting"],
    ]);
    expect(brokenPart(seat)).toBe("kubelet: down");
  });
});
