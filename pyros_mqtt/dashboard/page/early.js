// Opens the live connection while the rest of the page is still being fetched: a first view is sooner
// there by a tenth of a second.

/** Where the server tells everything. */
export function place() {
  const found = new URL("api/live", document.baseURI);
  found.protocol = found.protocol === "https:" ? "wss:" : "ws:";
  return found;
}

const heard = [];
const keep = (event) => heard.push(event.data);
let socket = new WebSocket(place());
let refusal = "";
socket.addEventListener("message", keep);
socket.addEventListener("close", (event) => { refusal = event.reason; });

/** The early connection and what it has said so far; once, and null from then on. */
export function takeOver() {
  const taken = socket;
  socket = null;
  taken?.removeEventListener("message", keep);
  return taken;
}

/** Why the early connection has ended, as far as the server said. */
export function refused() {
  return refusal;
}

export { heard };
