import { describe, expect, test } from "vitest";
import { KINDS, KINDS_OF, type View } from "./entry";
import { entriesOf, entryOf, publishedPorts } from "./facts";
import { CLUSTERS, type ClusterKind, makeScene } from "./scene";
import type { Snapshot } from "./snapshot";
import { both, container, crowd, kubeCrowd, network, node, service, snapshot, task } from "./testing";

function viewOf(cluster: Snapshot): View {
  return { scene: makeScene([], cluster), snapshot: cluster };
}

function factsOf(view: View, key: string): Record<string, string> {
  const facts = entryOf(view, key)?.facts.filter((fact) => fact.value) ?? [];
  return Object.fromEntries(facts.map(({ label, value }) => [label, value]));
}

describe("facts", () => {
  test("of a container tell its networks with addresses and its ports, each once", () => {
    const port = { target: 80, protocol: "tcp", published: 8080 };
    const view = viewOf(
      snapshot({
        nodes: [node("node1")],
        networks: [network("node1/bridge0", ["node1"])],
        containers: [
          container("c1", "node1", ["node1/bridge0"], {
            state: "exited",
            exit_code: 3,
            ports: [{ ...port, address: "0.0.0.0" }, { ...port, address: "::" }, { ...port, address: "127.0.0.1", published: 9 }],
          }),
        ],
      }),
    );
    expect(factsOf(view, "container:c1")).toMatchObject({
      State: "exited (3)",
      Networks: "bridge0 10.0.1.3",
      "Published ports": "8080 → 80/tcp, 127.0.0.1:9 → 80/tcp",
    });
    expect(entryOf(view, "container:c1")?.facts.find((fact) => fact.ports)?.ports).toEqual([
      { node: "node1", port: 8080 },
      { node: "node1", port: 9 },
    ]);
  });

  test("of a service tell its tasks, also those that failed and why", () => {
    const view = viewOf(
      snapshot({
        services: [service("web", { desired: 3, running: 1 })],
        tasks: [
          task("a", "web", "node1"),
          task("b", "web", "node2", { slot: 2, state: "failed", desired: "shutdown", error: "no such image" }),
        ],
      }),
    );
    expect(factsOf(view, "service:web")).toMatchObject({
      Replicas: "1/3",
      Tasks: "web.1: running, node1\nweb.2: failed, node2, no such image",
    });
  });

  test("a published port of a service is asked for on a node of the swarm that is there", () => {
    const swarm = { role: "manager", leader: false, state: "ready", availability: "active", reachable: true };
    const ports = [{ published: 8080, target: 80, protocol: "tcp", mode: "ingress" }];
    const nodes = [node("node1"), node("node2", { swarm, state: "unplugged" }), node("node3", { swarm })];
    const view = viewOf(snapshot({ nodes, services: [service("web", { ports })] }));
    expect(entryOf(view, "service:web")?.facts.find((fact) => fact.ports)?.ports).toEqual([{ node: "node3", port: 8080 }]);
  });

  test("of every kind have the same labels for every entry, so that they make a table", () => {
    const view = viewOf(both());
    for (const cluster of CLUSTERS) {
      for (const kind of KINDS_OF[cluster]) {
        const labels = entriesOf(view, kind, cluster).map((entry) => entry.facts.map((fact) => fact.label).join("|"));
        expect(labels.length).toBeGreaterThan(0);
        expect(new Set(labels).size).toBe(1);
      }
    }
  });

  test("every entry is found again by its key, and nothing by another", () => {
    const view = viewOf(both());
    for (const entry of KINDS.flatMap((kind) => entriesOf(view, kind))) expect(entryOf(view, entry.key)).toEqual(entry);
    for (const key of ["container:nobody", "elephant:w0", "", "container"]) expect(entryOf(view, key)).toBeNull();
  });

  test("of a pod tell what made it and what made that, and the services that lead to it", () => {
    expect(factsOf(viewOf(kubeCrowd()), "pod:w0")).toMatchObject({
      Node: "worker1",
      State: "Running",
      "Made by": "ReplicaSet web-1, Deployment web",
      Services: "front, back",
    });
  });

  test("of a deployment tell its replica sets and the pods of all of them", () => {
    const facts = factsOf(viewOf(kubeCrowd()), "workload:api");
    expect(facts["Replica sets"]).toBe("api-1 1/1\napi-2 1/1");
    expect(facts.Pods?.split("\n")).toHaveLength(5);
  });

  test("a service's node port is asked for on a node of the cluster that is there", () => {
    const entry = entryOf(viewOf(kubeCrowd()), "kube_service:front");
    expect(entry?.facts.find((fact) => fact.ports)?.ports).toEqual([{ node: "control", port: 30080 }]);
    expect(entry?.facts.find((fact) => fact.label === "Ports")?.value).toBe("80/TCP, NodePort 30080");
  });

  test("of a node tell what those of its cluster may have, in a sandbox with both kinds too", () => {
    const labels = (cluster: Snapshot, kind?: ClusterKind): string[] =>
      entriesOf(viewOf(cluster), "node", kind)[0]?.facts.map((fact) => fact.label) ?? [];
    expect(labels(crowd())).toEqual(["Kind", "State", "Address", "Docker", "Swarm"]);
    expect(labels(kubeCrowd())).toEqual(["Kind", "State", "Address", "Kubernetes", "Components"]);
    expect(labels(both(), "docker")).toEqual(labels(crowd()));
    expect(labels(both(), "kubernetes")).toEqual(labels(kubeCrowd()));
  });

  test("of all that publish tell each port once, under the service's name where there is one", () => {
    const port = { target: 80, protocol: "tcp", published: 8080, address: "0.0.0.0" };
    const view = viewOf(
      snapshot({
        nodes: [node("node1"), node("node2")],
        containers: [
          container("c1", "node1", [], { name: "web", ports: [port, { ...port, address: "::" }] }),
          container("c2", "node2", [], { name: "quiet", ports: [{ ...port, published: 0 }] }),
        ],
      }),
    );
    expect(publishedPorts(view)).toEqual([{ node: "node1", port: 8080, label: "web" }]);
  });
});
