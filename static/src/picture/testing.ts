/** Small clusters for tests. */

import {
  NOTHING,
  type ClusterNode,
  type Container,
  type KubeService,
  type Network,
  type Pod,
  type Service,
  type Snapshot,
  type Task,
  type Workload,
} from "./snapshot";

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

/** A node of a Kubernetes cluster: the control plane when it is called so. */
export function member(id: string, over: Partial<ClusterNode> = {}): ClusterNode {
  const control = id === "control";
  const programs = [...(control ? ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"] : []), "kubelet"];
  const components = programs.map((name) => ({ name, state: "ready" }));
  return node(id, { kubernetes: { role: control ? "control" : "worker", state: "ready", schedulable: true, components }, ...over });
}

export function pod(id: string, on: string, of: string, over: Partial<Pod> = {}): Pod {
  const usual = { namespace: "default", state: "Running", ready: true, restarts: 0, address: "10.244.1.5", reason: "" };
  return { id, name: `${of || "alone"}-${id}`, node: on, workload: of, images: ["nginx:1.26"], ...usual, ...over };
}

export function workload(id: string, over: Partial<Workload> = {}): Workload {
  return { id, kind: "Deployment", name: id, namespace: "default", owner: "", desired: 1, ready: 1, images: ["nginx:1.26"], ...over };
}

/** A deployment's replica set. */
export function replicaSet(id: string, of: string, over: Partial<Workload> = {}): Workload {
  return workload(id, { kind: "ReplicaSet", owner: of, ...over });
}

export function kubeService(id: string, pods: readonly string[], over: Partial<KubeService> = {}): KubeService {
  const endpoints = pods.map((one) => ({ pod: one, ready: true }));
  const ports = [{ port: 80, target: "80", protocol: "TCP", node_port: 0 }];
  return { id, name: id, namespace: "default", type: "ClusterIP", address: "10.96.12.7", ports, endpoints, ...over };
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

/** A control plane and two workers: two deployments behind services, pods that nothing made, one that waits, and DNS. */
export function kubeCrowd(): Snapshot {
  const at = (index: number): string => `worker${1 + (index % 2)}`;
  const web = Array.from({ length: 18 }, (_, index) => pod(`w${index}`, at(index), "web-1"));
  const api = Array.from({ length: 5 }, (_, index) => pod(`a${index}`, at(index), index < 3 ? "api-1" : "api-2"));
  const alone = Array.from({ length: 6 }, (_, index) => pod(`p${index}`, at(index), ""));
  const dns = pod("dns0", "control", "dns-1", { namespace: "kube-system" });
  const idsOf = (pods: readonly Pod[]): string[] => pods.map(({ id }) => id);
  return snapshot({
    nodes: ["control", "worker1", "worker2"].map((name) => member(name)),
    pods: [...web, ...api, ...alone, dns, pod("late", "", "web-1", { state: "Pending", ready: false })],
    workloads: [
      workload("web", { desired: 19, ready: 18 }),
      replicaSet("web-1", "web"),
      workload("api", { desired: 5, ready: 5 }),
      replicaSet("api-1", "api"),
      replicaSet("api-2", "api"),
      workload("dns", { namespace: "kube-system" }),
      replicaSet("dns-1", "dns", { namespace: "kube-system" }),
    ],
    kube_services: [
      kubeService("front", idsOf(web), { type: "NodePort", ports: [{ port: 80, target: "80", protocol: "TCP", node_port: 30080 }] }),
      kubeService("back", [...idsOf(api), "w0"]),
      kubeService("lonely", []),
      kubeService("kubernetes", []),
      kubeService("dns", ["dns0"], { namespace: "kube-system" }),
    ],
  });
}

/** Both of these in one sandbox, the workers told of in turns. */
export function both(): Snapshot {
  const swarm = { role: "worker", leader: false, state: "ready", availability: "active", reachable: true };
  const [docker, kube] = [crowd(), kubeCrowd()];
  const { pods, workloads, kube_services } = kube;
  const nodes = docker.nodes.flatMap((one, index) => [kube.nodes[index] as ClusterNode, { ...one, swarm }]);
  return { ...docker, pods, workloads, kube_services, nodes };
}
