// Alarms: those that nobody has acknowledged come first, the worst of them at the top.

import { html, nothing, repeat } from "./lit.js";
import { SEVERITIES, dated, duration, shown } from "./words.js";

const RANK = { critical: 0, serious: 1, warning: 2 };
const STATE = { raised: 0, acknowledged: 1, shelved: 2, cleared: 3 };

function sorted(store) {
  return [...store.alarms.entries()].sort(
    ([, a], [, b]) =>
      STATE[a.state] - STATE[b.state] || RANK[a.severity] - RANK[b.severity]
      || (b.raised_at ?? 0) - (a.raised_at ?? 0),
  );
}

function remark(one, store) {
  if (one.state === "acknowledged") return `by ${one.by || "somebody"}`;
  if (one.state === "shelved") return `by ${one.by || "somebody"}${one.until ? ` until ${dated(one.until, store.wall)}` : ""}`;
  return "";
}

function age(seconds) {
  return seconds < -5 ? "future" : duration(seconds); // clocks differ by so much
}

// How an acknowledgement goes, as long as the alarm has not changed by it.
function fate(key, one, store) {
  const sent = store.acknowledged.get(key);
  if (!sent || one.state !== "raised") return nothing;
  const { state, text } = sent.trouble ? { state: "✕", text: sent.trouble } : store.orders.get(sent.id) ?? { state: "sent", text: "" };
  return html`<span class=${text ? "tone-bad" : "dim"} title=${text}>${state} ${text}</span>`;
}

const BLIND = new Set(["fault", "lost", "silent", "stopped", "unknown"]);

/** Why a quiet list means nothing; empty where somebody watches, or nobody has to. */
function nobodyWatches(store) {
  if (!store.broker.up || store.link.state !== "open") return ""; // the banner says it
  const watchmen = [...store.agents].filter(([, one]) => one.watches);
  if (watchmen.some(([, one]) => !BLIND.has(one.state))) return "";
  if (watchmen.length) return `nobody watches: ${watchmen.map(([name, one]) => `${name} is ${one.state}`).join(", ")}`;
  const isExpected = store.hello?.rules || [...store.alarms.values()].some((one) => one.agent === "alarms");
  return isExpected ? "nobody watches: no agent “alarms” has been seen" : "";
}

function row([key, one], store, act) {
  const limit = one.value === null ? "" : `${shown(one.value)}${one.limit === null ? "" : ` (limit ${shown(one.limit)})`}`;
  return html`<li class="alarm ${one.state} ${one.severity}">
    <span class="severity"><span aria-hidden="true">${SEVERITIES[one.severity]}</span> ${one.severity}</span>
    <b class="where">${key}</b>
    <span class="what">${one.text || one.about}
      ${limit ? html`<span class="dim">${limit}</span>` : nothing}</span>
    <span class="age">${one.raised_at ? age(store.wall - one.raised_at) : ""}</span>
    <span class="status">${one.state} ${remark(one, store)} ${fate(key, one, store)}</span>
    ${one.state === "raised" && store.me.asks_for
      ? html`<button ?disabled=${!store.mayCommand} title=${store.mayCommand ? "" : "log in first"}
          @click=${() => act.acknowledge(one)}>acknowledge</button>`
      : nothing}
  </li>`;
}

export function alarms(store, act) {
  const rows = sorted(store);
  const open = store.openAlarms.length;
  const rest = rows.length - open;
  const unwatched = nobodyWatches(store);
  return html`
    <div class="title">
      <h2>Alarms</h2>
      <span class=${open ? "tone-bad" : "dim"}>${open ? html`<b>${open}</b> to acknowledge` : "none to acknowledge"}</span>
      ${rest ? html`<span class="dim">${rest} known</span>` : nothing}
      ${unwatched ? html`<b class="tone-bad" role="status">${unwatched}</b>` : nothing}
    </div>
    ${rows.length
      ? html`<ul class="scroll">${repeat(rows, ([key]) => key, (one) => row(one, store, act))}</ul>`
      : nothing}
  `;
}
