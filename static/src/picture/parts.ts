/** How the parts of the picture look: each is made once and filled again whenever something about it changes. */

import { make } from "../shared/dom";
import { say, sayNamed } from "../shared/texts";
import { containerPorts, replicasOf, roleOf, servicePorts, type Port, type View } from "./facts";
import type { NodeBox, Segment, Tile } from "./layout";
import { lookOf, type Look, type Member } from "./scene";
import type { Service } from "./snapshot";

export interface Part {
  view: View;
  /** The nodes that the learner may unplug. */
  unplug: ReadonlySet<string>;
  /** Whether a port can be opened from here. */
  open: boolean;
}

export function fillNode(element: HTMLElement, { node, more }: NodeBox, { unplug }: Part): void {
  const { name, state, told, away } = node;
  const shownState = told && told.engine !== "ready" && !away ? sayNamed("engine-is", told.engine) : sayNamed("state", state);
  const usual = (state === "ready" || state === "up") && (told?.engine ?? "ready") === "ready";
  const plugged = state !== "unplugged";
  refill(element, [name, state, shownState, usual, roleOf(node), told?.address, told?.swarm, more, unplug.has(name)], () => {
    element.dataset.state = state;
    element.toggleAttribute("data-away", away || state === "unknown");
    const swarm = told?.swarm;
    const role = swarm
      ? make("span", { class: "role", text: roleOf(node), set: { "data-role": swarm.leader ? "leader" : swarm.role } })
      : null;
    // How the swarm sees it, where that is worth a word: drained, paused, or lost though it runs.
    const seen = swarm?.state !== "ready" && !away ? swarm?.state : swarm?.availability !== "active" ? swarm?.availability : "";
    const aside = seen ? make("span", { class: "node-word", text: seen }) : null;
    const word = make("span", { class: usual ? "visually-hidden" : "node-word", text: shownState });
    const address = usual ? make("span", { class: "node-address", text: told?.address ?? "" }) : null;
    const content = [
      make("span", { class: "node-line" }, make("span", { class: "node-name", text: name }), role),
      make("span", { class: "node-line" }, address, word, aside),
    ];
    return [
      make("div", { class: "node-head" }, factsButton(`node:${name}`, "node-facts", content), unplug.has(name) ? power(name, plugged) : null),
      more > 0 ? make("p", { class: "node-more", text: say("containers-more", { count: more }) }) : null,
    ];
  });
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
  const { id, name, driver, subnet } = network.network;
  const away = view.scene.nodes.some((one) => one.name === node && one.away);
  const ports = network.family === "ingress" && !away ? meshPorts(view, node) : [];
  element.toggleAttribute("data-away", away);
  refill(element, [name, driver, subnet, network.family, network.quiet, ports, open], () => {
    element.dataset.family = network.family;
    element.toggleAttribute("data-quiet", network.quiet);
    const rest = make("span", { class: "segment-rest", text: `${driver === name ? "" : driver} ${subnet}`.trim() });
    const spoken = make("span", { class: "visually-hidden", text: `${say("fact-network")} ` });
    const label = factsButton(`network:${id}`, "segment-facts", [spoken, make("span", { class: "segment-name", text: name }), rest]);
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
  if (tile.piece.service) fillService(element, tile, tile.piece.service);
  else fillContainer(element, tile, part);
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

function fillService(element: HTMLElement, { piece, room }: Tile, service: Service): void {
  refill(element, [service.name, room, piece.members], () => {
    const several = piece.members.length > 1;
    element.dataset.look = several ? "parts" : "part";
    const members = piece.members.slice(0, room);
    const rest = piece.members.length - members.length;
    const running = piece.members.filter((member) => member.look === "good").length;
    const content = [
      make("span", { class: "visually-hidden", text: `${say("fact-service")} ` }),
      make("span", { class: "tile-name", text: service.name }),
      several ? make("span", { class: "tile-count", text: `×${piece.members.length}`, set: { "aria-hidden": "true" } }) : null,
      make("span", { class: "visually-hidden", text: `, ${say("replicas-here", { running, count: piece.members.length })}` }),
    ];
    const chips = members.map((member) => chip(member, service));
    const more = make("button", {
      class: "chip more",
      text: `+${rest}`,
      set: { type: "button", "data-facts": `service:${service.id}`, "data-look": worst(piece.members.slice(room)) },
    });
    return [
      factsButton(`service:${service.id}`, "tile-facts", content),
      make("div", { class: "chips" }, ...chips, rest > 0 ? more : null),
    ];
  });
}

function chip(member: Member, service: Service): HTMLButtonElement {
  const spoken = `${service.name}.${member.label || "·"}: ${member.state}`;
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

export function fillStripService(element: HTMLElement, service: Service, { view, open }: Part): void {
  const ports = servicePorts(view.scene, service);
  refill(element, [service, ports, open], () => {
    const full = service.running >= service.desired;
    element.dataset.look = full ? "good" : service.running > 0 ? "waiting" : "bad";
    const content = [
      make("span", { class: "visually-hidden", text: `${say("fact-service")} ` }),
      make("span", { class: "service-name", text: service.name }),
      make("span", { class: "replicas", text: replicasOf(service) }),
      make("span", { class: "visually-hidden", text: ` ${say("running")}` }),
      service.update ? make("span", { class: "service-update", text: service.update }) : null,
    ];
    return [factsButton(`service:${service.id}`, "service-facts", content), ...ports.slice(0, 3).map((port) => portMark(port, open))];
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

