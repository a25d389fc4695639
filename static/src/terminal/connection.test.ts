import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Connection, type LinkState } from "./connection";

/** A socket that a test opens, speaks through and closes. */
class Socket extends EventTarget {
  static readonly OPEN = 1;
  static readonly made: Socket[] = [];
  readyState = Socket.OPEN;
  bufferedAmount = 0;
  binaryType = "";

  constructor() {
    super();
    Socket.made.push(this);
  }

  static get last(): Socket {
    const socket = Socket.made.at(-1);
    if (!socket) throw new Error("nothing was opened");
    return socket;
  }

  send(): void {}
  close(): void {}

  says(opcode: number, text = ""): void {
    const data = Uint8Array.from([opcode, ...new TextEncoder().encode(text)]).buffer;
    this.dispatchEvent(new MessageEvent("message", { data }));
  }

  ends(code: number): void {
    this.dispatchEvent(Object.assign(new Event("close"), { code }));
  }
}

const LIVE = 0x05;
const EXIT = 0x10;

describe("a terminal whose machine loses its power", () => {
  let states: LinkState[];
  let connection: Connection;

  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("WebSocket", Socket);
    vi.stubGlobal("location", new URL("http://lab.example/"));
    Socket.made.length = 0;
    states = [];
    const listener = { opening: () => {}, state: (state: LinkState) => states.push(state), frame: () => {} };
    connection = new Connection("/ws/terminals/s/node2/1/", listener);
    connection.connect();
    Socket.last.says(LIVE, "\x01");
    Socket.last.says(EXIT, '{"code":-1,"signal":"POWER"}');
    Socket.last.ends(1000);
  });

  afterEach(() => {
    connection.close();
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  test("waits, says so once however often it tries, and comes back by itself", () => {
    for (const _ of [1, 2]) {
      vi.advanceTimersByTime(3000);
      Socket.last.ends(4409);
    }
    vi.advanceTimersByTime(3000);
    Socket.last.says(LIVE, "\x01");
    expect(states).toEqual(["connecting", "live", "waiting", "live"]);
    expect(Socket.made).toHaveLength(4);
  });

  test("is tried at once when it is looked at, but not while it is being tried", () => {
    connection.connectIfIdle();
    connection.connectIfIdle();
    expect(Socket.made).toHaveLength(2);
  });
});

test("a shell that ended otherwise is not opened again by itself", () => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", Socket);
  vi.stubGlobal("location", new URL("http://lab.example/"));
  Socket.made.length = 0;
  const connection = new Connection("/x", { opening: () => {}, state: () => {}, frame: () => {} });
  connection.connect();
  Socket.last.says(LIVE, "\x01");
  Socket.last.says(EXIT, '{"code":0,"signal":""}');
  Socket.last.ends(1000);
  vi.advanceTimersByTime(60_000);
  expect(connection.state).toBe("exited");
  expect(Socket.made).toHaveLength(1);
  vi.unstubAllGlobals();
  vi.useRealTimers();
});
