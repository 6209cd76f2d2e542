// The fleet: a row an agent, in an order that does not jump.

import { html, nothing, repeat } from "./lit.js";
import { duration, stateOf } from "./words.js";

const ORDERS = {
  agent: (a, b) => a.name.localeCompare(b.name, "en", { numeric: true }),
  state: (a, b) => stateOf(a.state).rank - stateOf(b.state).rank || ORDERS.agent(a, b),
  host: (a, b) => (a.host ?? "").localeCompare(b.host ?? "", "en", { numeric: true }) || ORDERS.agent(a, b),
};

/** The agents that the filters let through, in their order. */
export function chosen(store, ui) {
  const words = ui.filter.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = [];
  for (const [name, one] of store.agents) {
    if (ui.state && one.state !== ui.state) continue;
    const text = `${name} ${one.state} ${one.host ?? ""} ${one.task?.message ?? ""} ${one.detail ?? ""}`;
    if (words.every((word) => text.toLowerCase().includes(word))) rows.push({ name, ...one });
  }
  return rows.sort(ORDERS[ui.order] ?? ORDERS.agent);
}

function task(one) {
  if (!one.task) return nothing;
  const { message, fraction, text, sender } = one.task;
  const percent = fraction === null ? "" : `${Math.round(fraction * 100)} %`;
  return html`<span class="task" title="for ${sender}"><b>${message}</b>
    ${fraction === null
      ? nothing
      : html`<progress max="1" .value=${fraction} aria-label="progress of ${message}"></progress>
          <span class="percent">${percent}</span>`}
    <span class="dim">${text}</span></span>`;
}

function row(one, store, ui, act) {
  const look = stateOf(one.state);
  const age = store.ageOf(one.name);
  const isOld = Number.isFinite(age) && age > 3 * (one.beat ?? 5);
  const detail = [one.detail, one.waiting ? `${one.waiting} waiting` : "", one.dropped ? `${one.dropped} dropped` : ""];
  return html`<tr
    id="row-${one.name}"
    class="tone-${look.tone}"
    tabindex=${ui.row === one.name ? 0 : -1}
    aria-selected=${ui.row === one.name}
    @click=${() => act.openAgent(one.name)}
    @focus=${() => act.pick(one.name)}
  >
    <td class="state"><span class="glyph" aria-hidden="true">${look.glyph}</span>${one.state}</td>
    <th scope="row" title=${one.name}>${one.name}</th>
    <td class="age ${isOld ? "old" : ""}">${duration(age)}</td>
    <td class="wide">${task(one)}</td>
    <td class="host">${one.host}</td>
    <td class="wide detail" title=${detail.filter(Boolean).join("; ")}>${detail.filter(Boolean).join("; ")}</td>
  </tr>`;
}

function heading(word, label, ui, act) {
  return html`<th scope="col" aria-sort=${ui.order === word ? "ascending" : "none"}>
    <button @click=${() => act.orderBy(word)}>${label}${ui.order === word ? " ▾" : ""}</button></th>`;
}

export function fleet(store, ui, act) {
  const rows = chosen(store, ui);
  const total = store.agents.size;
  return html`
    <div class="title">
      <h2>Fleet</h2>
      <span class="dim">${rows.length === total ? total : `${rows.length} of ${total}`}</span>
      <span class="grow"></span>
      <input
        id="filter"
        type="search"
        placeholder="filter  /"
        aria-label="filter the fleet"
        .value=${ui.filter}
        @input=${(event) => act.filter(event.target.value)}
      />
    </div>
    <div class="scroll">
      <table class="fleet">
        <thead>
          <tr>
            ${heading("state", "state", ui, act)}${heading("agent", "agent", ui, act)}
            <th scope="col">age</th>
            <th scope="col">task</th>
            ${heading("host", "host", ui, act)}
            <th scope="col">detail</th>
          </tr>
        </thead>
        <tbody>${repeat(rows, (one) => one.name, (one) => row(one, store, ui, act))}</tbody>
      </table>
      ${total ? nothing : html`<p class="note">${store.heard ? "Nobody has been heard of yet." : "Connecting …"}</p>`}
      ${total && !rows.length ? html`<p class="note">Nobody passes the filter. Esc clears it.</p>` : nothing}
    </div>
  `;
}
