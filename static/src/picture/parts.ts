/** How the parts of the picture look: each is made once and filled again whenever something about it changes. */

import { make } from "../shared/dom";
import { say, sayNamed } from "../shared/texts";
import { roleOf, type Port, type View } from "./entry";
import { containerPorts, servicePorts } from "./facts";
import { brokenPart, controlParts, lookOfPod } from "./kube";
import type { Heading, NodeBox, Segment, Tile } from "./layout";
import type { Look, Member, Owner } from "./pieces";
import { lookOf, type SceneCluster, type SceneNode } from "./scene";
import type { StripItem } from "./strip";

export interface Part {
  view: View;
  /** The nodes that the learner may unplug. */
  unplug: ReadonlySet<string>;
  /** Whether a port can be opened from here. */
  open: boolean;
  /** Whether what a Kubernetes cluster has of itself is shown, too. */
  system: boolean;
}

/** Of how many waiting pods the names have room. */
const WAITING_SHOWN = 8;

export function nameOf({ name }: SceneCluster): string {
  return sayNamed("cluster", name);
}

export function fillHeading(element: HTMLElement, { cluster }: Heading): void {
  refill(element, nameOf(cluster), () => [make("h3", { text: nameOf(cluster) })]);
}

export function fillNode(element: HTMLElement, { node, more }: NodeBox, { unplug }: Part): void {
  const { name, state, told, away } = node;
  const docker = !told || told.kubernetes || away ? "ready" : told.engine;
  const shownState = docker !== "ready" ? sayNamed("engine-is", docker) : sayNamed("state", state);
  const usual = (state === "ready" || state === "up") && docker === "ready";
  const plugged = state !== "unplugged";
  refill(element, [name, state, shownState, usual, roleOf(node), told?.address, told?.swarm, told?.kubernetes, more, unplug.has(name)], () => {
    element.dataset.state = state;
    element.toggleAttribute("data-away", away || state === "unknown");
    const role = make("span", { class: "role", text: roleOf(node), set: { "data-role": roleLook(node) } });
    const seen = seenAs(node);
    const aside = seen ? make("span", { class: "node-word", text: seen }) : null;
    const word = make("span", { class: usual ? "visually-hidden" : "node-word", text: shownState });
    const parts = away || !told?.kubernetes ? [] : controlParts(told.kubernetes);
    const address = usual ? make("span", { class: "node-address", text: told?.address ?? "" }) : null;
    const content = [
      make("span", { class: "node-line" }, make("span", { class: "node-name", text: name }), role.textContent ? role : null),
      make("span", { class: "node-line" }, ...parts.map(controlPart), address, word, aside),
    ];
    return [
      make("div", { class: "node-head" }, factsButton(`node:${name}`, "node-facts", content), unplug.has(name) ? power(name, plugged) : null),
      more > 0 ? make("p", { class: "node-more", text: say("containers-more", { count: more }) }) : null,
    ];
  });
}

function controlPart({ name, label, state, look }: ReturnType<typeof controlParts>[number]): HTMLElement {
  const title = `${name}: ${sayNamed("engine", state)}`;
  const spoken = make("span", { class: "visually-hidden", text: `${title}, ` });
  const seen = make("span", { text: label, set: { "aria-hidden": "true" } });
  return make("span", { class: "control-part", set: { "data-look": look, title } }, seen, spoken);
}

function roleLook({ told }: SceneNode): string {
  if (told?.swarm) return told.swarm.leader ? "leader" : told.swarm.role;
  return told?.kubernetes?.role === "control" ? "manager" : "worker";
}

/** How its swarm or its cluster sees a node, where that is worth a word: drained, cordoned, or lost though it runs. */
function seenAs({ told, away }: SceneNode): string {
  const { swarm, kubernetes } = told ?? {};
  if (swarm) return swarm.state !== "ready" && !away ? swarm.state : swarm.availability !== "active" ? swarm.availability : "";
  if (!kubernetes || away) return "";
  return brokenPart(kubernetes) || (kubernetes.schedulable ? "" : say("cordoned"));
}

function power(node: string, plugged: boolean): HTMLButtonElement {
  const label = say(plugged ? "unplug" : "plug-in");
  return make("button", {
    class: "power",
    text: label,
    set: { type: "button", "data-power": node, "data-plugged": String(!plugged), "aria-label": `${label} ${node}` },
  });
}

