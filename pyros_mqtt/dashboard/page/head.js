// The line at the top, and the banner that says when what is shown is old.

import { html, nothing } from "./lit.js";
import { STATES, clock, day, duration } from "./words.js";

const MODES = { day: "☀ day", dusk: "◐ dusk", night: "☾ night" };

function counts(store) {
  const found = new Map();
  for (const one of store.agents.values()) found.set(one.state, (found.get(one.state) ?? 0) + 1);
  return [...found].sort(([a], [b]) => (STATES[a]?.rank ?? 9) - (STATES[b]?.rank ?? 9));
}

function chip([state, count], ui, act) {
  const look = STATES[state] ?? STATES.unknown;
  return html`<button
    class="chip tone-${look.tone}"
    aria-pressed=${ui.state === state}
    title="show only ${state}"
    @click=${() => act.showState(ui.state === state ? "" : state)}
  >
    <span aria-hidden="true">${look.glyph}</span> <b>${count}</b> ${state}
  </button>`;
}

function brokerWord(store) {
  if (store.link.state !== "open") return html`<span class="tone-bad">✕ dashboard</span>`;
  return store.broker.up
    ? html`<span class="tone-ok" title=${(store.hello?.brokers ?? []).join(", ")}>● broker</span>`
    : html`<span class="tone-bad" title=${store.broker.trouble}>✕ broker</span>`;
}

export function head(store, ui, act) {
  const sky = store.hello?.sky;
  return html`
    <h1><span class="mark" aria-hidden="true">◠</span> ${store.hello?.root ?? "pyros"}</h1>
    <span class="link">${brokerWord(store)}</span>
    <div class="chips" role="group" aria-label="States">${counts(store).map((one) => chip(one, ui, act))}</div>
    <span class="grow"></span>
    ${sky
      ? html`<span class="skytime" title="a simulated sky, ${sky.speed} times as fast">
          sky ${day(store.skyTime)} ${clock(store.skyTime)}</span>`
      : nothing}
    <time class="clock" title="UTC, by the server's clock">
      <small>${day(store.wall)}</small> ${clock(store.wall)} <small>UTC</small></time>
    ${who(store, act)}
    <button @click=${act.nextMode} title="day, dusk, night (n)">${MODES[ui.mode]}</button>
    <button @click=${act.help} title="keys (?)" aria-label="keys">?</button>
  `;
}

function who(store, act) {
  if (store.me.name) return html`<button class="who" @click=${act.logout} title="log out">◆ ${store.me.name}</button>`;
  return !store.me.asks_for
    ? html`<span class="who" title="nobody may command here: there are no people and no dashboard_token">read-only</span>`
    : html`<button class="who" @click=${act.login} title="log in to command (l)">read-only · log in</button>`;
}

/** What is wrong with what is shown; nothing where all is well. */
export function banner(store) {
  if (store.link.state !== "open") {
    const age = store.heard ? `what you see is ${duration(store.silence)} old` : "nothing is shown yet";
    const since = store.heard ? "Not connected to the dashboard" : "Connecting to the dashboard";
    return html`<p class="alert"><b>✕ ${since}</b> — ${age}. Trying again by itself.
      <span class="dim">${store.link.trouble}</span></p>`;
  }
  if (store.silence > 2.5) {
    return html`<p class="alert"><b>▲ The dashboard says nothing</b> — what you see is
      ${duration(store.silence)} old.</p>`;
  }
  if (!store.broker.up) {
    const since = store.broker.since === null ? 0 : store.mono - store.broker.since;
    return html`<p class="alert"><b>✕ The dashboard has had no broker for ${duration(since)}</b> —
      everyone is unknown, values are as old as they say. <span class="dim">${store.broker.trouble}</span></p>`;
  }
  if (store.isNewer) {
    return html`<p class="alert quiet">The server has a newer page: reload when it suits you.</p>`;
  }
  return nothing;
}
