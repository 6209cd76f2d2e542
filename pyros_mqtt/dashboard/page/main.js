// Joins connection, store and panels; draws at most once a screen frame, and only what has changed.

import { AgentPanel } from "./agent.js";
import { alarms } from "./alarms.js";
import { Dialogs } from "./dialogs.js";
import { ask, goToLogin, tell } from "./door.js";
import { chosen, fleet } from "./fleet.js";
import { banner, head } from "./head.js";
import { images } from "./images.js";
import { PANELS, listen } from "./keys.js";
import { html, render } from "./lit.js";
import { Live } from "./live.js";
import { MODES, leftIn } from "./mode.js";
import { Plots } from "./plots.js";
import { sky } from "./sky.js";
import { Store } from "./store.js";
import { stream } from "./stream.js";

const $ = (id) => document.getElementById(id);
const NAMES = { alarms: "Alarms", fleet: "Fleet", plots: "Plots", stream: "Stream", sky: "Sky", images: "Images" };

const store = new Store();
const ui = {
  mode: leftIn(),
  tab: "fleet", filter: "", state: "", order: "agent", row: "",
  kind: "all", progress: false, streamFilter: "", paused: null, noImage: new Set(),
};

// -- drawing ----------------------------------------------------------------------------------------

// What each panel depends on; ages count by themselves once a second.
const DEPENDS = {
  head: ["hello", "broker", "agents", "ui", "second"],
  banner: ["hello", "broker", "link", "second"],
  alarms: ["alarms", "agents", "broker", "me", "orders", "second"],
  fleet: ["agents", "ui", "second"],
  plots: ["plots", "second"],
  stream: ["passings", "ui"],
  sky: ["hello", "targets", "pointings", "second"],
  images: ["images"],
  agent: ["agents", "values", "orders", "me", "agent", "second"],
  tabs: ["alarms", "ui"],
};

const DRAW = {
  head: () => head(store, ui, act),
  banner: () => banner(store),
  alarms: () => alarms(store, act),
  fleet: () => fleet(store, ui, act),
  plots: () => plots.draw(act),
  stream: () => stream(store, ui, act),
  sky: () => sky(store),
  images: () => images(store, ui, act),
  agent: () => agent.draw(act),
  tabs: () => tabs(),
};

const dirty = new Set(Object.keys(DRAW));
let drawing = null;

function mark(...changed) {
  for (const [panel, needs] of Object.entries(DEPENDS)) {
    if (needs.some((one) => changed.includes(one))) dirty.add(panel);
  }
  return draw();
}

/** Draw with the next screen frame; resolves when that is done. A hidden page is not drawn. */
function draw() {
  if (document.hidden) return Promise.resolve();
  drawing ??= new Promise((done) => {
    requestAnimationFrame(() => {
      drawing = null;
      for (const panel of dirty) render(DRAW[panel](), $(panel));
      if (dirty.has("plots")) plots.paint();
      dirty.clear();
      frame();
      done();
    });
  });
  return drawing;
}

function frame() {
  const open = store.openAlarms.length;
  document.title = `${open ? `(${open}!) ` : ""}${store.hello?.root ?? "pyros"}`;
  const isOld = store.link.state !== "open" || !store.broker.up;
  document.body.classList.toggle("stale", isOld);
  document.body.classList.toggle("has-alarms", store.alarms.size > 0);
  document.body.dataset.tab = ui.tab;
  $("agent").hidden = !agent.name;
}

function tabs() {
  const open = store.openAlarms.length;
  return PANELS.map((panel) => html`<button aria-pressed=${ui.tab === panel} @click=${() => act.tab(panel)}>
    ${NAMES[panel]}${panel === "alarms" && open ? html` <b class="tone-bad">${open}</b>` : ""}</button>`);
}

// -- what people do ---------------------------------------------------------------------------------

function set(changes) {
  Object.assign(ui, changes);
  mark("ui");
}

function setMode(mode) {
  ui.mode = mode;
  document.documentElement.dataset.mode = mode;
  localStorage.setItem("pyros-mode", mode);
  plots.recolour();
  mark("ui");
}