export function fillSegment(element: HTMLElement, { network, node }: Segment, { view, open }: Part): void {
  const { name, driver, subnet } = network.network;
  const away = view.scene.nodes.some((one) => one.name === node && one.away);
  const published = network.family === "ingress" ? meshPorts(view, node) : network.ports.map((port) => ({ node, port }));
  const ports = away ? [] : published;
  element.toggleAttribute("data-away", away);
  refill(element, [name, driver, subnet, network.family, network.quiet, ports, open], () => {
    element.dataset.family = network.family;
    element.toggleAttribute("data-quiet", network.quiet);
    const rest = make("span", { class: "segment-rest", text: `${driver === name ? "" : driver} ${subnet}`.trim() });
    const kind = say(network.family === "service" ? "fact-kube_service" : "fact-network");
    const spoken = make("span", { class: "visually-hidden", text: `${kind} ` });
    const label = factsButton(network.facts, "segment-facts", [spoken, make("span", { class: "segment-name", text: name }), rest]);
    return [label, ...ports.map((port) => portMark(port, open))];
  });
}

/** What the routing mesh publishes is published on every node of the swarm. */
function meshPorts(view: View, node: string): Port[] {
  const all = view.snapshot.services.flatMap((service) => servicePorts(view.scene, service));
  return [...new Set(all.map((port) => port.port))].map((port) => ({ node, port }));
}

export function portMark(port: Port, open: boolean): HTMLElement {
  const text = `:${port.port}`;
  if (!open) return make("span", { class: "port", text });
  return make("button", {
    class: "port",
    text,
    set: { type: "button", "data-port": port.port, "data-node": port.node, title: say("port-open", { ...port }) },
  });
}

export function fillTile(element: HTMLElement, tile: Tile, part: Part): void {
  const { owner, pod } = tile.piece;
  if (owner?.kind === "system") fillSystem(element, tile, part);
  else if (owner) fillOwner(element, tile, owner);
  else if (pod) fillPod(element, tile);
  else fillContainer(element, tile, part);
}

function fillPod(element: HTMLElement, { piece: { pod }, compact }: Tile): void {
  if (!pod) return;
  const look = lookOfPod(pod);
  element.toggleAttribute("data-compact", compact);
  refill(element, [pod.name, pod.images, pod.state, look, compact], () => {
    element.dataset.look = look;
    const usual = look === "good";
    const content = [
      make("span", { class: "look", set: { "data-look": look } }),
      make("span", { class: "visually-hidden", text: `${say("fact-pod")} ` }),
      make("span", { class: "tile-name", text: pod.name }),
      compact ? null : make("span", { class: "tile-rest", text: usual ? pod.images.join(" + ") : pod.state }),
      compact || usual ? make("span", { class: "visually-hidden", text: `, ${pod.state}` }) : null,
    ];
    return [factsButton(`pod:${pod.id}`, "tile-facts", content)];
  });
}

/** One line for what a cluster has of itself on a node; pressing it shows more of that, or less. */
function fillSystem(element: HTMLElement, { piece }: Tile, { system }: Part): void {
  const looks = piece.members.map((member) => member.look);
  refill(element, [looks, system], () => {
    element.dataset.look = "system";
    const running = looks.filter((look) => look === "good").length;
    const set = { type: "button", "data-system": "", "aria-expanded": String(system) };
    const content = [
      make("span", { class: "look", set: { "data-look": worst(piece.members) } }),
      make("span", { class: "tile-name", text: piece.owner?.name ?? "" }),
      make("span", { class: "tile-count", text: `${running}/${looks.length}`, set: { "aria-hidden": "true" } }),
      make("span", { class: "visually-hidden", text: `, ${say("pods-here", { running, count: looks.length })}` }),
    ];
    return [make("button", { class: "tile-facts system", set }, ...content)];
  });
}

function fillContainer(element: HTMLElement, { piece, compact }: Tile, { open }: Part): void {
  const { container } = piece;
  if (!container) return;
  element.toggleAttribute("data-compact", compact);
  const look = lookOf(container);
  const ports = containerPorts(container);
  const code = container.state === "exited" && container.exit_code !== null ? ` (${container.exit_code})` : "";
  const state = container.health && container.state === "running" ? container.health : `${container.state}${code}`;
  refill(element, [container.name, container.image, look, state, ports, open, compact], () => {
    element.dataset.look = look;
    const usual = look === "good";
    const content = [
      make("span", { class: "look", set: { "data-look": look } }),
      make("span", { class: "visually-hidden", text: `${say("fact-container")} ` }),
      make("span", { class: "tile-name", text: container.name }),
      compact ? null : make("span", { class: "tile-rest", text: usual ? container.image : state }),
      compact || usual ? make("span", { class: "visually-hidden", text: `, ${state}` }) : null,
    ];
    const marks = ports.length > 0 ? [make("span", { class: "ports" }, ...ports.slice(0, compact ? 1 : 2).map((port) => portMark(port, open)))] : [];
    return [factsButton(`container:${container.id}`, "tile-facts", content), ...marks];
  });
}

