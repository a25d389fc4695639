/** The things that hang on networks in the picture. */

import type { Container, Pod, Service } from "./snapshot";

export type Look = "good" | "waiting" | "bad" | "still" | "leaving";

/** A task of a service on a node, a container of one whose task is not known, or a pod. */
export interface Member {
  /** What is opened by it. */
  key: string;
  label: string;
  /** Its name where there is room, or a voice. */
  name: string;
  look: Look;
  state: string;
  container: string;
}

/** What members on a node have in common: a swarm service, a workload of Kubernetes, or that they are the cluster's own. */
export interface Owner {
  /** What is opened by it. */
  key: string;
  kind: "service" | "workload" | "system";
  name: string;
  /** What tells it from another of the same name. */
  detail: string;
}

/** One thing that hangs on networks: a container, a pod that nothing made, or the members of one owner on one node. */
export interface Piece {
  key: string;
  node: string;
  /** The first is the one that it hangs on; empty when it has none. */
  networks: readonly string[];
  container: Container | null;
  pod: Pod | null;
  service: Service | null;
  owner: Owner | null;
  members: readonly Member[];
  /** Its members need room for a few letters each. */
  wide: boolean;
  /** It takes no more height than a name does. */
  slim: boolean;
}

/** A piece with nothing in it. */
export const BARE: Omit<Piece, "key" | "node"> = {
  networks: [],
  container: null,
  pod: null,
  service: null,
  owner: null,
  members: [],
  wide: false,
  slim: false,
};
export function byText(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}
