/** The recordings of the step that is shown: fetched, played, and let go of when another step comes. */

import { notify } from "../shared/announce";
import { byId } from "../shared/dom";
import { say } from "../shared/texts";
import { type Audience, Player } from "./player";
import { parsePicture, parseRecording, type RecordedPicture } from "./recording";

export interface Watching {
  recording: string;
  seen: string;
  watched: boolean;
}

const NO_PICTURE: RecordedPicture = { machines: [], snapshots: [] };

export class Lessons {
  private players: Player[] = [];
  private turn = 0;

  /** Make players of the places in the guide; `audience` is asked for once for each recording. */
  async show(watchings: readonly Watching[], audience: (recording: string) => Audience): Promise<void> {
    const turn = ++this.turn;
    for (const player of this.players) player.dispose();
    this.players = [];
    const places = [...byId("guide-body").querySelectorAll<HTMLElement>(".cast[data-src]")];
    byId("lab").toggleAttribute("data-recording", places.length > 0);
    for (const place of places) {
      const name = place.dataset.cast ?? "";
      try {
        const [recording, picture] = await Promise.all([
          text(place.dataset.src ?? "").then(parseRecording),
          place.dataset.picture ? text(place.dataset.picture).then(parsePicture) : NO_PICTURE,
        ]);
        if (turn !== this.turn) return;
        const before = watchings.find((watching) => watching.recording === name);
        const known = { seen: before?.seen ?? "", watched: before?.watched ?? false };
        this.players.push(new Player(place, recording, picture, audience(name), known));
      } catch {
        if (turn === this.turn) notify("error", say("cast-failed"));
      }
    }
  }
}

async function text(url: string): Promise<string> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response.text();
}
