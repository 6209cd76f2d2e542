// Day, dusk or night: as this browser was left, else as its system is.

export const MODES = ["day", "dusk", "night"];

export function leftIn() {
  const mode = localStorage.getItem("pyros-mode");
  if (MODES.includes(mode)) return mode;
  return matchMedia("(prefers-color-scheme: light)").matches ? "day" : "dusk";
}

document.documentElement.dataset.mode = leftIn();
