// The sky as one sees it lying on one's back: north up, east to the left, the horizon around.

import { html, nothing, svg } from "./lit.js";
import { moonAt, sunAt, targetAt, twilight } from "./astro.js";
import { duration } from "./words.js";

const R = 100;
const OLD = 30; // seconds after which a position is no longer where the telescope points

function place({ alt, az }) {
  const r = (R * (90 - alt)) / 90;
  const a = (az * Math.PI) / 180;
  return { x: -r * Math.sin(a), y: -r * Math.cos(a) };
}

// The targets, the newest first; a place that a command had no name for only where nobody names it.
function named(targets) {
  const all = [...targets].toReversed();
  const isNear = (a, b) => Math.abs(a.dec - b.dec) < 0.1 && Math.abs(a.ra - b.ra) < 0.1;
  return all.filter(
    ([name, one]) => !name.includes(": ") || !all.some(([other, it]) => other !== name && isNear(one, it)),
  );
}

const degrees = (value) => `${value < 0 ? "−" : ""}${Math.abs(value).toFixed(1)}°`;

/** Everything that stands in the sky now. */
export function bodies(store) {
  const site = store.hello?.site;
  const time = store.skyTime;
  const found = [];
  if (site) {
    const sun = sunAt(time, site);
    const moon = moonAt(time, site);
    found.push({ kind: "sun", name: "Sun", ...sun, note: twilight(sun.alt) });
    found.push({ kind: "moon", name: "Moon", ...moon, note: `${Math.round(moon.lit * 100)} % lit` });
    for (const [name, one] of named(store.targets)) {
      found.push({ kind: "target", name, ...targetAt(one, time, site), note: "" });
    }
  }
  for (const [name, one] of store.pointings) {
    const age = one.news === null ? Infinity : store.mono - one.news;
    const isOld = age > OLD;
    const note = isOld ? (Number.isFinite(age) ? `${duration(age)} old` : "of unknown age") : one.state;
    found.push({ kind: "scope", name: name.split("/")[0], alt: one.alt, az: one.az, note, isOld });
  }
  return found;
}

// Where a name finds room beside its mark; where it finds none, the table below has it.
function labelled(found) {
  const taken = found.map((one) => {
    const { x, y } = place(one);
    return [x - 4, y + 4, 8];
  });
  return found.map((one) => {
    const { x, y } = place(one);
    const name = one.name.slice(0, 16);
    const width = name.length * 4.6;
    const places = [[x + 6, y - 4], [x + 6, y + 9], [x - 6 - width, y - 4], [x - 6 - width, y + 9]];
    const isFree = ([left, bottom]) =>
      left > -112 && left + width < 112
      && taken.every(([a, b, w]) => left + width < a || a + w < left || Math.abs(bottom - b) > 8);
    const spot = one.kind === "scope" ? undefined : places.find(isFree);
    if (spot) taken.push([...spot, width]);
    return { ...one, x, y, label: spot ? svg`<text x=${spot[0]} y=${spot[1]} class="label">${name}</text>` : nothing };
  });
}

function mark({ kind, x, y, label, isOld }) {
  if (kind === "sun") return svg`<g class="sun"><circle cx=${x} cy=${y} r="5.5"></circle><circle cx=${x} cy=${y} r="1.2" class="fill"></circle>${label}</g>`;
  if (kind === "moon") {
    return svg`<g class="moon"><path d="M${x - 1},${y - 5.5} a5.5,5.5 0 1 0 5,8 a5,5 0 0 1 -5,-8z"></path>${label}</g>`;
  }
  if (kind === "target") {
    return svg`<g class="target"><path d="M${x},${y - 3.4}l3.4,3.4l-3.4,3.4l-3.4,-3.4z"></path>${label}</g>`;
  }
  return svg`<g class=${isOld ? "scope faded" : "scope"}><circle cx=${x} cy=${y} r="7"></circle>
    <path d="M${x - 12},${y}h8M${x + 4},${y}h8M${x},${y - 12}v8M${x},${y + 4}v8"></path></g>`;
}

function line(one) {
  const glyph = { sun: "☉", moon: "☾", target: "◇", scope: "◎" }[one.kind];
  return html`<tr class=${one.kind}>
    <td aria-hidden="true">${glyph}</td><th scope="row">${one.name}</th>
    <td class="num ${one.alt < 0 ? "dim" : ""}">${degrees(one.alt)}</td>
    <td class="num">${degrees(one.az)}</td><td class=${one.isOld ? "old" : "dim"}>${one.note}</td></tr>`;
}

export function sky(store) {
  const found = bodies(store);
  const up = found.filter((one) => one.alt >= 0);
  const site = store.hello?.site;
  const order = { scope: 0, sun: 1, moon: 2, target: 3 };
  const rows = [...found].sort((a, b) => order[a.kind] - order[b.kind] || b.alt - a.alt);
  return html`
    <div class="title"><h2>Sky</h2><span class="dim">${site?.name || ""}</span></div>
    <svg class="dome" viewBox="-114 -112 228 224" role="img"
      aria-label="map of the sky; the table below it says the same">
      <circle r=${R} class="horizon"></circle>
      <circle r=${(R * 60) / 90} class="ring"></circle><circle r=${(R * 30) / 90} class="ring"></circle>
      <path d="M0,-100V100M-100,0H100" class="ring"></path>
      <text x="0" y="-103" class="cardinal">N</text><text x="0" y="111" class="cardinal">S</text>
      <text x="-107" y="3.5" class="cardinal">E</text><text x="107" y="3.5" class="cardinal">W</text>
      <text x="2" y="-62" class="ringtext">30°</text><text x="2" y="-29" class="ringtext">60°</text>
      ${labelled(up).map(mark)}
    </svg>
    <div class="scroll"><table class="bodies">
      <thead><tr><th></th><th></th><th class="num">alt</th><th class="num">az</th><th></th></tr></thead>
      <tbody>${rows.map(line)}</tbody></table></div>
    ${site || !store.heard ? nothing : html`<p class="note">No <code>[observatory.site]</code> is in this
      machine's settings: Sun, Moon and targets are not placed.</p>`}
  `;
}
