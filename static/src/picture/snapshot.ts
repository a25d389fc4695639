/**
 * What the server tells about a sandbox's cluster (docs/cluster-snapshot.md), as types, and the state of it that a page holds.
 * Every text in it was written by somebody who is root in a node: it is shown as text and never as anything else.
 */

export interface Swarm {
  role: string;
  leader: boolean;
  state: string;
  availability: string;
  reachable: boolean;
}

export interface Component {
  name: string;
  state: string;
}

/** What a node is in its Kubernetes cluster. */
export interface KubernetesSeat {
  role: string;
  state: string;
  schedulable: boolean;
  components: readonly Component[];
}

export interface ClusterNode {
  id: string;
  state: string;
  address: string;
  engine: string;
  swarm: Swarm | null;
  kubernetes?: KubernetesSeat | null;
}

export interface Network {
  id: string;
  name: string;
  driver: string;
  scope: string;
  nodes: readonly string[];
  subnet: string;
  internal: boolean;
  attachable: boolean;
  ingress: boolean;
}

export interface ContainerPort {
  address: string;
  published: number;
  target: number;
  protocol: string;
}

export interface Container {
  id: string;
  node: string;
  name: string;
  image: string;
  state: string;
  health: string;
  exit_code: number | null;
  networks: readonly { network: string; address: string }[];
  ports: readonly ContainerPort[];
  service: string;
  task: string;
}

export interface ServicePort {
  published: number;
  target: number;
  protocol: string;
  mode: string;
}

export interface Service {
  id: string;
  name: string;
  image: string;
  mode: string;
  desired: number;
  running: number;
  stack: string;
  networks: readonly string[];
  ports: readonly ServicePort[];
  update: string;
}

export interface Task {
  id: string;
  service: string;
  slot: number;
  node: string;
  container: string;
  state: string;
  desired: string;
  error: string;
}

export interface Pod {
  id: string;
  name: string;
  namespace: string;
  /** Empty while it waits for one. */
  node: string;
  /** What made it: of a deployment's pods, the replica set. */
  workload: string;
  state: string;
  ready: boolean;
  restarts: number;
  address: string;
  images: readonly string[];
  reason: string;
}

export interface Workload {
  id: string;
  kind: string;
  name: string;
  namespace: string;
  owner: string;
  desired: number;
  ready: number;
  images: readonly string[];
}

export interface KubeService {
  id: string;
  name: string;
  namespace: string;
  type: string;
  address: string;
  ports: readonly { port: number; target: string; protocol: string; node_port: number }[];
  endpoints: readonly { pod: string; ready: boolean }[];
}

interface Collections {
  nodes: ClusterNode;
  networks: Network;
  containers: Container;
  services: Service;
  tasks: Task;
  pods: Pod;
  workloads: Workload;
  kube_services: KubeService;
}

export interface Problem {
  id: string;
  sentence: string;
  new_machines?: boolean;
}

interface Rest {
  problems: readonly Problem[];
  left_out: Readonly<Record<string, number>>;
}

export type Snapshot = { readonly [K in keyof Collections]: readonly Collections[K][] } & Rest;

export type Changes = {
  readonly [K in keyof Collections]?: { readonly put?: readonly Collections[K][]; readonly drop?: readonly string[] };
} & Partial<Rest>;

export interface ClusterEvent {
  sandbox: string;
  sequence: number;
  snapshot?: Snapshot;
  changes?: Changes;
}

export interface Rate {
  container: string;
  network: string;
  bytes: number;
}

export interface TrafficEvent {
  sandbox: string;
  rates: readonly Rate[];
}

export const NOTHING: Snapshot = {
  nodes: [],
  networks: [],
  containers: [],
  services: [],
  tasks: [],
  pods: [],
  workloads: [],
  kube_services: [],
  problems: [],
  left_out: {},
};

/** The snapshot with these changes. Entries that are put keep the place that they had. */
export function applyChanges(snapshot: Snapshot, changes: Changes): Snapshot {
  return {
    nodes: merged(snapshot.nodes, changes.nodes),
    networks: merged(snapshot.networks, changes.networks),
    containers: merged(snapshot.containers, changes.containers),
    services: merged(snapshot.services, changes.services),
    tasks: merged(snapshot.tasks, changes.tasks),
    pods: merged(snapshot.pods, changes.pods),
    workloads: merged(snapshot.workloads, changes.workloads),
    kube_services: merged(snapshot.kube_services, changes.kube_services),
    problems: changes.problems ?? snapshot.problems,
    left_out: changes.left_out ?? snapshot.left_out,
  };
}

function merged<T extends { id: string }>(
  entries: readonly T[],
  change: { readonly put?: readonly T[]; readonly drop?: readonly string[] } | undefined,
): readonly T[] {
  if (!change) return entries;
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  for (const id of change.drop ?? []) byId.delete(id);
  for (const entry of change.put ?? []) byId.set(entry.id, entry);
  return [...byId.values()];
}

/** What an event did: brought news, was known already, or showed that something before it is missing. */
export type Heard = "news" | "known" | "gap";

/** Messages on the way when everything was told come after it; they are this little behind. */
const LATE = 20;

/** The cluster of one sandbox, as far as it was told. */
export class Cluster {
  snapshot: Snapshot = NOTHING;
  private sandbox = "";
  private sequence: number | null = null;

  /** Begin with nothing when this is another sandbox; returns whether it is. */
  follow(sandbox: string): boolean {
    if (sandbox === this.sandbox) return false;
    this.sandbox = sandbox;
    this.snapshot = NOTHING;
    this.sequence = null;
    return true;
  }

  get told(): boolean {
    return this.sequence !== null;
  }

  hear(event: ClusterEvent): Heard {
    if (event.sandbox !== this.sandbox) return "known";
    if (event.snapshot) {
      this.snapshot = { ...NOTHING, ...event.snapshot };
      this.sequence = event.sequence;
      return "news";
    }
    if (this.sequence === null || event.changes === undefined) return "gap";
    const ahead = event.sequence - this.sequence;
    if (ahead <= 0 && ahead > -LATE) return "known";
    if (ahead !== 1) return "gap";
    this.snapshot = applyChanges(this.snapshot, event.changes);
    this.sequence = event.sequence;
    return "news";
  }
}
