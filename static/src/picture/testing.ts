/** Small clusters for tests. */

import { NOTHING, type ClusterNode, type Container, type Network, type Service, type Snapshot, type Task } from "./snapshot";

export function node(id: string, over: Partial<ClusterNode> = {}): ClusterNode {
  return { id, state: "up", address: "10.128.0.2", engine: "ready", swarm: null, ...over };
}

export function network(id: string, nodes: readonly string[], over: Partial<Network> = {}): Network {
  const swarm = id.startsWith("swarm/");
  const kind = { driver: swarm ? "overlay" : "bridge", scope: swarm ? "swarm" : "local" };
  const name = id.split("/")[1] ?? id;
  return { id, name, nodes, subnet: "", internal: false, attachable: false, ingress: name === "ingress", ...kind, ...over };
}

export function container(id: string, on: string, networks: readonly string[], over: Partial<Container> = {}): Container {
  const joined = networks.map((one) => ({ network: one, address: "10.0.1.3" }));
  const usual = { image: "nginx:latest", state: "running", health: "", exit_code: null, ports: [], service: "", task: "" };
  return { id, node: on, name: id, networks: joined, ...usual, ...over };
}

export function service(id: string, over: Partial<Service> = {}): Service {
  const usual = { image: "nginx:latest", mode: "replicated", desired: 1, running: 1, stack: "", update: "" };
  return { id, name: id, networks: [], ports: [], ...usual, ...over };
}

export function task(id: string, of: string, on: string, over: Partial<Task> = {}): Task {
  return { id, service: of, slot: 1, node: on, container: "", state: "running", desired: "running", error: "", ...over };
}

export function snapshot(over: Partial<Snapshot>): Snapshot {
  return { ...NOTHING, ...over };
}

/** Three nodes and forty containers: two services on overlays with tasks on every node, and sixteen single containers. */
export function crowd(): Snapshot {
  const nodes = ["node1", "node2", "node3"];
  const at = (index: number): string => nodes[index % 3] as string;
  const networks = [
    network("swarm/front", nodes),
    network("swarm/back", ["node1", "node3"]),
    network("swarm/ingress", nodes),
    ...nodes.map((name) => network(`${name}/bridge`, [name])),
    network("node2/own", ["node2"]),
  ];
  const web = Array.from({ length: 24 }, (_, index) => `w${index}`);
  const single = Array.from({ length: 16 }, (_, index) => `c${index}`);
  return snapshot({
    nodes: nodes.map((name) => node(name)),
    networks,
    services: [service("web", { desired: 20 }), service("api", { desired: 4 })],
    tasks: web.map((id, index) =>
      task(`t${id}`, index < 20 ? "web" : "api", at(index), { slot: index + 1, container: id }),
    ),
    containers: [
      ...web.map((id, index) => container(id, at(index), ["swarm/front", "swarm/ingress"], { service: "web", task: `t${id}` })),
      ...single.map((id, index) => container(id, at(index), index % 2 ? [`${at(index)}/bridge`] : [`${at(index)}/bridge`, "swarm/front"])),
    ],
  });
}
