// What the server has told, and when. Everything that is drawn is read from here.

const SECTIONS = ["agents", "news", "alarms", "pointings", "targets", "images", "orders"];
const MOST_PASSINGS = 400;

export class Store {
  constructor() {
    for (const section of SECTIONS) this[section] = new Map();
    this.passings = [];
    this.missed = 0;
    this.hello = null;
    this.isNewer = false;
    this.broker = { up: false, since: null, trouble: "" };
    this.values = { agent: "", channels: new Map() };
    this.me = { asks_for: "", name: "", csrf: "" };
    this.acknowledged = new Map(); // alarm -> {id} of the order, or {trouble}
    this.heard = null;
    this.link = { state: "connecting", since: now(), trouble: "" };
    this.onSamples = () => {};
  }

  /** Take in one frame; returns the names of what has changed. */
  apply(frame) {
    const changed = new Set();
    this.heard = { mono: frame.mono, wall: frame.wall, ...now() };
    if (frame.hello) {
      this.isNewer = this.hello !== null && this.hello.build !== frame.hello.build;
      this.hello = frame.hello;
      changed.add("hello");
    }
    if (frame.broker) {
      this.broker = frame.broker;
      changed.add("broker");
    }
    if (frame.board) this.#board(frame.board, changed);
    if (frame.values && frame.values.agent === this.values.agent) {
      for (const [name, value] of Object.entries(frame.values.channels)) {
        this.values.channels.set(name, value);
      }
      changed.add("values");
    }
    if (frame.samples) this.onSamples(frame.samples);
    return changed;
  }

  #board(board, changed) {
    if (board.whole) {
      for (const section of SECTIONS) {
        this[section].clear();
        changed.add(section);
      }
      this.passings = [];
      this.missed = 0;
      changed.add("passings");
    }
    for (const [section, entries] of Object.entries(board.sections)) {
      const known = this[section];
      if (!(known instanceof Map)) continue;
      for (const [key, value] of Object.entries(entries)) {
        if (value === null) known.delete(key);
        else known.set(key, value);
      }
      changed.add(section);
    }
    if (board.passings.length) {
      const last = this.passings.length ? this.passings[0].n : 0;
      if (board.missed) this.missed = board.passings[0].n - 1 - last;
      this.passings.unshift(...board.passings.toReversed());
      this.passings.length = Math.min(this.passings.length, MOST_PASSINGS);
      changed.add("passings");
    }
  }

  /** Seconds since the last word of the server; also true after the machine has slept. */
  get silence() {
    return this.heard ? since(this.heard) : since(this.link.since);
  }

  /** The server's monotonic clock. Ages count by it. */
  get mono() {
    return this.heard ? this.heard.mono + since(this.heard) : 0;
  }

  /** The server's UTC, POSIX seconds. */
  get wall() {
    return this.heard ? this.heard.wall + since(this.heard) : Date.now() / 1000;
  }

  /** The time of the sky, which may be a simulated one. */
  get skyTime() {
    const sky = this.hello?.sky;
    return sky ? sky.origin + (this.wall - sky.anchor) * sky.speed : this.wall;
  }

  /** Seconds since the last news of an agent. */
  ageOf(name) {
    const news = this.news.get(name);
    return news === undefined ? NaN : this.mono - news;
  }

  get mayCommand() {
    return this.me.name !== "" && this.me.asks_for !== "" && this.link.state === "open";
  }

  /** Somebody must see these: raised, the worst first. */
  get openAlarms() {
    return [...this.alarms.values()].filter((one) => one.state === "raised");
  }
}

/** A moment by both clocks: one does not jump, the other goes on while the machine sleeps. */
export function now() {
  return { perf: performance.now(), date: Date.now() };
}

/** Seconds since a moment. */
export function since(moment) {
  return Math.max(performance.now() - moment.perf, Date.now() - moment.date, 0) / 1000;
}
