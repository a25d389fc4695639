/**
 * What of a snapshot the picture shows, and what belongs together: which networks deserve a bar, on which of its networks a
 * container hangs, which tasks of a service stand together on a node. Where all that goes is layout.ts.
 */

import { kubeScene, type Waiting } from "./kube";
import { BARE, byText, type Look, type Member, type Owner, type Piece } from "./pieces";
import type { ClusterNode, Container, Network, Service, Snapshot, Task } from "./snapshot";

/** A machine of the sandbox, from before its engine says anything. */
export interface Machine {
  name: string;
  kind: string;
  state: string;
}

/** What may keep a plan for some of the machines: Docker, with or without a swarm, or Kubernetes. */
export const CLUSTERS = ["docker", "kubernetes"] as const;
export type ClusterKind = (typeof CLUSTERS)[number];

export interface SceneCluster {
  kind: ClusterKind;
  /** The word for it: docker until there is a swarm. */
  name: "docker" | "swarm" | "kubernetes";
  nodes: readonly SceneNode[];
}

export interface SceneNode {
  name: string;
  cluster: ClusterKind;
  machine: Machine | null;
  told: ClusterNode | null;
  /** The word for how it is: ready, starting, unplugged, down, … */
  state: string;
  /** Nothing reaches it. */
  away: boolean;
}

/** What kind a network is, in the order in which a node shows them. */
export type Family = "service" | "overlay" | "ingress" | "local" | "bridge" | "plain";

export interface SceneNetwork {
  network: Network;
  /** What is opened by it: the network's facts, or those of the Kubernetes service that it stands for. */
  facts: string;
  /** Ports by which it is reached on each of its nodes. */
  ports: readonly number[];
  family: Family;
  /** The nodes that have it and are shown, in their order. */
  nodes: readonly string[];
  /** Nothing is connected to it. */
  quiet: boolean;
}

export interface Scene {
  /** Those of one cluster after those of the other. */
  nodes: readonly SceneNode[];
  /** The clusters among them. Where there are several, each has its own place and its name above it. */
  clusters: readonly SceneCluster[];
  networks: readonly SceneNetwork[];
  pieces: readonly Piece[];
  /** Containers of a node beyond what a picture can show. */
  more: ReadonlyMap<string, number>;
  /** Pods that no node has yet. */
  waiting: readonly Waiting[];
}

const AWAY: ReadonlySet<string> = new Set(["down", "unplugged", "gone", "not-ready"]);
const ORDER: readonly Family[] = ["service", "overlay", "ingress", "local", "bridge", "plain"];
/** Where a container with several networks hangs: on what somebody made for it rather than on what everybody has. */
const HOMES: readonly Family[] = ["service", "overlay", "local", "ingress", "bridge", "plain"];
/** Ended by itself without a mistake, or because somebody asked it to: SIGINT, SIGKILL, SIGTERM. */
const CALM_ENDS: ReadonlySet<number> = new Set([0, 130, 137, 143]);
/** As many single containers a node as can still be told apart. */
const SHOWN_CONTAINERS = 48;

/** `system` shows what every Kubernetes cluster has of itself, too. */
export function makeScene(machines: readonly Machine[], snapshot: Snapshot, system = false): Scene {
  const nodes = makeNodes(machines, snapshot.nodes);
  const names = new Set(nodes.map((node) => node.name));
  const families = new Map(snapshot.networks.map((network) => [network.id, familyOf(network)]));
  const { pieces, more } = makePieces(snapshot, names, families);
  const kube = kubeScene(snapshot, nodes, system);
  const networks = [...kube.networks, ...makeNetworks(snapshot.networks, nodes, pieces)];
  return { nodes, clusters: clustersOf(nodes), networks, pieces: [...kube.pieces, ...pieces], more, waiting: kube.waiting };
}

function clustersOf(nodes: readonly SceneNode[]): SceneCluster[] {
  const swarm = nodes.some(({ told }) => told?.swarm);
  return CLUSTERS.map((kind): SceneCluster => {
    const name = kind === "docker" && swarm ? "swarm" : kind;
    return { kind, name, nodes: nodes.filter((node) => node.cluster === kind) };
  }).filter((cluster) => cluster.nodes.length > 0);
}

function makeNodes(machines: readonly Machine[], told: readonly ClusterNode[]): SceneNode[] {
  const byName = new Map(told.map((node) => [node.id, node]));
  const strangers = told.filter((node) => !machines.some((machine) => machine.name === node.id));
  const nodes = [
    ...machines.map((machine) => sceneNode(machine.name, machine, byName.get(machine.name) ?? null)),
    ...strangers.map((node) => sceneNode(node.id, null, node)),
  ];
  return CLUSTERS.flatMap((kind) => nodes.filter((node) => node.cluster === kind));
}

/** By its kind a machine is known before it says anything. */
export function clusterOf(machine: string, told?: ClusterNode | null): ClusterKind {
  return machine.startsWith("kubernetes-") || told?.kubernetes ? "kubernetes" : "docker";
}

function sceneNode(name: string, machine: Machine | null, told: ClusterNode | null): SceneNode {
  const lost = told?.kubernetes?.state === "not-ready";
  const state = told && told.state !== "up" ? told.state : lost ? "not-ready" : (machine?.state ?? "ready");
  return { name, cluster: clusterOf(machine?.kind ?? "", told), machine, told, state, away: AWAY.has(state) };
}

export function familyOf(network: Network): Family {
  if (network.ingress) return "ingress";
  if (["host", "none", "docker_gwbridge"].includes(network.name) && network.scope !== "swarm") return "plain";
  if (network.scope === "swarm" || network.driver === "overlay") return "overlay";
  return network.name === "bridge" ? "bridge" : "local";
}

