/**
 * The events WebSocket: everything first, then changes. It notices by itself when the network is gone, also when no
 * socket was closed, and tells the rest of the page when it is back.
 */

import { Backoff } from "../shared/backoff";
import { type LabEvent, parseEvent } from "./model";

export type Link = "connecting" | "connected" | "reconnecting" | "signed-out" | "gone";

interface Listener {
  event(event: LabEvent): void;
  link(link: Link): void;
  /** The network was away and nobody noticed: other sockets are as dead as this one was. */
  wasDead(): void;
}

const SIGN_IN = 4401;
const NOT_FOUND = 4404;
const PING_MS = 10_000;
const PONG_MS = 4000;
const HURRIED_PONG_MS = 1500;

export class Events {
  private socket: WebSocket | null = null;
  private retry: ReturnType<typeof setTimeout> | null = null;
  private ping: ReturnType<typeof setTimeout> | null = null;
  private awaited: ReturnType<typeof setTimeout> | null = null;
  private over = false;
  private link: Link = "connecting";
  private readonly backoff = new Backoff();

  constructor(
    private readonly url: string,
    private readonly listener: Listener,
  ) {
    addEventListener("online", () => this.hurry());
    addEventListener("offline", () => this.become("reconnecting"));
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.hurry();
    });
  }

  connect(): void {
    if (this.over) return;
    this.stopTimers();
    const address = new URL(this.url, location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address);
    this.socket = socket;
    socket.addEventListener("message", (message: MessageEvent<unknown>) => {
      if (socket === this.socket) this.hear(message.data);
    });
    socket.addEventListener("close", (event) => {
      if (socket === this.socket) this.lost(event.code);
    });
  }

  /** Find out now whether the server is there: after a sleep, after the network changed, when a terminal stays silent. */
  hurry(): void {
    if (this.retry !== null) {
      this.backoff.reset();
      this.connect();
    } else this.ask(HURRIED_PONG_MS);
  }

  /** Say something, if the server is there to hear it. Whoever says it says it again when it matters. */
  send(message: Readonly<Record<string, unknown>>): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  private hear(data: unknown): void {
    this.stopAwaiting();
    const event = parseEvent(data);
    if (!event) return;
    if (event.type === "overview") this.backoff.reset();
    // An answer of any kind: also that to the question asked when the browser said that it is online again.
    this.become("connected");
    if (event.type !== "pong") this.listener.event(event);
    this.planPing();
  }

  private planPing(): void {
    if (this.ping !== null) clearTimeout(this.ping);
    this.ping = setTimeout(() => {
      if (document.hidden) this.planPing();
      else this.ask(PONG_MS);
    }, PING_MS);
  }

  private ask(patience: number): void {
    if (this.socket?.readyState !== WebSocket.OPEN || this.awaited !== null) return;
    this.socket.send('{"type":"ping"}');
    this.awaited = setTimeout(() => {
      this.awaited = null;
      const socket = this.socket;
      this.socket = null;
      socket?.close();
      this.listener.wasDead();
      this.lost(1006);
    }, patience);
  }

  private lost(code: number): void {
    this.socket = null;
    this.stopTimers();
    if (code === SIGN_IN || code === NOT_FOUND) {
      this.over = true;
      this.become(code === SIGN_IN ? "signed-out" : "gone");
      return;
    }
    this.become("reconnecting");
    this.retry = setTimeout(() => this.connect(), this.backoff.next());
  }

  private become(link: Link): void {
    if (link === this.link) return;
    this.link = link;
    this.listener.link(link);
  }

  private stopAwaiting(): void {
    if (this.awaited !== null) clearTimeout(this.awaited);
    this.awaited = null;
  }

  private stopTimers(): void {
    this.stopAwaiting();
    if (this.retry !== null) clearTimeout(this.retry);
    if (this.ping !== null) clearTimeout(this.ping);
    this.retry = this.ping = null;
  }
}
