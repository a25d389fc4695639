/**
 * The frames between page and server: one byte opcode, then payload (slipway/terminals/frames.py has the other side).
 * What cannot be understood becomes null; a newer server may say things that this page does not know.
 */

const INPUT = 0x00;
const RESIZE = 0x01;
const ACK = 0x02;
const OUTPUT = 0x00;
const SCROLLBACK = 0x04;
const LIVE = 0x05;
const SKIPPED = 0x06;
const EXIT = 0x10;
const ERROR = 0x1f;

/** The largest payload of input that the server takes. */
export const LARGEST_INPUT = 64 * 1024;
/** In place of a signal's name: the node lost its power. */
export const POWER_LOST = "POWER";
const LARGEST_COUNT = 0xffffffff;

export type Frame =
  | { kind: "output" | "scrollback"; data: Uint8Array }
  | { kind: "live"; created: boolean }
  | { kind: "skipped"; bytes: number }
  | { kind: "exit"; code: number | null; signal: string | null }
  | { kind: "error"; id: string; sentence: string };

export function decode(message: ArrayBuffer): Frame | null {
  const bytes = new Uint8Array(message);
  const payload = bytes.subarray(1);
  switch (bytes[0]) {
    case OUTPUT:
      return { kind: "output", data: payload };
    case SCROLLBACK:
      return { kind: "scrollback", data: payload };
    case LIVE:
      return { kind: "live", created: payload[0] === 1 };
    case SKIPPED:
      return payload.length === 4 ? { kind: "skipped", bytes: viewOf(payload).getUint32(0) } : null;
    case EXIT:
      return exit(parsed(payload));
    case ERROR:
      return error(parsed(payload));
    default:
      return null;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function parsed(payload: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(payload));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function exit(value: Readonly<Record<string, unknown>>): Frame {
  const signal = value.signal;
  return {
    kind: "exit",
    code: typeof value.code === "number" ? value.code : null,
    signal: (typeof signal === "string" || typeof signal === "number") && signal ? String(signal) : null,
  };
}

function error(value: Readonly<Record<string, unknown>>): Frame {
  return {
    kind: "error",
    id: typeof value.id === "string" ? value.id : "",
    sentence: typeof value.sentence === "string" ? value.sentence : "",
  };
}

/** Input; the caller keeps to `LARGEST_INPUT`. */
export function encodeInput(data: Uint8Array): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(1 + data.length);
  frame[0] = INPUT;
  frame.set(data, 1);
  return frame;
}

export function encodeResize(cols: number, rows: number): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(5);
  frame[0] = RESIZE;
  const view = viewOf(frame);
  view.setUint16(1, cols);
  view.setUint16(3, rows);
  return frame;
}

export function encodeAck(bytes: number): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(5);
  frame[0] = ACK;
  viewOf(frame).setUint32(1, Math.min(bytes, LARGEST_COUNT));
  return frame;
}