/** Host, none and Docker's own gateway bridge are in the table; here only when something hangs on them. */
function makeNetworks(
  networks: readonly Network[],
  nodes: readonly SceneNode[],
  pieces: readonly Piece[],
): SceneNetwork[] {
  const users = new Map<string, Set<string>>();
  for (const piece of pieces) {
    for (const network of piece.networks) {
      users.set(network, (users.get(network) ?? new Set()).add(piece.node));
    }
  }
  return networks
    .map((network): SceneNetwork => {
      const used = users.get(network.id) ?? new Set();
      return {
        network,
        facts: `network:${network.id}`,
        ports: [],
        family: familyOf(network),
        nodes: nodes.map((node) => node.name).filter((node) => network.nodes.includes(node) || used.has(node)),
        quiet: used.size === 0,
      };
    })
    .filter(({ family, nodes: on, quiet }) => on.length > 0 && !(family === "plain" && quiet))
    .sort((a, b) => ORDER.indexOf(a.family) - ORDER.indexOf(b.family) || byText(a.network.name, b.network.name));
}

function makePieces(
  snapshot: Snapshot,
  nodes: ReadonlySet<string>,
  families: ReadonlyMap<string, Family>,
): { pieces: Piece[]; more: Map<string, number> } {
  const pieces: Piece[] = [];
  const more = new Map<string, number>();
  const singles = new Map<string, number>();
  const { parts, strays } = partsOf(snapshot);
  for (const { service, node, members, networks } of parts.values()) {
    if (!nodes.has(node)) continue;
    const order = byHome(networks, families);
    members.sort((a, b) => byText(a.label, b.label));
    const owner: Owner = { key: `service:${service.id}`, kind: "service", name: service.name, detail: "" };
    pieces.push({ ...BARE, key: `part:${service.id}@${node}`, node, networks: order, service, owner, members });
  }
  pieces.sort((a, b) => byText(a.service?.name ?? "", b.service?.name ?? ""));
  for (const container of [...strays].sort((a, b) => byText(a.name, b.name))) {
    if (!nodes.has(container.node)) continue;
    const count = (singles.get(container.node) ?? 0) + 1;
    singles.set(container.node, count);
    if (count > SHOWN_CONTAINERS) {
      more.set(container.node, count - SHOWN_CONTAINERS);
      continue;
    }
    const networks = byHome(new Set(container.networks.map((one) => one.network)), families);
    const key = `container:${container.id}`;
    pieces.push({ ...BARE, key, node: container.node, networks, container });
  }
  return { pieces, more };
}

interface Part {
  service: Service;
  node: string;
  members: Member[];
  networks: Set<string>;
}

/** The services' parts on the nodes, and the containers that belong to no service. */
function partsOf(snapshot: Snapshot): { parts: Map<string, Part>; strays: Container[] } {
  const services = new Map(snapshot.services.map((service) => [service.id, service]));
  const containers = new Map(snapshot.containers.map((container) => [container.id, container]));
  const tasks = new Map(snapshot.tasks.map((task) => [task.id, task]));
  const parts = new Map<string, Part>();
  const join = (service: Service, node: string, member: Member, container: Container | undefined): void => {
    const key = `${service.id}@${node}`;
    const part = parts.get(key) ?? { service, node, members: [], networks: new Set(container ? [] : service.networks) };
    parts.set(key, part);
    part.members.push(member);
    for (const { network } of container?.networks ?? []) part.networks.add(network);
  };
  for (const task of snapshot.tasks) {
    const service = services.get(task.service);
    // What has ended is told by the service's facts and the table.
    if (!service || !task.node || task.desired !== "running" || lookOfTask(task) === "still") continue;
    join(service, task.node, memberOf(task, service), containers.get(task.container));
  }
  const strays: Container[] = [];
  for (const container of snapshot.containers) {
    const service = services.get(container.service);
    const task = tasks.get(container.task);
    if (!service) strays.push(container);
    else if (!task && lookOf(container) !== "still") {
      const label = container.name.split(".")[1] ?? "";
      const [key, name] = [`container:${container.id}`, `${service.name}.${label || "·"}`];
      join(service, container.node, { key, label, name, look: lookOf(container), state: container.state, container: container.id }, container);
    }
  }
  return { parts, strays };
}

function memberOf(task: Task, service: Service): Member {
  const label = service.mode.startsWith("global") || task.slot < 1 ? "" : String(task.slot);
  const name = `${service.name}.${label || "·"}`;
  return { key: `task:${task.id}`, label, name, look: lookOfTask(task), state: task.state, container: task.container };
}

export function lookOfTask(task: Task): Look {
  if (["failed", "rejected", "orphaned"].includes(task.state) || task.error) return "bad";
  if (["shutdown", "complete", "remove"].includes(task.state)) return "still";
  return task.state === "running" ? "good" : "waiting";
}

export function lookOf(container: Container): Look {
  if (container.health === "unhealthy" || container.state === "dead") return "bad";
  if (container.state === "running") return container.health === "starting" ? "waiting" : "good";
  if (["restarting", "removing"].includes(container.state)) return "waiting";
  if (container.state === "exited" && !CALM_ENDS.has(container.exit_code ?? 0)) return "bad";
  return "still";
}

function byHome(networks: ReadonlySet<string>, families: ReadonlyMap<string, Family>): string[] {
  const rank = (network: string): number => HOMES.indexOf(families.get(network) ?? "plain");
  return [...networks].filter((network) => families.has(network)).sort((a, b) => rank(a) - rank(b) || byText(a, b));
}
