/** The lab page: takes what the server says about the attempt and hands it to the parts that show it. */

import "@xterm/xterm/css/xterm.css";
import "./styles/lab.css";
import "./styles/cast.css";
import "./styles/preview.css";
import "./terminal/terminal.css";
import "./picture/picture.css";
import { Lessons } from "./cast/lessons";
import type { Audience } from "./cast/player";
import { Actions } from "./lab/actions";
import { applyAnswer, applyChecks, applyWatching, type Change } from "./lab/checks";
import { renderChecks, showChecking } from "./lab/checks_list";
import { Events, type Link } from "./lab/events";
import { Guide } from "./lab/guide";
import type { Attempt, Config, LabEvent, Sandbox } from "./lab/model";
import { setUpPanes, showPane } from "./lab/panes";
import { Previews } from "./lab/previews";
import { Quizzes, type Verdict } from "./lab/quiz";
import { StartPanel } from "./lab/start";
import { Steps } from "./lab/steps";
import { Submission } from "./lab/submission";
import { Countdown } from "./lab/time";
import { Picture } from "./picture/picture";
import { clusterOf } from "./picture/scene";
import { announce, notify } from "./shared/announce";
import { learnServerTime } from "./shared/api";
import { confirmed } from "./shared/dialogs";
import { byId, embeddedJson, setText } from "./shared/dom";
import { say, useTexts } from "./shared/texts";
import { type Machines, Terminals } from "./terminal/tabs";

const SILENT_MS = 2500;

class Lab {
  private shown: string;
  private loading = 0;
  private silence: ReturnType<typeof setTimeout> | null = null;
  private wasConnected = false;
  /** The step is worked on in a terminal, which gets the focus as soon as there is one and unless it is elsewhere. */
  private wantsTerminal = false;
  private readonly actions: Actions;
  private readonly terminals: Terminals;
  private readonly previews: Previews;
  private readonly guide: Guide;
  private readonly quizzes: Quizzes;
  private readonly steps: Steps;
  private readonly start: StartPanel;
  private readonly submission: Submission;
  private readonly events: Events;
  private readonly picture: Picture;
  private readonly lessons = new Lessons();
  private readonly countdown = new Countdown();
  private readonly checkNow = byId<HTMLButtonElement>("check-now");

  constructor(
    private readonly config: Config,
    private attempt: Attempt,
  ) {
    this.shown = config.step;
    this.actions = new Actions(config);
    this.terminals = new Terminals(
      config.attempt,
      (node, shell, sandbox) => {
        const names: Record<string, string> = { __SANDBOX__: sandbox, __NODE__: node, __SHELL__: shell };
        return config.urls.terminal.replace(/__[A-Z]+__/g, (name) => encodeURIComponent(names[name] ?? name));
      },
      () => this.expectAnswer(),
    );
    this.previews = new Previews(config, this.terminals, {
      address: (node, port) => this.actions.preview(node, port),
      reveal: () => showPane("terminal"),
    });
    this.guide = new Guide({
      openPreview: (node, port) => this.openPreview(node, port),
      run: (node, command) => this.run(node, command),
      openedHint: (hint) => void this.actions.openHint(this.shown, hint),
      goTo: (step) => void this.goTo(step),
    });
    this.quizzes = new Quizzes((quiz, choice) => this.answer(quiz, choice));
    this.steps = new Steps((step) => void this.goTo(step));
    this.start = new StartPanel(async () => void (await this.actions.restart()));
    this.submission = new Submission(config.urls.result, () => this.actions.submit());
    this.events = new Events(config.urls.events, {
      event: (event) => this.hear(event),
      link: (link) => this.showLink(link),
      wasDead: () => this.terminals.reconnect(),
    });
    this.picture = new Picture({
      send: (message) => this.events.send(message),
      unplug: new Set(config.machines ? config.unplug : []),
      power: (node, plugged) => void this.actions.power(node, plugged),
      ports: (known) => this.previews.setPorts(known),
      port: config.machines ? (node, port) => this.openPreview(node, port) : null,
      renew: () => void this.renew(),
    });
    this.listen();
  }