async function acknowledge(one) {
  const key = `${one.agent}/${one.alarm}`;
  try {
    const { id } = await tell("acknowledge", { agent: one.agent, alarm: one.alarm }, store.me.csrf);
    store.acknowledged.set(key, { id });
  } catch (error) {
    store.acknowledged.set(key, { trouble: error.message });
  }
  mark("orders");
}

function move(step) {
  const names = chosen(store, ui).map((one) => one.name);
  if (!names.length) return;
  const at = names.indexOf(ui.row);
  const next = names[Math.min(Math.max(at + step, 0), names.length - 1)];
  set({ row: next });
  draw().then(() => $(`row-${next}`)?.focus());
}

function escape(target) {
  if (target.matches?.("input")) {
    if (target.id === "filter") set({ filter: "" });
    if (target.id === "stream-filter") set({ streamFilter: "" });
    target.blur();
  } else if (agent.name) {
    act.openAgent("");
  } else {
    plots.hideCursor();
    set({ filter: "", state: "" });
  }
}

const act = {
  acknowledge,
  move,
  escape,
  showState: (state) => set({ state }),
  filter: (filter) => set({ filter }),
  orderBy: (order) => set({ order }),
  pick: (row) => (ui.row === row ? undefined : set({ row })),
  openPicked: () => act.openAgent(ui.row),
  openAgent: (name) => {
    live.look(name);
    agent.open(name);
    if (name) draw().then(() => $("agent").focus());
    else $(`row-${ui.row}`)?.focus();
  },
  kind: (kind) => set({ kind }),
  progress: () => set({ progress: !ui.progress }),
  streamFilter: (streamFilter) => set({ streamFilter }),
  pause: () => set({ paused: ui.paused ? null : [...store.passings] }),
  nextMode: () => setMode(MODES[(MODES.indexOf(ui.mode) + 1) % MODES.length]),
  help: () => dialogs.keys(),
  login: () => store.me.asks_for && !store.me.name && dialogs.login(known),
  logout: async () => known(await tell("logout", {}, store.me.csrf).catch(() => ask("me"))),
  choosePlots: () => dialogs.choosePlots(plots),
  isPlotted: (series) => plots.isPlotted(series),
  togglePlot: (series) => plots.toggle(series).then(() => mark("agent")),
  showImage: (key, one, caption) => dialogs.image(key, one, caption),
  noImage: (key) => {
    ui.noImage.add(key);
    mark("images");
  },
  span: (step) => plots.setSpan(step),
  cursor: (step) => plots.moveCursor(step),
  focus: (id) => $(id)?.focus(),
  firstAlarm: () => {
    act.panel("alarms");
    draw().then(() => $("alarms").querySelector("li button")?.focus());
  },
  tab: (panel) => {
    if (agent.name) act.openAgent(""); // on a telephone it covers the others
    act.panel(panel);
  },
  panel: (panel) => {
    set({ tab: panel });
    draw().then(() => $(panel).focus());
  },
};

function known(me) {
  if (me.asks_for === "password" && !me.name) goToLogin();
  store.me = me;
  mark("me", "ui");
}

// -- the connection ---------------------------------------------------------------------------------

const dialogs = new Dialogs($("dialog"));
const live = new Live(store, { onFrame: told, onLink: linked });
const plots = new Plots(store, live, () => mark("plots"));
const agent = new AgentPanel(store, () => mark("agent"));

function told(changed) {
  if (changed.has("agents")) agent.follow();
  return mark(...changed);
}

async function linked(isUp) {
  mark("link", "ui", "me");
  if (!isUp) return;
  try {
    known(await ask("me"));
    await plots.refresh();
    await plots.suggest();
    if (agent.name) await agent.refresh();
  } catch {
    // the connection is gone again; the next one asks again
  }
}

setInterval(() => {
  mark("second");
  if (store.link.state === "open" && Math.floor(store.wall) % 3 === 0) plots.suggest().catch(() => {});
}, 1000);
document.addEventListener("visibilitychange", () => mark("ui", "second", "agents", "alarms", "passings", "plots", "images", "agent"));

listen(act, dialogs);
setMode(ui.mode);
live.open();
draw();