function fillOwner(element: HTMLElement, { piece, room }: Tile, owner: Owner): void {
  refill(element, [owner, room, piece.members], () => {
    const several = piece.members.length > 1;
    element.dataset.look = several ? "parts" : "part";
    const members = piece.members.slice(0, room);
    const rest = piece.members.length - members.length;
    const running = piece.members.filter((member) => member.look === "good").length;
    const counted = say(owner.kind === "service" ? "replicas-here" : "pods-here", { running, count: piece.members.length });
    const detail = owner.detail ? make("span", { class: "tile-detail", text: owner.detail }) : null;
    const content = [
      make("span", { class: "visually-hidden", text: `${sayNamed("fact", owner.kind)} ` }),
      make("span", { class: "tile-name", text: owner.name }, detail),
      several ? make("span", { class: "tile-count", text: `×${piece.members.length}`, set: { "aria-hidden": "true" } }) : null,
      make("span", { class: "visually-hidden", text: `, ${counted}` }),
    ];
    const chips = members.map((member) => chip(member, piece.wide));
    const more = make("button", {
      class: "chip more",
      text: `+${rest}`,
      set: { type: "button", "data-facts": owner.key, "data-look": worst(piece.members.slice(room)) },
    });
    return [
      factsButton(owner.key, "tile-facts", content),
      make("div", { class: piece.wide ? "chips wide" : "chips" }, ...chips, rest > 0 ? more : null),
    ];
  });
}

function chip(member: Member, wide: boolean): HTMLButtonElement {
  // A pod that runs and is not ready is worth more than Kubernetes' one word.
  const unready = wide && member.look === "waiting" && member.state === "Running";
  const spoken = `${member.name}: ${unready ? say("not-ready") : member.state}`;
  return make("button", {
    class: "chip",
    text: member.label || "•",
    set: { type: "button", "data-facts": member.key, "data-look": member.look, "aria-label": spoken, title: spoken },
  });
}

function worst(members: readonly Member[]): Look {
  const looks = members.map((member) => member.look);
  return looks.includes("bad") ? "bad" : looks.includes("waiting") ? "waiting" : "good";
}

export function fillStripItem(element: HTMLElement, item: StripItem, { open }: Part): void {
  refill(element, [item, open], () => {
    element.dataset.look = item.look;
    const unit = item.kind === "service" ? say("running") : item.kind === "workload" ? say("ready") : say("kinds-pod");
    const content = [
      make("span", { class: "visually-hidden", text: `${sayNamed("fact", item.kind)} ` }),
      make("span", { class: "service-name", text: item.name }),
      make("span", { class: "replicas", text: item.count }),
      make("span", { class: "visually-hidden", text: ` ${unit}` }),
      item.update ? make("span", { class: "service-update", text: item.update }) : null,
    ];
    return [factsButton(item.key, "service-facts", content), ...item.ports.slice(0, 3).map((port) => portMark(port, open))];
  });
}

/** The tray of pods that no node has yet. */
export function fillWaiting(element: HTMLElement, { view }: Part): void {
  const { waiting } = view.scene;
  element.hidden = waiting.length === 0;
  refill(element, waiting.map(({ pod, look }) => [pod.id, pod.name, pod.state, look]), () => {
    if (waiting.length === 0) return [];
    const rest = waiting.length - WAITING_SHOWN;
    const chips = waiting.slice(0, WAITING_SHOWN).map(({ pod, look }) => {
      const words = { "aria-label": `${pod.name}: ${pod.state}`, title: pod.reason || pod.state };
      const set = { type: "button", "data-facts": `pod:${pod.id}`, "data-look": look, ...words };
      return make("button", { class: "chip waiting", text: pod.name, set });
    });
    return [
      make("span", { class: "tray-name", text: say("waiting-pods") }),
      ...chips,
      rest > 0 ? make("span", { class: "tray-name", text: `+${rest}` }) : null,
    ];
  });
}

export function factsButton(key: string, look: string, content: readonly (Node | null)[]): HTMLButtonElement {
  return make("button", { class: look, set: { type: "button", "data-facts": key, "aria-haspopup": "dialog" } }, ...content);
}

/** Fill an element when what it shows has changed. What has the focus keeps it, by the place it had. */
function refill(element: HTMLElement, known: unknown, content: () => (Node | null)[]): void {
  const key = JSON.stringify(known);
  if (element.dataset.known === key) return;
  element.dataset.known = key;
  const focused = element.contains(document.activeElement) ? document.activeElement : null;
  const at = focused ? [...element.querySelectorAll("button")].indexOf(focused as HTMLButtonElement) : -1;
  const children = content();
  element.replaceChildren(...children.filter((child): child is Node => child !== null));
  if (at >= 0) element.querySelectorAll("button")[at]?.focus();
}

