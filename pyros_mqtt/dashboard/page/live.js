// The one connection: everything at first, then changes. It comes back by itself, for ever.

import { goToLogin } from "./door.js";
import { heard, place, refused, takeOver } from "./early.js";
import { now } from "./store.js";

const FIRST = 0.4;
const SLOWEST = 8;
const DEAF = 4; // seconds without a frame, where one comes every second
const STRANGER = 4401; // the session has ended
const PATIENCE = 8; // seconds for a connection to come about

export class Live {
  /** `onFrame(changed)` is called after each frame, and resolves when it has been drawn. */
  constructor(store, { onFrame, onLink }) {
    this.store = store;
    this.onFrame = onFrame;
    this.onLink = onLink;
    this.wishes = { plots: [], agent: "" };
    this.pause = FIRST;
    this.socket = null;
    this.timer = 0;
    this.begun = 0;
    setInterval(() => this.#look(), 500);
    addEventListener("online", () => this.#hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.#hurry());
  }

  open() {
    clearTimeout(this.timer);
    this.timer = 0;
    this.begun = performance.now();
    const early = takeOver();
    const socket = early ?? new WebSocket(place());
    this.socket = socket;
    const mine = (act) => (event) => this.socket === socket && act(event);
    socket.addEventListener("open", mine(() => this.#say(this.wishes)));
    socket.addEventListener("message", mine((event) => this.#hear(socket, event.data)));
    socket.addEventListener("close", mine((event) => this.#lost(event.reason, event.code)));
    if (early) this.#catchUp(early);
  }

  #catchUp(socket) {
    if (socket.readyState > WebSocket.OPEN) this.#lost(refused());
    if (socket.readyState === WebSocket.OPEN) this.#say(this.wishes);
    for (const text of heard.splice(0)) this.#hear(socket, text);
  }

  /** Plot these series from now on. */
  plot(names) {
    this.wishes.plots = names;
    this.#say({ plots: names });
  }

  /** Tell the last words of this agent's channels from now on; "" for none. */
  look(agent) {
    this.wishes.agent = agent;
    this.#say({ agent });
  }

  #say(wishes) {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    for (const [key, value] of Object.entries(wishes)) {
      this.socket.send(JSON.stringify({ [key]: value }));
    }
  }

  async #hear(socket, text) {
    const frame = JSON.parse(text);
    const isFirst = this.store.link.state !== "open";
    if (isFirst) {
      this.store.link = { state: "open", since: now(), trouble: "" };
      this.pause = FIRST;
    }
    const changed = this.store.apply(frame);
    if (isFirst) this.onLink(true);
    await this.onFrame(changed);
    if (socket.readyState === WebSocket.OPEN) socket.send(`{"ack":${frame.n}}`);
  }

  #lost(reason, code = 0) {
    if (code === STRANGER) goToLogin();
    const socket = this.socket;
    this.socket = null;
    socket?.close();
    const { state, since, trouble } = this.store.link;
    if (state !== "lost" || trouble !== reason) {
      this.store.link = { state: "lost", since: state === "lost" ? since : now(), trouble: reason };
      this.onLink(false);
    }
    const pause = this.pause * (0.75 + 0.5 * Math.random());
    this.pause = Math.min(this.pause * 1.7, SLOWEST);
    this.timer = setTimeout(() => this.open(), pause * 1000);
  }

  #look() {
    if (!this.socket) return;
    const isOpen = this.store.link.state === "open";
    const waited = (performance.now() - this.begun) / 1000;
    if (isOpen ? this.store.silence > DEAF : waited > PATIENCE) this.#lost("no sign of life");
  }

  #hurry() {
    if (this.timer) this.open();
  }
}
