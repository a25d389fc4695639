import { describe, expect, it } from "vitest";
import { Playback, Seen } from "./playback";
import { captionAt, chapterFrom, clockText, countUntil, parsePicture, parseRecording } from "./recording";

const TEXT = [
  { version: 2, width: 80, height: 20 },
  [0, "m", "# One"],
  [1, "o", "a"],
  [2, "m", "Said."],
  [4, "o", "b"],
  [3, "o", "out of order"],
  [10, "m", "# Two"],
  ["x", "o", "no time"],
  [20, "o", ""],
]
  .map((line) => JSON.stringify(line))
  .join("\n");

describe("a recording", () => {
  const recording = parseRecording(TEXT);

  it("is its output, its chapters and its captions; what makes no sense is left out", () => {
    expect(recording.output.map((piece) => piece.value)).toEqual(["a", "b", ""]);
    expect(recording.chapters.map((chapter) => chapter.value)).toEqual(["One", "Two"]);
    expect(recording.seconds).toBe(20);
  });

  it("shows a caption until another or a chapter comes", () => {
    expect([1.9, 2, 9.9, 10].map((moment) => captionAt(recording, moment))).toEqual(["", "Said.", "Said.", ""]);
  });

  it("goes from chapter to chapter, and first to the beginning of the one that it is in", () => {
    expect(chapterFrom(recording, 0, 1)).toBe(10);
    expect(chapterFrom(recording, 15, 1)).toBe(20);
    expect(chapterFrom(recording, 15, -1)).toBe(10);
    expect(chapterFrom(recording, 11, -1)).toBe(0);
  });

  it("knows how much has happened by a moment", () => {
    expect([0, 1, 3.9, 4, 100].map((moment) => countUntil(recording.output, moment))).toEqual([0, 1, 1, 2, 3]);
  });

  it("is refused when it is something else", () => {
    expect(() => parseRecording("{}")).toThrow();
    expect(() => parseRecording("")).toThrow();
  });

  it("tells time as clocks do", () => {
    expect([0, 65.9, 600].map(clockText)).toEqual(["0:00", "1:05", "10:00"]);
  });
});

describe("the picture of a recording", () => {
  it("is whole at each moment, however it was told", () => {
    const node = (state: string): object => ({ id: "worker2", state, address: "", engine: "ready", swarm: null });
    const events = [
      [0, { snapshot: { version: 1, nodes: [node("up")] } }],
      [5, { changes: { nodes: { put: [node("unplugged")], drop: [] } } }],
    ];
    const picture = parsePicture(JSON.stringify({ version: 1, machines: [{ name: "worker2", kind: "docker" }], events }));
    expect(picture.snapshots.map(({ at, value }) => [at, value.nodes[0]?.state])).toEqual([
      [0, "up"],
      [5, "unplugged"],
    ]);
    expect(picture.machines).toEqual([{ name: "worker2", kind: "docker", state: "ready" }]);
  });
});

describe("playing", () => {
  it("goes at its speed and stops at the end", () => {
    const playback = new Playback(1);
    playback.speed = 2;
    playback.tick(0.2);
    expect(playback.position).toBe(0);
    playback.play();
    playback.tick(0.2);
    expect(playback.position).toBeCloseTo(0.4);
    for (let tick = 0; tick < 4; tick += 1) playback.tick(0.2);
    expect([playback.position, playback.playing]).toEqual([1, false]);
  });

  it("begins again after the end", () => {
    const playback = new Playback(10);
    playback.seek(99);
    expect(playback.position).toBe(10);
    playback.play();
    expect(playback.position).toBe(0);
  });

  it("does not go on while nobody looks", () => {
    const playback = new Playback(100);
    playback.play();
    playback.tick(60);
    expect(playback.position).toBeLessThan(1);
  });
});

describe("what was seen", () => {
  it("is counted by seconds and adds to what was seen before", () => {
    const seen = new Seen(4.2, "1");
    seen.mark(1.5);
    seen.mark(1.9);
    seen.mark(99);
    expect([seen.count, seen.percent]).toEqual([3, 60]);
    expect(seen.news(3)).toBeNull();
    expect(seen.news(1)).toBe("11001");
    expect(seen.news(1)).toBeNull();
  });
});
