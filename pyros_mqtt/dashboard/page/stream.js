// Commands and reports as they pass, the newest on top.

import { html, nothing, repeat } from "./lit.js";
import { OUTCOMES, clock } from "./words.js";

const BAD = new Set(["failed", "rejected", "interrupted", "expired", "cancelled"]);

const KINDS = {
  all: () => true,
  commands: (one) => one.kind === "command",
  ends: (one) => one.kind === "report" && !["accepted", "running"].includes(one.state),
  problems: (one) => one.kind === "unreadable" || BAD.has(one.state),
};

function isQuiet(one) {
  return one.kind === "report" && (one.state === "accepted" || one.state === "running");
}

function row(one) {
  const look = OUTCOMES[one.state] ?? { glyph: one.kind === "unreadable" ? "?" : "→", tone: "plain" };
  const isCommand = one.kind === "command";
  return html`<tr class="${one.kind} tone-${look.tone}">
    <td class="time">${clock(one.at)}</td>
    <td class="ends">${isCommand
      ? html`<b>${one.sender}</b>${one.by ? ` (${one.by})` : ""} → ${one.agent}`
      : html`<span class="dim">${one.sender} ←</span> ${one.agent}`}</td>
    <td class="state"><span class="glyph" aria-hidden="true">${look.glyph}</span>${isCommand
      ? one.urgent ? "urgent" : "command"
      : one.state ?? "unreadable"}</td>
    <th scope="row">${one.message}</th>
    <td class="wide" title=${one.text}>${one.text}</td>
  </tr>`;
}

export function stream(store, ui, act) {
  const words = ui.streamFilter.toLowerCase().split(/\s+/).filter(Boolean);
  const from = ui.paused ?? store.passings;
  const rows = from
    .filter((one) => KINDS[ui.kind](one) && (ui.kind !== "all" || ui.progress || !isQuiet(one)))
    .filter((one) => {
      const text = `${one.sender} ${one.by ?? ""} ${one.agent} ${one.message} ${one.state ?? ""} ${one.text}`.toLowerCase();
      return words.every((word) => text.includes(word));
    })
    .slice(0, 200);
  return html`
    <div class="title">
      <h2>Stream</h2>
      <div class="choice" role="group" aria-label="which">
        ${Object.keys(KINDS).map(
          (kind) => html`<button aria-pressed=${ui.kind === kind} @click=${() => act.kind(kind)}>${kind}</button>`,
        )}
        <button aria-pressed=${ui.progress} title="also accepted and running" @click=${act.progress}>progress</button>
      </div>
      ${store.missed ? html`<span class="dim">${store.missed} missed</span>` : nothing}
      <span class="grow"></span>
      <input id="stream-filter" type="search" placeholder="filter  f" aria-label="filter commands and reports"
        .value=${ui.streamFilter} @input=${(event) => act.streamFilter(event.target.value)} />
      <button aria-pressed=${ui.paused !== null} title="hold still (p)" @click=${act.pause}>
        ${ui.paused ? "❚❚ held" : "hold"}</button>
    </div>
    <div class="scroll">
      <table class="stream"><tbody>${repeat(rows, (one) => one.n, row)}</tbody></table>
      ${rows.length ? nothing : html`<p class="note">Nothing has passed${words.length || ui.kind !== "all" ? " that passes the filter" : " yet"}.</p>`}
    </div>
  `;
}
