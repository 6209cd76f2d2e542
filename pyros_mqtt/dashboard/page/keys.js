// The keyboard: every key works without the mouse, and none of them moves anything in the dome.

const PANELS = ["alarms", "fleet", "plots", "stream", "sky", "images"];

export function listen(act, dialogs) {
  const keys = {
    "?": act.help,
    n: act.nextMode,
    l: act.login,
    c: act.choosePlots,
    p: act.pause,
    a: act.firstAlarm,
    j: () => act.move(1),
    k: () => act.move(-1),
    ArrowDown: () => act.move(1),
    ArrowUp: () => act.move(-1),
    ArrowLeft: () => act.cursor(-1),
    ArrowRight: () => act.cursor(1),
    "+": () => act.span(1),
    "=": () => act.span(1),
    "-": () => act.span(-1),
    "/": () => act.focus("filter"),
    f: () => act.focus("stream-filter"),
    Enter: act.openPicked,
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || dialogs.isOpen) return;
    const isTyping = event.target.closest("input, select, textarea");
    if (event.key === "Escape") {
      act.escape(event.target);
      return;
    }
    if (isTyping || (event.key === "Enter" && event.target.closest("button, a"))) return;
    const panel = PANELS[Number(event.key) - 1];
    const key = panel ? () => act.panel(panel) : keys[event.key];
    if (!key) return;
    event.preventDefault();
    key();
  });
}

export { PANELS };
