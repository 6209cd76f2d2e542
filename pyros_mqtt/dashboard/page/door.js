// Questions and orders to the server; every order carries the session's token.

/** Ask for name and password, on a page of its own. */
export function goToLogin() {
  location.assign(new URL("login", document.baseURI));
}

async function answered(response) {
  const body = await response.json().catch(() => ({}));
  if (response.status === 401) goToLogin();
  if (!response.ok) throw new Error(body.error ?? `the server answers ${response.status}`);
  return body;
}

/** Ask for something. */
export async function ask(path, query = {}) {
  const place = new URL(`api/${path}`, document.baseURI);
  for (const [key, value] of Object.entries(query)) place.searchParams.set(key, value);
  return answered(await fetch(place, { cache: "no-store" }));
}

/** Tell the server to do something. */
export async function tell(path, body, csrf = "") {
  return answered(
    await fetch(new URL(`api/${path}`, document.baseURI), {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf },
      body: JSON.stringify(body),
    }),
  );
}
