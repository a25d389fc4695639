/**
 * What of a Kubernetes cluster the picture shows: pods stand together by what made them, a service is a bar through the nodes
 * of its pods. What every cluster has of itself is one quiet tile a node.
 */

import { BARE, byText, type Look, type Member, type Owner, type Piece } from "./pieces";
import type { SceneNetwork, SceneNode } from "./scene";
import type { KubernetesSeat, KubeService, Pod, Snapshot, Workload } from "./snapshot";

export const SYSTEM = "kube-system";

/** A pod that no node has yet. */
export interface Waiting {
  pod: Pod;
  look: Look;
}

interface KubeScene {
  pieces: Piece[];
  networks: SceneNetwork[];
  waiting: Waiting[];
}

/** The control plane's parts, by the few letters that have room. */
const PARTS: Readonly<Record<string, string>> = {
  etcd: "etcd",
  "kube-apiserver": "api",
  "kube-controller-manager": "ctrl",
  "kube-scheduler": "sched",
};
const BAD = /BackOff|Err|Failed|Evicted|OOMKilled|Invalid|DeadlineExceeded|ContainerCannotRun|Unknown/;
const OVER: ReadonlySet<string> = new Set(["Completed", "Succeeded"]);
const MOST_OWNERS = 8;

export function kubeScene(snapshot: Snapshot, nodes: readonly SceneNode[], system: boolean): KubeScene {
  const shown = snapshot.pods.filter((pod) => system || pod.namespace !== SYSTEM);
  const services = snapshot.kube_services.filter((service) => system || !isOfTheCluster(service));
  const networks = services.map((service) => bar(service, shown, nodes)).filter((network) => network !== null);
  const behind = serversOf(services, networks);
  return {
    pieces: [
      ...groups(snapshot, shown, nodes, behind),
      ...nodes.flatMap((node) => systemTile(node, snapshot.pods)),
    ],
    networks: networks.sort((a, b) => byText(a.network.name, b.network.name)),
    waiting: shown
      .filter((pod) => pod.node === "" && !["still", "leaving"].includes(lookOfPod(pod)))
      .sort((a, b) => byText(a.name, b.name))
      .map((pod) => ({ pod, look: lookOfPod(pod) })),
  };
}

/** What a cluster has of itself: what is in kube-system, and the service that leads to the API server. */
export function isOfTheCluster(one: KubeService | Workload): boolean {
  return one.namespace === SYSTEM || (one.namespace === "default" && one.name === "kubernetes");
}

export function lookOfPod({ state, ready }: Pod): Look {
  if (state === "Terminating") return "leaving";
  if (OVER.has(state)) return "still";
  if (BAD.test(state)) return "bad";
  return ready ? "good" : "waiting";
}

function lookOfComponent(state: string): Look {
  return state === "ready" ? "good" : state === "starting" ? "waiting" : "bad";
}

/** The workload that a person made: the owner of its owner, and so on. */
export function topOf(workload: Workload, workloads: ReadonlyMap<string, Workload>): Workload {
  let top = workload;
  for (let step = 0; step < MOST_OWNERS; step += 1) top = workloads.get(top.owner) ?? top;
  return top;
}

/** A pod's name without that of what made it; of a stateful set's, the number. */
export function labelOf(pod: Pod): string {
  return pod.name.slice(pod.name.lastIndexOf("-") + 1).slice(-5);
}

function memberOf(pod: Pod): Member {
  return { key: `pod:${pod.id}`, label: labelOf(pod), name: pod.name, look: lookOfPod(pod), state: pod.state, container: "" };
}

/** A service's bar, on the nodes of its pods and, where nodes publish it, on every one of the cluster. */
function bar(service: KubeService, pods: readonly Pod[], nodes: readonly SceneNode[]): SceneNetwork | null {
  const behind = new Set(service.endpoints.map(({ pod }) => pod));
  const used = new Set(pods.filter((pod) => behind.has(pod.id)).map((pod) => pod.node));
  const ports = [...new Set(service.ports.map((port) => port.node_port).filter((port) => port > 0))];
  const on = nodes.filter(({ name, told }) => used.has(name) || (ports.length > 0 && told?.kubernetes)).map(({ name }) => name);
  if (on.length === 0) return null;
  const traits = { internal: false, attachable: false, ingress: false };
  const { name, type, address } = service;
  const network = { id: barOf(service), name, driver: type, scope: "cluster", nodes: on, subnet: address, ...traits };
  return { network, facts: `kube_service:${service.id}`, ports, family: "service", nodes: on, quiet: used.size === 0 };
}

