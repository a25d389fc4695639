/**
 * What is known of each thing in the picture, as labelled values: the sheet that opens on a click and the table are both made of
 * this, so that they say the same. Docker's own words (running, exited, drain) stay as Docker says them; what is known of a
 * Kubernetes cluster is in kube_facts.ts.
 */

import { say, sayNamed } from "../shared/texts";
import { fact, KINDS, listed, roleOf, type Entry, type Kind, type KnownPort, type Port, type View } from "./entry";
import { kubeServiceEntry, podEntry, seatOf, workloadEntry } from "./kube_facts";
import type { ClusterKind, Scene, SceneNode } from "./scene";
import type { Container, Network, Service, Task } from "./snapshot";

/**
 * Everything of a kind, of one cluster only where that is given; all that is of one kind and cluster has the same labels in the
 * same order, with "" for what does not apply.
 */
export function entriesOf(view: View, kind: Kind, cluster?: ClusterKind): Entry[] {
  const { scene, snapshot } = view;
  switch (kind) {
    case "node":
      return scene.nodes.filter((node) => cluster === undefined || node.cluster === cluster).map((node) => nodeEntry(node));
    case "network":
      return snapshot.networks.map((network) => networkEntry(network));
    case "container":
      return snapshot.containers.map((container) => containerEntry(view, container));
    case "service":
      return snapshot.services.map((service) => serviceEntry(view, service));
    case "task":
      return snapshot.tasks.map((task) => taskEntry(view, task));
    case "pod":
      return snapshot.pods.map((pod) => podEntry(view, pod));
    case "workload":
      return snapshot.workloads.map((workload) => workloadEntry(view, workload));
    case "kube_service":
      return snapshot.kube_services.map((service) => kubeServiceEntry(view, service));
  }
}

/** The entry of that key, or null when there is no such thing (any more). */
export function entryOf(view: View, key: string): Entry | null {
  const kind = KINDS.find((one) => key.startsWith(`${one}:`));
  return (kind && entriesOf(view, kind).find((entry) => entry.key === key)) ?? null;
}

/** What a browser can ask for: each published port once, with what publishes it, services before their containers. */
export function publishedPorts(view: View): KnownPort[] {
  const found = new Map<string, KnownPort>();
  for (const kind of ["service", "kube_service", "container"] as const) {
    for (const { title, facts } of entriesOf(view, kind)) {
      for (const { node, port } of facts.flatMap((one) => one.ports ?? [])) {
        const key = `${node}:${port}`;
        if (!found.has(key)) found.set(key, { node, port, label: title });
      }
    }
  }
  return [...found.values()];
}

/** A node is told of with what those of its cluster may have. */
function nodeEntry(node: SceneNode): Entry {
  const { told, machine, name } = node;
  const swarm = told?.swarm;
  const engine = told?.engine ? sayNamed("engine", told.engine) : "";
  const place = swarm ? listed([roleOf(node), swarm.state, swarm.availability, swarm.reachable ? "" : say("unreachable")]) : "";
  return {
    key: `node:${name}`,
    kind: "node",
    title: name,
    facts: [
      fact("kind", machine ? sayNamed("kind", machine.kind) : ""),
      fact("state", sayNamed("state", node.state)),
      fact("address", told?.address ?? ""),
      ...(node.cluster === "kubernetes" ? seatOf(node) : [fact("engine", engine), fact("swarm", place)]),
    ],
  };
}

function networkEntry(network: Network): Entry {
  const traits = [
    network.ingress && say("trait-ingress"),
    network.internal && say("trait-internal"),
    network.attachable && say("trait-attachable"),
  ];
  return {
    key: `network:${network.id}`,
    kind: "network",
    title: network.name,
    facts: [
      fact("driver", network.driver),
      fact("scope", network.scope),
      fact("nodes", listed(network.nodes)),
      fact("subnet", network.subnet),
      fact("traits", listed(traits.map((trait) => trait || ""))),
      fact("id", network.id.split("/").pop() ?? ""),
    ],
  };
}

