/** Requests to the server. Every failure becomes a `Refusal` with a sentence that can be shown as it is. */

import { say } from "./texts";

export class Refusal extends Error {
  constructor(
    readonly id: string,
    readonly sentence: string,
  ) {
    super(sentence);
  }
}

let ahead = 0;

/** The server's time in milliseconds since 1970, as far as its answers have told; clocks of learners may be wrong. */
export function serverNow(): number {
  return Date.now() + ahead;
}

function learnTime(response: Response, asked: number): void {
  const date = Date.parse(response.headers.get("Date") ?? "");
  if (Number.isNaN(date)) return;
  // The header has whole seconds, cut off; half of one is the best guess for what was cut.
  const difference = date + 500 - (asked + Date.now()) / 2;
  ahead = Math.abs(difference) < 2000 ? 0 : difference;
}

async function send(url: string, options: RequestInit): Promise<Response> {
  const asked = Date.now();
  let response: Response;
  try {
    response = await fetch(url, { credentials: "same-origin", ...options });
  } catch {
    throw new Refusal("unreachable", say("request-failed"));
  }
  learnTime(response, asked);
  if (response.redirected && new URL(response.url).pathname !== new URL(url, location.href).pathname) {
    throw new Refusal("sign-in", say("signed-out"));
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

async function refusal(response: Response): Promise<Refusal> {
  try {
    const body = (await response.json()) as { error?: { id?: unknown; sentence?: unknown } };
    if (typeof body.error?.sentence === "string") return new Refusal(String(body.error.id), body.error.sentence);
  } catch {
    // Not one of our own answers, perhaps a proxy's.
  }
  return new Refusal(`http-${response.status}`, say("request-failed"));
}

/** Post JSON and get JSON. Raises `Refusal`. */
export async function post(url: string, csrf: string, body: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
  const response = await send(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": csrf },
    body: JSON.stringify(body),
  });
  return response.json() as Promise<unknown>;
}

/** Get a piece of HTML that the server rendered. Raises `Refusal`. */
export async function getHtml(url: string): Promise<string> {
  const response = await send(url, { headers: { Accept: "text/html", "X-Requested-With": "fetch" } });
  return response.text();
}

/** Ask for nothing but the time. */
export async function learnServerTime(url: string): Promise<void> {
  try {
    const asked = Date.now();
    learnTime(await fetch(url, { method: "HEAD", cache: "no-store" }), asked);
  } catch {
    // The learner's own clock must do.
  }
}
