// How things are written: shapes for states, so that nothing depends on colour, times and numbers.

export const STATES = {
  fault: { glyph: "■", rank: 0, tone: "bad" },
  lost: { glyph: "✕", rank: 1, tone: "bad" },
  silent: { glyph: "◌", rank: 2, tone: "bad" },
  degraded: { glyph: "▲", rank: 3, tone: "warn" },
  starting: { glyph: "◔", rank: 4, tone: "busy" },
  stopping: { glyph: "◕", rank: 5, tone: "busy" },
  busy: { glyph: "▶", rank: 6, tone: "busy" },
  ready: { glyph: "●", rank: 7, tone: "ok" },
  stopped: { glyph: "○", rank: 8, tone: "dim" },
  unknown: { glyph: "?", rank: 9, tone: "dim" },
};

export const OUTCOMES = {
  sent: { glyph: "›", tone: "dim" },
  accepted: { glyph: "✓", tone: "dim" },
  running: { glyph: "▶", tone: "busy" },
  done: { glyph: "●", tone: "ok" },
  failed: { glyph: "■", tone: "bad" },
  rejected: { glyph: "✕", tone: "bad" },
  interrupted: { glyph: "✕", tone: "bad" },
  expired: { glyph: "▲", tone: "warn" },
  cancelled: { glyph: "▲", tone: "warn" },
  unknown: { glyph: "?", tone: "bad" },
};

export const SEVERITIES = { critical: "!!!", serious: "!!", warning: "!" };

export function stateOf(word) {
  return STATES[word] ?? STATES.unknown;
}

/** Seconds as people say them: `0.4 s`, `12 s`, `3 min`, `5 h`, `2 d`. */
export function duration(seconds) {
  if (seconds == null || !Number.isFinite(seconds)) return "–";
  const s = Math.max(0, seconds);
  if (s < 120) return `${Math.floor(s)} s`;
  if (s < 7200) return `${Math.floor(s / 60)} min`;
  if (s < 172800) return `${Math.floor(s / 3600)} h`;
  return `${Math.floor(s / 86400)} d`;
}

const two = (n) => String(n).padStart(2, "0");

/** POSIX seconds as `20:14:03`, UTC. */
export function clock(seconds) {
  if (seconds == null || !Number.isFinite(seconds)) return "–";
  const d = new Date(seconds * 1000);
  return `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())}`;
}

/** POSIX seconds as `2026-11-22`, UTC. */
export function day(seconds) {
  return new Date(seconds * 1000).toISOString().slice(0, 10);
}

/** A moment as `20:14:03`, with its day where that is not the day of `now`. */
export function dated(seconds, now) {
  if (!Number.isFinite(seconds) || Math.abs(seconds) > 8.64e12) return "–"; // no Date beyond
  return day(seconds) === day(now) ? clock(seconds) : `${day(seconds)} ${clock(seconds)}`;
}

/** A number with as many digits as say something. */
export function number(value) {
  if (typeof value !== "number" || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e6 || size < 1e-3)) return value.toExponential(2);
  if (Number.isInteger(value)) return String(value);
  return value.toFixed(size >= 1000 ? 1 : size >= 100 ? 2 : size >= 1 ? 2 : 3);
}

/** Any value of a channel, as text. */
export function shown(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "number") return number(value);
  if (typeof value === "boolean") return value ? "yes" : "no";
  return String(value);
}
