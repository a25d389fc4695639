/** What is known of a Kubernetes cluster's things, as labelled values. Kubernetes' own words stay as Kubernetes says them. */

import { say, sayNamed } from "../shared/texts";
import { fact, listed, roleOf, type Entry, type Fact, type Port, type View } from "./entry";
import { topOf } from "./kube";
import type { SceneNode } from "./scene";
import type { KubeService, Pod, Workload } from "./snapshot";

/** A node's place in its cluster, and the cluster's programs there. */
export function seatOf(node: SceneNode): Fact[] {
  const seat = node.told?.kubernetes;
  if (!seat) return [fact("kubernetes", ""), fact("components", "")];
  const words = { ready: "Ready", "not-ready": "NotReady" }[seat.state] ?? "Unknown";
  return [
    fact("kubernetes", listed([roleOf(node), words, seat.schedulable ? "" : say("cordoned")])),
    fact("components", listed(seat.components.map(({ name, state }) => `${name}: ${sayNamed("engine", state)}`))),
  ];
}

export function podEntry({ snapshot }: View, pod: Pod): Entry {
  const workloads = new Map(snapshot.workloads.map((workload) => [workload.id, workload]));
  const owner = workloads.get(pod.workload);
  const top = owner && topOf(owner, workloads);
  const services = snapshot.kube_services.filter((service) => service.endpoints.some((endpoint) => endpoint.pod === pod.id));
  return {
    key: `pod:${pod.id}`,
    kind: "pod",
    title: pod.name,
    facts: [
      fact("node", pod.node),
      fact("state", pod.state),
      fact("ready", say(pod.ready ? "yes" : "no")),
      fact("restarts", String(pod.restarts)),
      fact("reason", pod.reason),
      fact("owner", listed([owner ? spoken(owner) : "", top && top !== owner ? spoken(top) : ""])),
      fact("services", listed(services.map(({ name }) => name))),
      fact("address", pod.address),
      fact("image", listed(pod.images)),
      fact("namespace", pod.namespace),
    ],
  };
}

export function workloadEntry({ snapshot }: View, workload: Workload): Entry {
  const owner = snapshot.workloads.find(({ id }) => id === workload.owner);
  const made = snapshot.workloads.filter((one) => one.owner === workload.id);
  const makers = new Set([workload.id, ...made.map(({ id }) => id)]);
  const pods = snapshot.pods.filter((pod) => makers.has(pod.workload));
  return {
    key: `workload:${workload.id}`,
    kind: "workload",
    title: workload.name,
    facts: [
      fact("kind", workload.kind),
      fact("replicas", `${workload.ready}/${workload.desired}`),
      fact("image", listed(workload.images)),
      fact("owner", owner ? spoken(owner) : ""),
      fact("replica-sets", made.map((one) => `${one.name} ${one.ready}/${one.desired}`).join("\n")),
      fact("pods", pods.map((pod) => `${pod.name}: ${listed([pod.state, pod.node])}`).join("\n")),
      fact("namespace", workload.namespace),
    ],
  };
}

export function kubeServiceEntry({ scene, snapshot }: View, service: KubeService): Entry {
  const pods = new Map(snapshot.pods.map((pod) => [pod.id, pod]));
  const behind = service.endpoints.map(({ pod, ready }) => {
    const found = pods.get(pod);
    return `${found?.name ?? pod}: ${listed([ready ? say("ready") : say("not-ready"), found?.node ?? "", found?.address ?? ""])}`;
  });
  const ports = service.ports.map(({ port, target, protocol, node_port: published }) => {
    const way = target === String(port) || target === "" ? String(port) : `${port} → ${target}`;
    return `${way}/${protocol}${published ? `, NodePort ${published}` : ""}`;
  });
  const node = scene.nodes.find((one) => one.told?.kubernetes && !one.away)?.name;
  const published = service.ports.filter((port) => port.node_port > 0 && port.protocol === "TCP");
  const open: Port[] = node === undefined ? [] : published.map((port) => ({ node, port: port.node_port }));
  return {
    key: `kube_service:${service.id}`,
    kind: "kube_service",
    title: service.name,
    facts: [
      fact("mode", service.type),
      fact("address", service.address),
      { ...fact("service-ports", ports.join("\n")), ports: open },
      fact("endpoints", behind.join("\n")),
      fact("namespace", service.namespace),
    ],
  };
}

function spoken(workload: Workload): string {
  return `${workload.kind} ${workload.name}`;
}
