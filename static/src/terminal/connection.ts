/**
 * One terminal's WebSocket: it connects, comes back by itself when it is lost, and stops when there is no use in trying.
 * Input goes out in small pieces, no faster than the network takes them. It knows nothing of screens.
 */

import { Backoff } from "../shared/backoff";
import { decode, encodeAck, encodeInput, encodeResize, type Frame, POWER_LOST } from "./codec";

export type LinkState =
  | "idle" // not asked for yet
  | "connecting"
  | "live"
  | "reconnecting"
  | "waiting" // the machines are not ready, or this one has no power
  | "ended" // the machines have ended
  | "exited" // the shell has ended
  | "refused";

interface Listener {
  /** A new socket is being opened; nothing more comes from the one before. */
  opening(): void;
  state(state: LinkState): void;
  frame(frame: Frame): void;
}

const SIGN_IN = 4401;
const NOT_FOUND = 4404;
const MALFORMED = 4400;
const NOT_READY = 4409;
const ENDED = 4410;

const PIECE = 16 * 1024;
const MOST_BUFFERED = 64 * 1024;
const PUMP_MS = 15;
/** A connection that held this long was a good one. */
const STABLE_MS = 2000;
/** Keys pressed longer ago than this, while the connection was away, are forgotten: nobody expects them any more. */
const KEYS_KEPT_MS = 4000;
const NOT_READY_MS = 3000;
const CTRL_C = 0x03;

interface Waiting {
  data: Uint8Array;
  at: number;
  keep: boolean;
}

export class Connection {
  private socket: WebSocket | null = null;
  private current: LinkState = "idle";
  private retry: ReturnType<typeof setTimeout> | null = null;
  private pumping: ReturnType<typeof setTimeout> | null = null;
  private waiting: Waiting[] = [];
  private liveSince = 0;
  private lostPower = false;
  private size = { cols: 80, rows: 24 };
  private readonly backoff = new Backoff();

  constructor(
    private readonly url: string,
    private readonly listener: Listener,
  ) {}

  get state(): LinkState {
    return this.current;
  }

  /** Connect, or connect again at once whatever it was waiting for. */
  connect(): void {
    this.forget();
    this.lostPower = false;
    this.listener.opening();
    // While it waits for a machine it goes on saying so: each try would be news otherwise.
    if (this.current !== "waiting") this.become(this.isFirstTry ? "connecting" : "reconnecting");
    const address = new URL(this.url, location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    address.searchParams.set("cols", String(this.size.cols));
    address.searchParams.set("rows", String(this.size.rows));
    const socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.addEventListener("message", (event: MessageEvent<unknown>) => {
      if (socket === this.socket && event.data instanceof ArrayBuffer) this.hear(decode(event.data));
    });
    socket.addEventListener("close", (event) => {
      if (socket === this.socket) this.lost(event.code);
    });
  }

  /** Connect unless it is about to; a machine that is waited for is tried at once. */
  connectIfIdle(): void {
    if (this.current === "idle" || (this.current === "waiting" && this.retry !== null)) this.connect();
  }

  /** Leave the shell; it lives on. */
  close(): void {
    this.forget();
    this.waiting = [];
    this.become("idle");
  }

  /** The network is back, or the page is looked at again: do not wait any longer. */
  hurry(): void {
    if (this.current === "reconnecting" && this.retry !== null) {
      this.backoff.reset();
      this.connect();
    }
  }

  /** The machines are over, whatever the socket says. */
  end(): void {
    this.forget();
    this.waiting = [];
    this.become("ended");
  }

  /** Type something. With `keep`, it waits for as long as it takes to connect; otherwise it is soon forgotten. */
  send(data: Uint8Array, keep = false): void {
    if (data.length === 1 && data[0] === CTRL_C) this.waiting = []; // stops a long paste, too
    for (let start = 0; start < data.length; start += PIECE) {
      this.waiting.push({ data: data.subarray(start, start + PIECE), at: performance.now(), keep });
    }
    this.pump();
  }

  resize(cols: number, rows: number): void {
    this.size = { cols, rows };
    if (this.current === "live") this.socket?.send(encodeResize(cols, rows));
  }

  acknowledge(bytes: number): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(encodeAck(bytes));
  }

  private get isFirstTry(): boolean {
    return this.current !== "live" && this.current !== "reconnecting";
  }

  private hear(frame: Frame | null): void {
    if (!frame) return;
    this.listener.frame(frame);
    if (frame.kind === "exit") {
      this.lostPower = frame.signal === POWER_LOST;
      this.become(this.lostPower ? "waiting" : "exited");
    }
    if (frame.kind !== "live") return;
    this.liveSince = performance.now();
    this.become("live");
    const oldest = performance.now() - KEYS_KEPT_MS;
    this.waiting = this.waiting.filter(({ keep, at }) => keep || at >= oldest);
    this.socket?.send(encodeResize(this.size.cols, this.size.rows));
    this.pump();
  }

  private lost(code: number): void {
    this.socket = null;
    if (this.current === "exited") return;
    if (code === ENDED) return this.end();
    if (code === MALFORMED || code === SIGN_IN || code === NOT_FOUND) return this.become("refused");
    if (code === NOT_READY || this.lostPower) {
      this.become("waiting");
      this.retry = setTimeout(() => this.connect(), NOT_READY_MS);
      return;
    }
    if (this.current === "live" && performance.now() - this.liveSince >= STABLE_MS) this.backoff.reset();
    this.become("reconnecting");
    this.retry = setTimeout(() => this.connect(), this.backoff.next());
  }

  private pump(): void {
    const socket = this.socket;
    if (this.current !== "live" || !socket || this.pumping !== null) return;
    while (this.waiting.length > 0 && socket.bufferedAmount < MOST_BUFFERED) {
      const next = this.waiting.shift();
      if (next) socket.send(encodeInput(next.data));
    }
    if (this.waiting.length === 0) return;
    this.pumping = setTimeout(() => {
      this.pumping = null;
      this.pump();
    }, PUMP_MS);
  }

  private forget(): void {
    if (this.retry !== null) clearTimeout(this.retry);
    this.retry = null;
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  private become(state: LinkState): void {
    if (state === this.current) return;
    this.current = state;
    this.listener.state(state);
  }
}
