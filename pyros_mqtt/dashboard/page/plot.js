// One plot: a series with its history, its live values, and a cursor that all plots share.

import uPlot from "./vendor/uplot/uPlot.esm.js";
import { ask } from "./door.js";
import { number } from "./words.js";

const MOST = 6000; // points kept before they are asked for anew, thinned
const GAP = 15; // seconds without a value that are shown as a gap, where they are unusual

const two = (n) => String(n).padStart(2, "0");

function colour(word) {
  return getComputedStyle(document.documentElement).getPropertyValue(word).trim();
}

function hours(_, splits, __, ___, step) {
  return splits.map((t) => {
    const d = new Date(t * 1000);
    const short = `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}`;
    return step < 60 ? `${short}:${two(d.getUTCSeconds())}` : short;
  });
}

// As many decimals as the steps between two lines have.
function decimals(_, splits, __, ___, step) {
  const digits = Math.max(0, Math.min(6, Math.ceil(-Math.log10(step) - 1e-9)));
  return splits.map((v) => (Math.abs(v) >= 1e6 ? v.toExponential(1) : v.toFixed(digits)));
}

export class Plot {
  constructor(series, key, onCursor) {
    this.series = series;
    this.unit = "";
    this.description = "";
    this.trouble = "";
    this.times = [];
    this.values = [];
    this.isDirty = true;
    this.isLoading = false;
    this.span = 0;
    this.element = document.createElement("div");
    this.element.className = "canvas";
    this.u = new uPlot(this.#options(key, onCursor), [[], []], this.element);
    this.size = new ResizeObserver(() => this.#fit());
    this.size.observe(this.element);
  }

  #options(key, onCursor) {
    const axis = {
      stroke: () => colour("--dim"),
      font: "11px system-ui, sans-serif",
      grid: { stroke: () => colour("--grid"), width: 1 },
      ticks: { show: false },
    };
    return {
      width: 300,
      height: 100,
      padding: [6, 8, 0, 0],
      legend: { show: false },
      cursor: {
        sync: { key, scales: ["x", null] },
        drag: { x: false, y: false },
        points: { size: 6 },
        y: false,
      },
      scales: { x: { time: false }, y: { range: (_, low, high) => range(low, high) } },
      axes: [
        { ...axis, size: 20, gap: 2, space: 70, values: hours, incrs: STEPS },
        { ...axis, size: 46, gap: 4, space: 24, values: decimals, incrs: EVEN },
      ],
      series: [
        {},
        { stroke: () => colour("--line"), width: 1.4, points: { show: false }, spanGaps: false },
      ],
      hooks: { setCursor: [(u) => onCursor(u.cursor.left >= 0 ? u.posToVal(u.cursor.left, "x") : null)] },
    };
  }

  /** Ask for what was before; live values that have come meanwhile stay. */
  async load(span) {
    this.span = span;
    if (this.isLoading) return;
    this.isLoading = true;
    try {
      const told = await ask("history", { series: this.series, span, points: 1200 });
      this.unit = told.unit;
      this.description = told.description;
      const last = told.t.at(-1) ?? -Infinity;
      const from = this.times.findIndex((t) => t > last);
      const fresh = from < 0 ? [[], []] : [this.times.slice(from), this.values.slice(from)];
      this.times = [...told.t, ...fresh[0]];
      this.values = [...told.v, ...fresh[1]];
      this.trouble = "";
    } catch (error) {
      this.trouble = error.message;
    }
    this.isLoading = false;
    this.isDirty = true;
    if (span !== this.span) await this.load(this.span);
  }

  add(times, values) {
    for (let i = 0; i < times.length; i++) {
      if (times[i] <= (this.times.at(-1) ?? -Infinity)) continue; // late ones come with the history
      this.times.push(times[i]);
      this.values.push(values[i]);
    }
    this.isDirty = true;
    if (this.times.length > 2 * MOST) {
      this.times.splice(0, MOST);
      this.values.splice(0, MOST);
    } else if (this.times.length > MOST && !this.isLoading) {
      this.load(this.span); // thinned by the server, so that a long plot keeps its beginning
    }
  }

  /** Draw, with the right edge at `end` (POSIX seconds). */
  draw(end, span) {
    const from = Math.max(0, this.times.findIndex((t) => t >= end - span) - 1);
    this.u.batch(() => {
      if (this.isDirty) this.u.setData(withGaps(this.times.slice(from), this.values.slice(from)), false);
      this.u.setScale("x", { min: end - span, max: end });
    });
    this.isDirty = false;
  }

  /** Draw with the colours of the mode as it is now. */
  recolour() {
    this.u.redraw(false, true);
  }

  /** What stands at the cursor, or the latest value, as text; and when that was. */
  readout(moment) {
    let i = this.times.length - 1;
    if (moment !== null) {
      i = nearest(this.times, moment);
      if (i >= 0 && Math.abs(this.times[i] - moment) > GAP * 4) i = -1;
    }
    return i < 0 ? { text: "–", time: null } : { text: number(this.values[i]), time: this.times[i] };
  }

  /** Let the cursor stand at a moment; null: nowhere. */
  place(moment) {
    const left = moment === null ? -10 : this.u.valToPos(moment, "x");
    this.u.setCursor({ left, top: left < 0 ? -10 : 10 }, false, false);
  }

  #fit() {
    const { clientWidth: width, clientHeight: height } = this.element;
    if (width > 20 && height > 20) this.u.setSize({ width, height });
  }

  end() {
    this.size.disconnect();
    this.u.destroy();
  }
}

const EVEN = Array.from({ length: 24 }, (_, n) => [1, 2, 5].map((d) => d * 10 ** (n - 12))).flat();
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];

function range(low, high) {
  if (low === null || low === undefined) return [0, 1];
  const pad = (high - low) * 0.08 || Math.abs(high) * 0.02 || 1;
  return [low - pad, high + pad];
}

function nearest(times, moment) {
  let low = 0;
  let high = times.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] < moment) low = middle + 1;
    else high = middle;
  }
  return low > 0 && moment - times[low - 1] < times[low] - moment ? low - 1 : low;
}

function withGaps(times, values) {
  const steps = times.slice(1).map((t, i) => t - times[i]);
  const usual = [...steps].sort((a, b) => a - b)[steps.length >> 1] ?? 0;
  const limit = Math.max(GAP, 5 * usual);
  const x = [];
  const y = [];
  for (let i = 0; i < times.length; i++) {
    if (i && steps[i - 1] > limit) {
      x.push(times[i - 1] + limit / 2);
      y.push(null);
    }
    x.push(times[i]);
    y.push(values[i]);
  }
  return [x, y];
}
