// The last images, as far as their files can be read where the server runs.

import { html, repeat } from "./lit.js";
import { clock } from "./words.js";

function caption(one) {
  const words = [one.object, one.filter, one.seconds && `${one.seconds} s`, one.kind !== "light" && one.kind];
  return words.filter(Boolean).join(" · ") || one.name;
}

function card([key, one], ui, act) {
  return html`<li>
    ${one.trouble || ui.noImage.has(key)
      ? html`<p class="nopicture">${one.trouble || "no preview"}</p>`
      : html`<button class="picture" title=${one.name} @click=${() => act.showImage(key, one, caption(one))}>
          <img src="api/images/${key}.png" alt="image of ${caption(one)}" loading="lazy"
            @error=${() => act.noImage(key)} /></button>`}
    <p><span class="time">${clock(one.at)}</span> ${caption(one)}</p>
  </li>`;
}

export function images(store, ui, act) {
  const rows = [...store.images].sort(([, a], [, b]) => b.at - a.at);
  return html`
    <div class="title"><h2>Last images</h2><span class="dim">${rows[0]?.[1].agent ?? ""}</span></div>
    ${rows.length
      ? html`<ul class="scroll">${repeat(rows, ([key]) => key, (one) => card(one, ui, act))}</ul>`
      : html`<p class="note">No image has been reported yet.</p>`}
  `;
}
