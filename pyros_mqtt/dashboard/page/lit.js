// The few names of lit-html that the page uses. Its templates are constants; whatever comes from the
// bus is put in as text, never as markup.
export { html, svg, nothing, render } from "./vendor/lit-html/lit-html.js";
export { repeat } from "./vendor/lit-html/directives/repeat.js";
export { live } from "./vendor/lit-html/directives/live.js";
