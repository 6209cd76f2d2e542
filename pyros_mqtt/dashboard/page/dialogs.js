// What comes up over the page: keys, log-in, the choice of plots, an image.

import { html, nothing, render } from "./lit.js";
import { ask, tell } from "./door.js";

const KEYS = [
  ["1 … 6", "alarms, fleet, plots, stream, sky, images"],
  ["j k  ↓ ↑", "down and up in the fleet"],
  ["Enter", "open the agent; Esc closes it"],
  ["/   f", "filter the fleet; filter commands and reports"],
  ["p", "hold commands and reports still"],
  ["← →", "move the cursor of the plots; Esc takes it away"],
  ["− +", "shorter, longer plots"],
  ["c", "choose what is plotted"],
  ["a", "go to the first alarm to acknowledge"],
  ["n", "day, dusk, night"],
  ["l", "log in to command"],
  ["?", "this"],
];

export class Dialogs {
  constructor(element) {
    this.element = element;
    element.addEventListener("click", (event) => event.target === element && element.close());
  }

  get isOpen() {
    return this.element.open;
  }

  #show(content) {
    render(content, this.element);
    if (!this.element.open) this.element.showModal();
  }

  #titled(title, content) {
    return html`<div class="title"><h2>${title}</h2><span class="grow"></span>
      <button @click=${() => this.element.close()} aria-label="close" title="close (Esc)">✕</button></div>${content}`;
  }

  keys() {
    this.#show(this.#titled("Keys", html`<table class="keys"><tbody>
      ${KEYS.map(([key, told]) => html`<tr><th scope="row"><kbd>${key}</kbd></th><td>${told}</td></tr>`)}</tbody></table>`));
  }

  image(key, one, caption) {
    this.#show(this.#titled(caption, html`<img class="large" src="api/images/${key}.png" alt="image of ${caption}" />
      <p class="dim">${one.name}</p>`));
  }

  /** Ask for name and token; resolves with who it is then. */
  login(onDone, trouble = "") {
    const send = async (event) => {
      event.preventDefault();
      const { name, token } = event.target.elements;
      try {
        const me = await tell("login", { name: name.value, token: token.value });
        this.element.close();
        onDone(me);
      } catch (error) {
        this.login(onDone, error.message);
      }
      token.value = "";
    };
    this.#show(this.#titled("Log in to command", html`<form class="login" novalidate @submit=${send}>
      <label><span>your name</span><input name="name" required maxlength="50" autocomplete="username" autofocus
        pattern="[a-zA-Z0-9][a-zA-Z0-9_\\-]*" title="letters, digits, - and _" /></label>
      <label><span>the dashboard's token</span><input name="token" type="password" required autocomplete="current-password" /></label>
      <p class="dim">Agents see your commands as <code>dashboard-NAME</code>.</p>
      ${trouble ? html`<p class="tone-bad" role="alert">✕ ${trouble}</p>` : nothing}
      <button type="submit">log in</button></form>`));
  }

  /** Choose series; `plots` keeps them. */
  async choosePlots(plots, word = "") {
    let found = { series: [], count: 0 };
    try {
      found = await ask("series", { q: word });
    } catch (error) {
      found.trouble = error.message;
    }
    const more = found.count - found.series.length;
    this.#show(this.#titled("What is plotted", html`
      <input type="search" class="search" placeholder="filter: weather wind" aria-label="filter the series" autofocus
        .value=${word} @input=${(event) => this.choosePlots(plots, event.target.value)} />
      ${found.trouble ? html`<p class="tone-bad">${found.trouble}</p>` : nothing}
      <ul class="choices">${found.series.map((name) => html`<li><label><input type="checkbox"
        .checked=${plots.isPlotted(name)} @change=${() => plots.toggle(name)} /> ${name}</label></li>`)}</ul>
      ${more > 0 ? html`<p class="dim">and ${more} more: narrow it down</p>` : nothing}`));
  }
}
