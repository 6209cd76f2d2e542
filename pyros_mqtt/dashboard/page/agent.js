// One agent: what it says of itself, its channels, and a form for each of its messages.

import { html, nothing } from "./lit.js";
import { ask, tell } from "./door.js";
import { argumentsOf, form } from "./form.js";
import { OUTCOMES, clock, duration, shown, stateOf } from "./words.js";

const TWICE = "shutdown"; // the one message that nobody can take back from here

export class AgentPanel {
  constructor(store, redraw) {
    this.isAsked = false;
    this.store = store;
    this.redraw = redraw;
    this.name = "";
    this.about = null;
    this.trouble = "";
    this.sent = new Map(); // message -> {id} or {trouble}
  }

  async open(name) {
    this.name = name;
    this.about = null;
    this.trouble = "";
    this.sent.clear();
    this.store.values = { agent: name, channels: new Map() };
    this.redraw();
    if (name) await this.refresh();
  }

  /** Ask anew where the agent has introduced itself, or has been started anew. */
  follow() {
    if (this.name && this.#life() !== this.life) this.refresh();
  }

  #life() {
    const one = this.store.agents.get(this.name);
    return one ? `${one.known} ${one.since} ${one.version}` : "";
  }

  async refresh() {
    const name = this.name;
    this.life = this.#life();
    if (!this.store.agents.get(name)?.known) {
      this.trouble = "This agent has not said what it understands.";
      this.redraw();
      return;
    }
    this.trouble = "";
    try {
      const about = await ask(`about/${encodeURIComponent(name)}`);
      if (name === this.name) this.about = about;
    } catch (error) {
      if (name === this.name) this.trouble = error.message;
    }
    this.redraw();
  }

  async #send(message, element, schema) {
    if (message === TWICE && !this.isAsked) {
      this.isAsked = true;
      setTimeout(() => {
        this.isAsked = false;
        this.redraw();
      }, 4000);
      this.redraw();
      return;
    }
    try {
      const args = argumentsOf(element, schema);
      const { id } = await tell("command", { agent: this.name, message, args }, this.store.me.csrf);
      this.sent.set(message, { id });
    } catch (error) {
      this.sent.set(message, { trouble: error.message });
    }
    this.redraw();
  }

  #fate(message) {
    const sent = this.sent.get(message);
    if (!sent) return null;
    if (sent.trouble) return { state: "", text: sent.trouble, glyph: "✕", tone: "bad" };
    const order = this.store.orders.get(sent.id) ?? { state: "sent", text: "" };
    return { ...order, ...(OUTCOMES[order.state] ?? OUTCOMES.unknown) };
  }

  draw(act) {
    if (!this.name) return nothing;
    const one = this.store.agents.get(this.name);
    return html`
      <div class="title">
        <h2>${this.name}</h2>
        ${one ? html`<span class="tone-${stateOf(one.state).tone}">${stateOf(one.state).glyph} ${one.state}</span>` : "gone"}
        <span class="grow"></span>
        <button @click=${() => act.openAgent("")} title="close (Esc)" aria-label="close">✕</button>
      </div>
      <div class="scroll">
        ${one ? this.#facts(one) : nothing} ${this.#channels(act)} ${this.#messages(act)}
      </div>
    `;
  }

  #facts(one) {
    const rows = [
      ["", this.about?.description || one.about],
      ["detail", one.detail],
      ["task", one.task && `${one.task.message} for ${one.task.sender}, ${one.task.text}`],
      ["last word", `${duration(this.store.ageOf(this.name))} ago`],
      ["runs", one.host && `on ${one.host}, pid ${one.pid}${one.version ? `, version ${one.version}` : ""}`],
      ["state since", one.since && `${clock(one.since)}, ${duration(this.store.wall - one.since)} ago`],
      ["dropped", one.dropped && `${one.dropped} measurements`],
    ];
    return html`<dl class="facts">
      ${rows.filter(([, told]) => told).map(([word, told]) => html`<dt>${word}</dt><dd>${told}</dd>`)}
    </dl>`;
  }

  #channels(act) {
    const values = [...this.store.values.channels].sort(([a], [b]) => a.localeCompare(b));
    if (!values.length) return nothing;
    return html`<h3>Channels <small class="dim">click to plot</small></h3>
      <table class="channels"><tbody>
        ${values.map(([channel, [news, value, quality]]) => this.#channel(channel, news, value, quality, act))}
      </tbody></table>`;
  }

  #channel(channel, news, value, quality, act) {
    const unit = this.about?.channels[channel]?.unit ?? "";
    const parts = value !== null && typeof value === "object" ? Object.entries(value) : [["", value]];
    const age = news === null ? Infinity : this.store.mono - news;
    return parts.map(([field, part], i) => {
      const series = `${this.name}/${channel}${field ? `.${field}` : ""}`;
      const isNumber = typeof part === "number" || typeof part === "boolean";
      return html`<tr>
        <th scope="row">${isNumber
          ? html`<button class="series" aria-pressed=${act.isPlotted(series)} @click=${() => act.togglePlot(series)}>
              ${channel}${field ? `.${field}` : ""}</button>`
          : html`${channel}${field ? `.${field}` : ""}`}</th>
        <td class="num">${shown(part)}</td><td class="dim">${unit}</td>
        <td class="age ${age > 30 ? "old" : ""}">${i ? "" : duration(age)}${quality === "good" || i ? "" : ` ${quality}`}</td>
      </tr>`;
    });
  }

  #messages(act) {
    const heading = html`<h3>Messages</h3>`;
    if (this.trouble) return html`${heading}<p class="note">${this.trouble}</p>`;
    if (!this.about) return html`${heading}<p class="note">asking …</p>`;
    const isOpen = this.store.mayCommand;
    const isLast = (name) => (name === TWICE ? 1 : 0);
    const messages = Object.entries(this.about.messages).sort(
      ([a, one], [b, other]) => isLast(a) - isLast(b) || other.urgent - one.urgent || a.localeCompare(b),
    );
    return html`${heading}
      ${isOpen ? nothing : html`<p class="note">Read-only. ${this.store.me.asks_for
        ? html`<button @click=${act.login}>log in to command</button>`
        : this.store.me.name ? "Your role only looks." : "Commanding by this page needs people, or a dashboard_token."}</p>`}
      ${messages.map(([name, message]) =>
        form(name, message, {
          isOpen,
          label: this.isAsked && name === TWICE ? `really send ${name}?` : `send ${name}`,
          fate: this.#fate(name),
          onSend: (element, schema) => this.#send(name, element, schema),
        }),
      )}`;
  }
}