export function barOf(service: KubeService): string {
  return `kube/${service.id}`;
}

/** The bars of the services that lead to each pod. */
function serversOf(services: readonly KubeService[], networks: readonly SceneNetwork[]): Map<string, string[]> {
  const drawn = new Set(networks.map(({ network }) => network.id));
  const order = [...services].sort((a, b) => byText(a.name, b.name));
  const found = new Map<string, string[]>();
  for (const service of order.filter((one) => drawn.has(barOf(one)))) {
    for (const { pod } of service.endpoints) found.set(pod, [...(found.get(pod) ?? []), barOf(service)]);
  }
  return found;
}

/** The pods of each workload on each node, then those that no workload made. */
function groups(
  snapshot: Snapshot,
  pods: readonly Pod[],
  nodes: readonly SceneNode[],
  behind: ReadonlyMap<string, readonly string[]>,
): Piece[] {
  const names = new Set(nodes.map(({ name }) => name));
  const workloads = new Map(snapshot.workloads.map((workload) => [workload.id, workload]));
  const siblings = rivals(pods, workloads);
  const parts = new Map<string, Piece & { members: Member[]; networks: string[] }>();
  const alone: Piece[] = [];
  for (const pod of [...pods].sort((a, b) => byText(a.name, b.name))) {
    if (!names.has(pod.node)) continue;
    const networks = [...(behind.get(pod.id) ?? [])];
    const workload = workloads.get(pod.workload);
    if (!workload) {
      alone.push({ ...BARE, key: `pod:${pod.id}`, node: pod.node, networks, pod });
      continue;
    }
    const key = `pods:${workload.id}@${pod.node}`;
    const owner = ownerOf(workload, workloads, siblings);
    const part = parts.get(key) ?? { ...BARE, key, node: pod.node, owner, wide: true, members: [], networks: [] };
    parts.set(key, part);
    part.members.push(memberOf(pod));
    part.networks.push(...networks.filter((network) => !part.networks.includes(network)));
  }
  const made = [...parts.values()].sort((a, b) => byText(a.owner?.name ?? "", b.owner?.name ?? "") || byText(a.key, b.key));
  return [...made, ...alone];
}

/** How many workloads with pods each top workload has: more than one while a deployment rolls from one to the next. */
function rivals(pods: readonly Pod[], workloads: ReadonlyMap<string, Workload>): Map<string, number> {
  const direct = new Set(pods.map((pod) => pod.workload));
  const found = new Map<string, number>();
  for (const workload of workloads.values()) {
    const top = topOf(workload, workloads).id;
    if (direct.has(workload.id)) found.set(top, (found.get(top) ?? 0) + 1);
  }
  return found;
}

function ownerOf(workload: Workload, workloads: ReadonlyMap<string, Workload>, siblings: ReadonlyMap<string, number>): Owner {
  const top = topOf(workload, workloads);
  const several = (siblings.get(top.id) ?? 0) > 1;
  const detail = several ? workload.name.slice(workload.name.lastIndexOf("-") + 1).slice(0, 5) : "";
  return { key: `workload:${top.id}`, kind: "workload", name: top.name, detail };
}

/** The parts of a control plane that a node has, each by the few letters that have room. */
export function controlParts(seat: KubernetesSeat): { name: string; label: string; state: string; look: Look }[] {
  const parts = seat.components.filter(({ name }) => name in PARTS);
  return parts.map(({ name, state }) => ({ name, label: PARTS[name] ?? name, state, look: lookOfComponent(state) }));
}

/** The first of a node's other programs that is not well: without them it is no part of its cluster. */
export function brokenPart(seat: KubernetesSeat): string {
  const broken = seat.components.find(({ name, state }) => !(name in PARTS) && state !== "ready");
  return broken ? `${broken.name}: ${broken.state}` : "";
}

function systemTile({ name }: SceneNode, pods: readonly Pod[]): Piece[] {
  const members = pods.filter((pod) => pod.node === name && pod.namespace === SYSTEM).map(memberOf);
  if (members.length === 0) return [];
  const owner: Owner = { key: SYSTEM, kind: "system", name: SYSTEM, detail: "" };
  return [{ ...BARE, key: `system@${name}`, node: name, owner, members, slim: true }];
}
