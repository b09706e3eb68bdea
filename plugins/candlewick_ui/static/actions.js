// Forms that change something: their fields as JSON, the answer as a sentence beside them, and parts of the page that
// are fetched anew. A form says where it goes (data-method, data-path); a field says what it is (data-type).
import { change, getText, notice, sentence } from "./frame.js";

const REFRESH_SECONDS = 5;
const CONFIRM_SECONDS = 6;

class FieldError extends Error {
  constructor(field, words) {
    super(words);
    this.field = field;
  }
}

const labelOf = (field) => field.labels?.[0]?.textContent.trim() ?? field.name;

const readers = {
  text: (field) => field.value.trim(),
  upper: (field) => field.value.trim().toUpperCase(),
  boolean: (field) => field.checked,
  list: (field) => field.value.split(/[\s,;]+/).filter(Boolean),
  choices: (field) => [...field.selectedOptions].map((option) => option.value),
  number: (field) => {
    const number = Number(field.value);
    if (!Number.isFinite(number)) throw new FieldError(field, `${labelOf(field)}: expected a number, got ${field.value}`);
    return number;
  },
  json: (field) => {
    try {
      return JSON.parse(field.value);
    } catch (error) {
      throw new FieldError(field, `${labelOf(field)}: expected JSON, got something else (${error.message})`);
    }
  },
};

const isEmpty = (field) => field.type !== "checkbox" && field.value.trim() === "";

// An empty field is left out, so that the server's default counts; with data-empty="null" it says: nothing.
function collect(form) {
  const body = {};
  for (const field of form.elements) {
    if (!field.name || field.disabled) continue;
    if (isEmpty(field)) {
      if (field.dataset.empty === "null") body[field.name] = null;
    } else {
      body[field.name] = readers[field.dataset.type ?? "text"](field);
    }
  }
  return form.dataset.under ? { [form.dataset.under]: body } : body;
}

// A first press asks, a second one within some seconds does it: Airflow's frame allows no dialogs.
const asked = new WeakMap();

function isConfirmed(button) {
  if (!button?.dataset.confirm) return true;
  const before = asked.get(button);
  const forget = () => {
    button.textContent = asked.get(button)?.words ?? button.textContent;
    asked.delete(button);
    delete button.dataset.asked;
  };
  if (before) {
    clearTimeout(before.timer);
    forget();
    return true;
  }
  asked.set(button, { words: button.textContent, timer: setTimeout(forget, CONFIRM_SECONDS * 1000) });
  button.dataset.asked = "yes";
  button.textContent = button.dataset.confirm;
  return false;
}

const outcomeOf = (form) => document.getElementById(form.dataset.outcome) ?? form.querySelector("[data-outcome-here]");

async function submit(form, button) {
  const outcome = outcomeOf(form);
  const path = form.dataset.path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(form.elements[name].value.trim()));
  if (button) button.disabled = true;
  try {
    const body = collect(form);
    const answer = await change(form.dataset.method, path, form.dataset.method === "DELETE" ? undefined : body);
    notice(outcome, "good", form.dataset.done ?? "Done.");
    form.dispatchEvent(new CustomEvent("done", { bubbles: true, detail: { answer, body } }));
    await refresh();
  } catch (error) {
    notice(outcome, "error", error instanceof FieldError ? error.message : sentence(error));
    error.field?.focus();
  } finally {
    if (button) button.disabled = false;
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-path]");
  if (!form) return;
  event.preventDefault();
  if (isConfirmed(event.submitter)) submit(form, event.submitter);
});

// The parts of the page that change by themselves have an id and data-live: the page is asked for once, they are replaced.
export async function refresh() {
  const fresh = new DOMParser().parseFromString(await getText(here()), "text/html");
  for (const old of document.querySelectorAll("[data-live][id]")) {
    const found = fresh.getElementById(old.id);
    if (!found || found.outerHTML === old.outerHTML || old.querySelector("[data-asked]")) continue;
    const focused = old.contains(document.activeElement) ? document.activeElement.id : null;
    old.replaceWith(found);
    if (focused) document.getElementById(focused)?.focus();
  }
}

const here = () => window.location.pathname.slice(document.body.dataset.base.length) + window.location.search;

async function keepFresh() {
  if (document.visibilityState === "visible" && document.querySelector("[data-live]")) {
    try {
      await refresh();
    } catch (error) {
      const place = document.getElementById("stale");
      if (place) notice(place, "warning", `What is shown here may be old: ${sentence(error)}`);
      return setTimeout(keepFresh, 3 * REFRESH_SECONDS * 1000);
    }
    document.getElementById("stale")?.setAttribute("hidden", "");
  }
  return setTimeout(keepFresh, REFRESH_SECONDS * 1000);
}

setTimeout(keepFresh, REFRESH_SECONDS * 1000);
