// Where things stand, to a tenth of a degree (the Moon to half a degree): enough for a map of the sky.
// Angles are degrees, times POSIX seconds, UTC; azimuth counts from north through east.
// Sources: the Astronomical Almanac's low-precision formulae for Sun and Moon; Meeus, Astronomical
// Algorithms, chapters 12, 13, 21.

const RAD = Math.PI / 180;
const sin = (a) => Math.sin(a * RAD);
const cos = (a) => Math.cos(a * RAD);
const turn = (a) => ((a % 360) + 360) % 360;
const days = (t) => (t - 946728000) / 86400; // since J2000.0

/** Greenwich mean sidereal time. */
export function sidereal(t) {
  return turn(280.46061837 + 360.98564736629 * days(t));
}

function obliquity(t) {
  return 23.4393 - 3.563e-7 * days(t);
}

function equatorial(longitude, latitude, t) {
  const e = obliquity(t);
  const x = cos(latitude) * cos(longitude);
  const y = cos(e) * cos(latitude) * sin(longitude) - sin(e) * sin(latitude);
  const z = sin(e) * cos(latitude) * sin(longitude) + cos(e) * sin(latitude);
  return { ra: turn(Math.atan2(y, x) / RAD), dec: Math.asin(z) / RAD };
}

/** The Sun, equinox of date. */
export function sun(t) {
  const d = days(t);
  const g = turn(357.528 + 0.9856003 * d);
  const l = 280.46 + 0.9856474 * d + 1.915 * sin(g) + 0.02 * sin(2 * g);
  return { ...equatorial(l, 0, t), longitude: turn(l) };
}

/** The Moon seen from the Earth's centre, equinox of date, with its parallax and lit fraction. */
export function moon(t) {
  const c = days(t) / 36525;
  const l =
    218.32 + 481267.881 * c + 6.29 * sin(135.0 + 477198.87 * c) - 1.27 * sin(259.3 - 413335.36 * c)
    + 0.66 * sin(235.7 + 890534.22 * c) + 0.21 * sin(269.9 + 954397.74 * c)
    - 0.19 * sin(357.5 + 35999.05 * c) - 0.11 * sin(186.5 + 966404.03 * c);
  const b =
    5.13 * sin(93.3 + 483202.02 * c) + 0.28 * sin(228.2 + 960400.89 * c)
    - 0.28 * sin(318.3 + 6003.15 * c) - 0.17 * sin(217.6 - 407332.21 * c);
  const parallax =
    0.9508 + 0.0518 * cos(135.0 + 477198.87 * c) + 0.0095 * cos(259.3 - 413335.36 * c)
    + 0.0078 * cos(235.7 + 890534.22 * c) + 0.0028 * cos(269.9 + 954397.74 * c);
  const elongation = Math.acos(cos(b) * cos(l - sun(t).longitude)) / RAD;
  return { ...equatorial(l, b, t), parallax, lit: (1 - cos(elongation)) / 2 };
}

/** An ICRS direction at the equinox of date. */
export function precessed({ ra, dec }, t) {
  const c = days(t) / 36525;
  const zeta = 0.6406161 * c + 0.0000839 * c * c;
  const z = 0.6406161 * c + 0.0003041 * c * c;
  const theta = 0.556753 * c - 0.0001185 * c * c;
  const a = cos(dec) * sin(ra + zeta);
  const b = cos(theta) * cos(dec) * cos(ra + zeta) - sin(theta) * sin(dec);
  const d = sin(theta) * cos(dec) * cos(ra + zeta) + cos(theta) * sin(dec);
  return { ra: turn(Math.atan2(a, b) / RAD + z), dec: Math.asin(Math.min(1, Math.max(-1, d))) / RAD };
}

/** Altitude and azimuth of a direction of date, without refraction. */
export function horizontal({ ra, dec }, t, site) {
  const h = sidereal(t) + site.longitude - ra;
  const f = site.latitude;
  const up = sin(f) * sin(dec) + cos(f) * cos(dec) * cos(h);
  const az = Math.atan2(-cos(dec) * sin(h), cos(f) * sin(dec) - sin(f) * cos(dec) * cos(h)) / RAD;
  return { alt: Math.asin(Math.min(1, Math.max(-1, up))) / RAD, az: turn(az) };
}

/** Where the Sun stands above a site. */
export function sunAt(t, site) {
  return horizontal(sun(t), t, site);
}

/** Where the Moon stands above a site, parallax taken off, and how much of it is lit. */
export function moonAt(t, site) {
  const body = moon(t);
  const { alt, az } = horizontal(body, t, site);
  return { alt: alt - body.parallax * cos(alt), az, lit: body.lit };
}

/** Where an ICRS direction stands above a site. */
export function targetAt(place, t, site) {
  return horizontal(precessed(place, t), t, site);
}

/** What the Sun's altitude makes of the hour. */
export function twilight(alt) {
  if (alt > -0.833) return "day";
  if (alt > -6) return "civil twilight";
  if (alt > -12) return "nautical twilight";
  return alt > -18 ? "astronomical twilight" : "night";
}
