import { describe, expect, test } from "vitest";
import { decode, encodeAck, encodeInput, encodeResize } from "./codec";

const frame = (...bytes: number[]): ArrayBuffer => new Uint8Array(bytes).buffer;
const json = (opcode: number, text: string): ArrayBuffer =>
  new Uint8Array([opcode, ...new TextEncoder().encode(text)]).buffer;

describe("what the server says", () => {
  test("output and scrollback carry bytes as they are, half letters included", () => {
    expect(decode(frame(0x00, 0xc3))).toEqual({ kind: "output", data: new Uint8Array([0xc3]) });
    expect(decode(frame(0x04, 1, 2))).toEqual({ kind: "scrollback", data: new Uint8Array([1, 2]) });
    expect(decode(frame(0x00))).toEqual({ kind: "output", data: new Uint8Array([]) });
  });

  test("live tells a new shell from one that came back", () => {
    expect(decode(frame(0x05, 1))).toEqual({ kind: "live", created: true });
    expect(decode(frame(0x05, 0))).toEqual({ kind: "live", created: false });
  });

  test("skipped counts in big endian", () => {
    expect(decode(frame(0x06, 0, 1, 0, 2))).toEqual({ kind: "skipped", bytes: 65538 });
    expect(decode(frame(0x06, 0xff, 0xff, 0xff, 0xff))).toEqual({ kind: "skipped", bytes: 4294967295 });
  });

  test("exit has a status or a signal", () => {
    expect(decode(json(0x10, '{"code": 3, "signal": null}'))).toEqual({ kind: "exit", code: 3, signal: null });
    expect(decode(json(0x10, '{"code": -1, "signal": "killed"}'))).toMatchObject({ signal: "killed" });
    expect(decode(json(0x10, '{"code": 0, "signal": ""}'))).toEqual({ kind: "exit", code: 0, signal: null });
  });

  test("an error has a sentence to show", () => {
    expect(decode(json(0x1f, '{"id": "ended", "sentence": "It is over."}'))).toEqual({
      kind: "error",
      id: "ended",
      sentence: "It is over.",
    });
  });

  test("what is malformed or unknown harms nobody", () => {
    expect(decode(frame())).toBeNull();
    expect(decode(frame(0x77, 1))).toBeNull();
    expect(decode(frame(0x06, 1))).toBeNull();
    expect(decode(json(0x10, "{"))).toEqual({ kind: "exit", code: null, signal: null });
    expect(decode(json(0x10, '"no"'))).toEqual({ kind: "exit", code: null, signal: null });
    expect(decode(json(0x1f, "[1]"))).toEqual({ kind: "error", id: "", sentence: "" });
  });
});

describe("what the page says", () => {
  test("input is the opcode and the bytes", () => {
    expect([...encodeInput(new Uint8Array([0x03]))]).toEqual([0x00, 0x03]);
  });

  test("a resize is columns and rows in big endian", () => {
    expect([...encodeResize(300, 24)]).toEqual([0x01, 0x01, 0x2c, 0x00, 0x18]);
  });

  test("an acknowledgement counts bytes, up to what four bytes hold", () => {
    expect([...encodeAck(65536)]).toEqual([0x02, 0x00, 0x01, 0x00, 0x00]);
    expect([...encodeAck(2 ** 40)]).toEqual([0x02, 0xff, 0xff, 0xff, 0xff]);
  });
});