  begin(): void {
    setUpPanes(new Set(machinesOf(this.attempt.sandbox)?.clusters.values()).size > 1);
    history.replaceState({ step: this.shown }, "", location.href);
    this.wantsTerminal = this.currentStep?.terminal ?? false;
    this.take(this.attempt);
    this.quizzes.restore(this.currentStep?.quizzes ?? []);
    this.showLessons();
    if (this.attempt.current_step !== this.shown) void this.actions.goTo(this.shown);
    this.events.connect();
    void learnServerTime(import.meta.url);
  }

  private get currentStep(): Attempt["steps"][number] | undefined {
    return this.attempt.steps.find((step) => step.slug === this.shown);
  }

  private listen(): void {
    addEventListener("popstate", (event: PopStateEvent) => {
      const state = event.state as { step?: unknown } | null;
      const step = state?.step ?? new URLSearchParams(location.search).get("step");
      if (typeof step === "string" && step !== this.shown) void this.goTo(step, false);
    });
    addEventListener("online", () => this.terminals.hurry());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.terminals.hurry();
    });
    this.checkNow.addEventListener("click", () => void this.check());
    byId("extend").addEventListener("click", () => void this.extend());
    byId("end-lab").addEventListener("click", () => void this.end());
    byId("shortcuts").addEventListener("click", () => byId<HTMLDialogElement>("shortcuts-dialog").showModal());
  }

  private hear(event: LabEvent): void {
    switch (event.type) {
      case "overview":
        return this.take(event);
      case "sandbox":
        return this.take({ ...this.attempt, sandbox: event });
      case "checks":
        return this.changed(applyChecks(this.attempt, event));
      case "watched":
        return this.changed(applyWatching(this.attempt, event.step, event));
      case "checking":
        if (event.step === this.shown) this.checking(event.running);
        return;
      case "submitted":
        return this.submission.graded();
      case "notice":
        return void notify(event.level, event.sentence);
      case "cluster":
        return this.picture.hear(event);
      case "traffic":
        return this.picture.hearTraffic(event);
    }
  }

  /** Show all of an attempt. Every part leaves alone what is as it was. */
  private take(attempt: Attempt, news: ReadonlySet<string> = new Set()): void {
    this.attempt = attempt;
    const { sandbox } = attempt;
    const live = sandbox?.state === "ready";
    const closed = attempt.submitted_at !== null;
    this.steps.show(attempt, this.shown);
    renderChecks(byId("checks"), this.currentStep?.checks ?? [], news);
    this.checkNow.hidden = (this.currentStep?.checks.length ?? 0) === 0 || closed;
    const machines = machinesOf(sandbox);
    this.terminals.update(machines);
    this.previews.update(machines);
    if (this.config.machines) this.start.show(sandbox, { closed, over: this.terminals.count > 0 });
    if (this.config.machines) this.picture.follow(sandbox?.sandbox ?? "", sandbox?.nodes ?? [], live);
    if (live && this.wantsTerminal) {
      this.wantsTerminal = false;
      if (document.activeElement === document.body) this.terminals.focus();
    }
    this.countdown.set(live ? (sandbox?.expires_at ?? null) : null);
    byId("extend").hidden = !live || closed;
    byId<HTMLButtonElement>("end-lab").disabled = !sandbox || !["requested", "starting", "ready"].includes(sandbox.state);
    this.submission.show(attempt);
  }

  private changed(change: Change): void {
    this.take(change.attempt, new Set([...change.gained, ...change.lost].map((check) => check.check)));
    const told = [
      ...change.gained.map((check) => say("check-gained-spoken", { title: check.title })),
      ...change.lost.map((check) => say("check-lost-spoken", { title: check.title })),
      ...(change.finished ? [say("step-complete-spoken", { number: change.finished.number })] : []),
    ];
    if (told.length > 0) announce(told.join(" "));
    for (const check of change.lost) notify("warning", say("check-lost-spoken", { title: check.title }));
  }

  private async goTo(slug: string, push = true): Promise<void> {
    const step = this.attempt.steps.find((one) => one.slug === slug);
    if (!step || (slug === this.shown && push)) return;
    const turn = ++this.loading;
    const html = await this.actions.guide(slug);
    if (html === null || turn !== this.loading) return; // another step was asked for meanwhile
    this.shown = slug;
    if (push) history.pushState({ step: slug }, "", `?step=${encodeURIComponent(slug)}`);
    this.guide.show(html, step.title);
    showPane("guide");
    this.checking(false);
    this.take(this.attempt);
    this.quizzes.restore(step.quizzes);
    this.showLessons();
    announce(say("step-shown", { number: step.number, count: this.attempt.steps.length, title: step.title }));
    await this.actions.goTo(slug);
  }

  private run(node: string, command: string): boolean {
    if (this.attempt.sandbox?.state !== "ready") return false;
    showPane("terminal");
    return this.terminals.run(node, command);
  }

  /** Show what listens on a port of a node, beside the guide. */
  openPreview(node: string, port: number): void {
    this.previews.show(node, port);
  }

  private async check(): Promise<void> {
    if (this.checkNow.getAttribute("aria-busy") === "true") return;
    this.checking(true);
    if (!(await this.actions.check(this.shown))) this.checking(false);
  }

  private checking(running: boolean): void {
    const was = this.checkNow.getAttribute("aria-busy") === "true";
    showChecking(this.checkNow, running);
    if (!was || running) return;
    const checks = this.currentStep?.checks ?? [];
    const held = checks.filter((check) => check.held).length;
    announce(say("checked-spoken", { held, count: checks.length }));
  }

  private async answer(quiz: string, choice: number): Promise<Verdict | null> {
    const step = this.shown;
    const verdict = await this.actions.answer(step, quiz, choice);
    if (!verdict) return null;
    this.changed(applyAnswer(this.attempt, step, { quiz, answered: true, choice, correct: verdict.correct }));
    return verdict;
  }

  private showLessons(): void {
    this.picture.showRecorded(null);
    void this.lessons.show(this.currentStep?.recordings ?? [], (recording) => this.audienceOf(this.shown, recording));
  }

  private audienceOf(step: string, recording: string): Audience {
    return {
      picture: (recorded, pressed) => {
        // Beside machines of the learner's own, the picture is theirs until the recording is played.
        if (!this.config.machines || pressed || this.picture.showsRecording) this.picture.showRecorded(recorded);
      },
      seen: async (seen, read) => {
        const watched = await this.actions.watched(step, recording, seen, read);
        if (watched !== null) this.changed(applyWatching(this.attempt, step, { recording, seen, watched }));
        return watched;
      },
    };
  }

  private async extend(): Promise<void> {
    if (await this.actions.extend()) announce(say("extended"));
  }

  private async end(): Promise<void> {
    const question = { title: say("end-question"), text: say("end-explained"), confirm: say("end-confirm") };
    if (await confirmed(question)) await this.actions.stop();
  }

  private async renew(): Promise<void> {
    const question = { title: say("renew-question"), text: say("end-explained"), confirm: say("restart") };
    if ((await confirmed(question)) && (await this.actions.stop())) await this.actions.restart();
  }

  private showLink(link: Link): void {
    const place = byId("connection");
    const words = {
      connecting: "",
      connected: say("connected"),
      reconnecting: navigator.onLine ? say("reconnecting") : say("offline"),
      "signed-out": say("signed-out"),
      gone: say("signed-out"),
    };
    place.dataset.state = link;
    setText(place, words[link]);
    // The server is back: terminals need not wait for their own turn.
    if (link === "connected" && this.wasConnected) this.terminals.hurry();
    if (link === "connected") this.picture.connected();
    this.wasConnected ||= link === "connected";
  }

  /** Something was typed. If the server stays silent for long, find out whether it is there. */
  private expectAnswer(): void {
    this.silence ??= setTimeout(() => {
      this.silence = null;
      this.events.hurry();
    }, SILENT_MS);
  }
}

function machinesOf(sandbox: Sandbox | null): Machines | null {
  if (!sandbox) return null;
  const starting = sandbox.state === "requested" || sandbox.state === "starting";
  return {
    sandbox: sandbox.sandbox,
    nodes: sandbox.nodes.map((node) => node.name),
    clusters: new Map(sandbox.nodes.map(({ name, kind }) => [name, clusterOf(kind)])),
    phase: sandbox.state === "ready" ? "ready" : starting ? "starting" : "over",
  };
}

const config = embeddedJson("lab-config") as (Config & { texts?: unknown }) | null;
const overview = embeddedJson("overview") as Attempt | null;
if (config && overview) {
  useTexts(config.texts);
  new Lab(config, overview).begin();
}
