/** What facts are made of. */

import { sayNamed } from "../shared/texts";
import type { ClusterKind, Scene, SceneNode } from "./scene";
import type { Snapshot } from "./snapshot";

export const KINDS = ["node", "network", "container", "service", "task", "pod", "workload", "kube_service"] as const;
export type Kind = (typeof KINDS)[number];

/** Which kinds of things a cluster has. */
export const KINDS_OF: Readonly<Record<ClusterKind, readonly Kind[]>> = {
  docker: ["node", "network", "container", "service", "task"],
  kubernetes: ["node", "pod", "workload", "kube_service"],
};

/** A published port, and the node on which a browser would ask for it. */
export interface Port {
  node: string;
  port: number;
}

export interface KnownPort extends Port {
  /** What publishes it. */
  label: string;
}

export interface Fact {
  label: string;
  value: string;
  ports?: readonly Port[];
}

export interface Entry {
  /** The same word that the picture's parts carry: what is opened by it. */
  key: string;
  kind: Kind;
  title: string;
  facts: readonly Fact[];
}

export interface View {
  scene: Scene;
  snapshot: Snapshot;
}

/** A node's role in its swarm (leader, manager, worker) or in its Kubernetes cluster; "" outside of both. */
export function roleOf({ told }: SceneNode): string {
  const { swarm, kubernetes } = told ?? {};
  return swarm ? sayNamed("role", swarm.leader ? "leader" : swarm.role) : kubernetes ? sayNamed("role", kubernetes.role) : "";
}

export function fact(label: string, value: string): Fact {
  return { label: sayNamed("fact", label), value };
}

export function listed(parts: readonly string[]): string {
  return parts.filter((part) => part).join(", ");
}
