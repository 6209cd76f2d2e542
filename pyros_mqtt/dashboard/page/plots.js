// All plots: which, over how long, and their one cursor.

import { html, nothing, repeat } from "./lit.js";
import { ask } from "./door.js";
import { Plot } from "./plot.js";
import { clock, duration } from "./words.js";

const KEY = "pyros";
const SPANS = [300, 900, 3600, 6 * 3600, 12 * 3600];
const KEPT = "pyros-plots";
const FIRST = 6;

// What an operator looks for first, where nothing has been chosen yet.
const FAVOURITES = [
  "conditions.temperature", "conditions.humidity", "conditions.wind", "pointing.alt", "conditions.cloud",
  "camera/temperature", "pointing.airmass", "dome/azimuth", "temperature", "humidity", "wind", "seeing",
];

export class Plots {
  constructor(store, live, redraw) {
    this.store = store;
    this.live = live;
    this.redraw = redraw;
    this.plots = new Map();
    this.span = 900;
    this.moment = null;
    this.isChosen = false;
    this.painted = { end: 0, span: 0 };
    this.#recall();
    store.onSamples = (samples) => this.#take(samples);
  }

  #recall() {
    try {
      const { series, span } = JSON.parse(localStorage.getItem(KEPT) ?? "{}");
      if (SPANS.includes(span)) this.span = span;
      if (Array.isArray(series)) {
        this.isChosen = true;
        this.#set(series.map(String).slice(0, 24));
      }
    } catch {
      localStorage.removeItem(KEPT);
    }
  }

  #keep() {
    this.isChosen = true;
    localStorage.setItem(KEPT, JSON.stringify({ series: [...this.plots.keys()], span: this.span }));
  }

  /** After each connection: what was missed is history by now. */
  async refresh() {
    this.live.plot([...this.plots.keys()]);
    await Promise.all([...this.plots.values()].map((one) => one.load(this.span)));
    this.redraw();
  }

  /** Where nobody has chosen, choose; there may be little to choose from yet, and more later. */
  async suggest() {
    if (this.isChosen || this.plots.size >= FIRST) return;
    const { first } = await ask("series");
    const liked = FAVOURITES.map((word) => first.find((name) => name.endsWith(word))).filter(Boolean);
    const wanted = [...new Set([...this.plots.keys(), ...liked, ...first])].slice(0, FIRST);
    const more = wanted.filter((name) => !this.plots.has(name));
    if (more.length && !this.isChosen) await this.#add(more);
  }

  isPlotted(series) {
    return this.plots.has(series);
  }

  async toggle(series) {
    if (this.plots.has(series)) this.#remove(series);
    else await this.#add([series]);
    this.#keep();
    this.redraw();
  }

  async #add(names) {
    this.#set([...this.plots.keys(), ...names]);
    this.live.plot([...this.plots.keys()]);
    await Promise.all(names.map((name) => this.plots.get(name)?.load(this.span)));
    this.redraw();
  }

  #set(names) {
    for (const name of names) {
      if (!this.plots.has(name)) this.plots.set(name, new Plot(name, KEY, (moment) => this.#cursor(moment)));
    }
  }

  #remove(series) {
    this.plots.get(series)?.end();
    this.plots.delete(series);
    this.live.plot([...this.plots.keys()]);
  }

  #cursor(moment) {
    const isSame = moment === null || this.moment === null
      ? moment === this.moment
      : Math.abs(moment - this.moment) < this.span / 3000;
    if (isSame) return;
    this.moment = moment;
    this.redraw();
  }

  #take(samples) {
    for (const [series, [times, values]] of Object.entries(samples)) this.plots.get(series)?.add(times, values);
  }

  async setSpan(step) {
    const at = SPANS.indexOf(this.span) + step;
    if (at < 0 || at >= SPANS.length) return;
    await this.#spanOf(SPANS[at]);
  }

  async #spanOf(span) {
    this.span = span;
    if (this.isChosen) this.#keep();
    this.redraw();
    await Promise.all([...this.plots.values()].map((one) => one.load(this.span)));
    this.paint();
  }

  moveCursor(steps) {
    const end = this.store.wall;
    const moment = (this.moment ?? end) + (steps * this.span) / 150;
    this.#stand(Math.min(Math.max(moment, end - this.span), end));
  }

  hideCursor() {
    if (this.moment !== null) this.#stand(null);
  }

  #stand(moment) {
    this.moment = moment;
    for (const one of this.plots.values()) one.place(moment);
    this.redraw();
  }

  /** Draw the curves; the frame around them is `draw`. */
  paint() {
    const end = Math.ceil(this.store.wall);
    const isNew = end !== this.painted.end || this.span !== this.painted.span;
    this.painted = { end, span: this.span };
    for (const one of this.plots.values()) {
      if (!isNew && !one.isDirty) continue;
      one.draw(end, this.span);
      if (this.moment !== null) one.place(this.moment); // it stands in time, not on the screen
    }
  }

  recolour() {
    for (const one of this.plots.values()) one.recolour();
  }

  draw(act) {
    return html`
      <div class="title">
        <h2>Plots</h2>
        <div class="choice" role="group" aria-label="how long">
          ${SPANS.map((span) => html`<button aria-pressed=${this.span === span} @click=${() => this.#spanOf(span)}>
            ${span < 3600 ? `${span / 60} min` : `${span / 3600} h`}</button>`)}
        </div>
        <span class="cursor">${this.moment === null ? "" : html`at ${clock(this.moment)} UTC`}</span>
        <span class="grow"></span>
        <button @click=${act.choosePlots} title="choose what is plotted (+)">+ plot</button>
      </div>
      <div class="scroll grid">
        ${repeat(this.plots.values(), (one) => one.series, (one) => this.#cell(one))}
        ${this.plots.size ? nothing : html`<p class="note">Nothing is plotted. + plot chooses.</p>`}
      </div>
    `;
  }

  #cell(one) {
    const { text, time } = one.readout(this.moment);
    const age = time === null ? NaN : this.store.wall - time;
    const isOld = this.moment === null && age > 30;
    return html`<figure>
      <figcaption title=${one.description}>
        <span class="name">${one.series}</span>
        <b class=${isOld ? "old" : ""}>${text} <small>${one.unit}</small></b>
        ${isOld ? html`<span class="old">${duration(age)} old</span>` : nothing}
        ${one.trouble ? html`<span class="tone-bad">${one.trouble}</span>` : nothing}
        <button class="remove" aria-label="remove ${one.series}" title="remove" @click=${() => this.toggle(one.series)}>✕</button>
      </figcaption>
      ${one.element}
    </figure>`;
  }
}
