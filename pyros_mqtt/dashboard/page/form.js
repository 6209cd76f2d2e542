// A form for a message, out of the JSON Schema of its arguments.

import { html, nothing } from "./lit.js";

/** Follow a reference into the schema's own definitions; of a choice with null, the other one. */
export function resolved(one, root) {
  const name = String(one.$ref ?? "").replace("#/$defs/", "");
  const whole = name && root.$defs?.[name] ? { ...root.$defs[name], ...one } : one;
  const ways = (whole.anyOf ?? whole.oneOf)?.filter((way) => way.type !== "null");
  return ways?.length === 1 ? { ...whole, ...resolved(ways[0], root), anyOf: undefined } : whole;
}

function kindOf(one) {
  if (one.enum) return "choice";
  if (one.const !== undefined) return "const";
  if (["number", "integer", "boolean", "string"].includes(one.type)) return one.type;
  return "json";
}

function bounds(one) {
  const low = one.minimum ?? one.exclusiveMinimum;
  const high = one.maximum ?? one.exclusiveMaximum;
  if (low !== undefined && high !== undefined) return `${low} … ${high}`;
  if (low !== undefined) return `from ${low}`;
  return high === undefined ? "" : `to ${high}`;
}

function field(name, one, isRequired) {
  const kind = kindOf(one);
  const fallback = one.default === undefined || one.default === null ? "" : String(one.default);
  if (kind === "choice" || kind === "boolean") {
    const choices = kind === "boolean" ? ["true", "false"] : one.enum.map((word) => JSON.stringify(word));
    return html`<select name=${name} ?required=${isRequired}>
      ${isRequired ? nothing : html`<option value="">${fallback || "–"}</option>`}
      ${choices.map((word) => html`<option value=${word}>${word.replace(/^"|"$/g, "")}</option>`)}
    </select>`;
  }
  if (kind === "json") {
    return html`<input name=${name} ?required=${isRequired} placeholder=${fallback || "JSON"} autocomplete="off" />`;
  }
  const isNumber = kind === "number" || kind === "integer";
  return html`<input
    name=${name}
    ?required=${isRequired}
    inputmode=${isNumber ? "decimal" : "text"}
    placeholder=${fallback}
    autocomplete="off"
    spellcheck="false"
  />`;
}

/** Turn what was typed into the arguments; throws an Error with what is wrong. */
export function argumentsOf(form, schema) {
  const args = {};
  for (const [name, raw] of Object.entries(schema.properties ?? {})) {
    const one = resolved(raw, schema);
    const kind = kindOf(one);
    const text = form.elements.namedItem(name)?.value.trim() ?? "";
    if (kind === "const") args[name] = one.const;
    else if (text !== "") args[name] = valueOf(name, kind, text);
    else if ((schema.required ?? []).includes(name)) throw new Error(`${name} is missing`);
  }
  return args;
}

function valueOf(name, kind, text) {
  if (kind === "string") return text;
  if (kind === "number" || kind === "integer") {
    const value = Number(text.replace("−", "-"));
    if (!Number.isFinite(value)) throw new Error(`${name} must be a number, not '${text}'`);
    return value;
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`${name} must be JSON, such as "text", 1.5 or [1, 2]`);
  }
}

/** The form of one message. `fate` is what has become of what was sent by it. */
export function form(name, message, { isOpen, fate, label, onSend }) {
  const schema = message.args ?? {};
  const names = Object.entries(schema.properties ?? {});
  const required = new Set(schema.required ?? []);
  return html`<form
    class="message"
    autocomplete="off"
    novalidate
    @submit=${(event) => {
      event.preventDefault();
      onSend(event.target, schema);
    }}
  >
    <fieldset ?disabled=${!isOpen}>
      <legend>
        <b>${name}</b> ${message.urgent ? html`<span class="tag">urgent</span>` : nothing}
        <span class="dim">${(message.description ?? "").split("\n")[0]}</span>
      </legend>
      ${names.map(([key, raw]) => {
        const one = resolved(raw, schema);
        const told = [one.description, bounds(one)].filter(Boolean).join(", ");
        return html`<label><span>${key}${required.has(key) ? html`<i title="required"> *</i>` : nothing}</span>
          ${field(key, one, required.has(key))}<small class="dim">${told}</small></label>`;
      })}
      <div class="send"><button type="submit">${label}</button>
        ${fate ? html`<output class="tone-${fate.tone}">${fate.glyph} ${fate.state} ${fate.text}</output>` : nothing}</div>
    </fieldset>
  </form>`;
}
