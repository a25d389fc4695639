/** What stands above the nodes: swarm services, workloads of Kubernetes, and services that lead to no pod yet. */

import type { Port, View } from "./entry";
import { replicasOf, servicePorts } from "./facts";
import { barOf, isOfTheCluster } from "./kube";
import { byText, type Look } from "./pieces";
import type { ClusterKind } from "./scene";

export interface StripItem {
  /** What is opened by it. */
  key: string;
  /** Its kind in words, for those who do not see how it looks. */
  kind: "service" | "kube_service" | "workload";
  cluster: ClusterKind;
  name: string;
  /** How many of it there are. */
  count: string;
  look: Look;
  update: string;
  ports: readonly Port[];
}

export function stripOf(view: View): StripItem[] {
  const { scene, snapshot } = view;
  const services = snapshot.services.map((service): StripItem => {
    const [key, ports] = [`service:${service.id}`, servicePorts(scene, service)];
    const look = fullness(service.running, service.desired);
    return { key, kind: "service", cluster: "docker", name: service.name, count: replicasOf(service), look, update: service.update, ports };
  });
  const known = new Set(snapshot.workloads.map((workload) => workload.id));
  const workloads = snapshot.workloads
    .filter((workload) => !known.has(workload.owner) && !isOfTheCluster(workload))
    .map((workload): StripItem => {
      const { id, name, ready, desired } = workload;
      const look = fullness(ready, desired);
      const count = `${ready}/${desired}`;
      return { key: `workload:${id}`, kind: "workload", cluster: "kubernetes", name, count, look, update: "", ports: [] };
    });
  const bars = new Set(scene.networks.map(({ network }) => network.id));
  const idle = snapshot.kube_services
    .filter((service) => !isOfTheCluster(service) && !bars.has(barOf(service)))
    .map((service): StripItem => {
      const [key, look] = [`kube_service:${service.id}`, service.type === "ExternalName" ? "still" : "waiting"] as const;
      const { name } = service;
      return { key, kind: "kube_service", cluster: "kubernetes", name, count: "→ 0", look, update: "", ports: [] };
    });
  return [services, workloads, idle].flatMap((items) => items.sort((a, b) => byText(a.name, b.name)));
}

function fullness(ready: number, wanted: number): Look {
  return ready >= wanted ? "good" : ready > 0 ? "waiting" : "bad";
}