function containerEntry({ snapshot }: View, container: Container): Entry {
  const code = container.state === "exited" && container.exit_code !== null ? ` (${container.exit_code})` : "";
  const names = new Map(snapshot.networks.map((network) => [network.id, network.name]));
  const networks = container.networks.map(({ network, address }) => `${names.get(network) ?? network} ${address}`.trim());
  const ports = container.ports.map(({ address, published, target, protocol }) => {
    const from = ["0.0.0.0", "::", ""].includes(address) ? String(published) : `${address}:${published}`;
    return published ? `${from} → ${target}/${protocol}` : `${target}/${protocol}`;
  });
  return {
    key: `container:${container.id}`,
    kind: "container",
    title: container.name,
    facts: [
      fact("node", container.node),
      fact("image", container.image),
      fact("state", `${container.state}${code}`),
      fact("health", container.health),
      fact("networks", listed(networks)),
      { ...fact("ports", listed([...new Set(ports)])), ports: containerPorts(container) },
      fact("service", snapshot.services.find((service) => service.id === container.service)?.name ?? ""),
      fact("id", container.id),
    ],
  };
}

/** The ports that a container publishes on its node, each once (engines tell IPv4 and IPv6 apart). */
export function containerPorts(container: Container): Port[] {
  const published = container.ports.filter((port) => port.published > 0 && port.protocol === "tcp");
  return [...new Set(published.map((port) => port.published))].map((port) => ({ node: container.node, port }));
}

function serviceEntry(view: View, service: Service): Entry {
  const { snapshot } = view;
  const names = new Map(snapshot.networks.map((network) => [network.id, network.name]));
  const tasks = snapshot.tasks
    .filter((task) => task.service === service.id)
    .map((task) => `${taskName(view, task)}: ${listed([task.state, task.node, task.error])}`);
  const ports = service.ports.map(({ published, target, protocol, mode }) => `${published} → ${target}/${protocol} ${mode}`);
  return {
    key: `service:${service.id}`,
    kind: "service",
    title: service.name,
    facts: [
      fact("replicas", replicasOf(service)),
      fact("mode", service.mode),
      fact("image", service.image),
      fact("networks", listed(service.networks.map((network) => names.get(network) ?? network))),
      { ...fact("ports", listed(ports)), ports: servicePorts(view.scene, service) },
      fact("update", service.update),
      fact("stack", service.stack),
      fact("tasks", tasks.join("\n")),
    ],
  };
}

export function replicasOf(service: Service): string {
  return `${service.running}/${service.desired}`;
}

/** A service's ports are published on every node of the swarm: they are asked for on the first that is there. */
export function servicePorts(scene: Scene, service: Service): Port[] {
  const node = scene.nodes.find((one) => one.told?.swarm && !one.away)?.name;
  const published = service.ports.filter((port) => port.mode === "ingress" && port.published > 0 && port.protocol === "tcp");
  return node === undefined ? [] : published.map((port) => ({ node, port: port.published }));
}

export function taskName({ snapshot }: View, task: Task): string {
  const service = snapshot.services.find((one) => one.id === task.service);
  return `${service?.name ?? task.service}.${task.slot > 0 ? task.slot : task.node}`;
}

function taskEntry(view: View, task: Task): Entry {
  const container = view.snapshot.containers.find((one) => one.id === task.container);
  return {
    key: `task:${task.id}`,
    kind: "task",
    title: taskName(view, task),
    facts: [
      fact("service", view.snapshot.services.find((service) => service.id === task.service)?.name ?? ""),
      fact("node", task.node),
      fact("state", task.state),
      fact("desired", task.desired),
      fact("error", task.error),
      fact("container", container?.name ?? task.container),
      fact("addresses", container ? listed(container.networks.map(({ address }) => address)) : ""),
    ],
  };
}
