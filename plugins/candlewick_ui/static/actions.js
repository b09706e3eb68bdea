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
  if (before) {
    clearTimeout(before.timer);
    before.forget();
    return true;
  }
  const [words, label] = [button.textContent, button.getAttribute("aria-label")];
  const forget = () => {
    button.textContent = words;
    if (label) button.setAttribute("aria-label", label);
    asked.delete(button);
    delete button.dataset.asked;
  };
  asked.set(button, { forget, timer: setTimeout(forget, CONFIRM_SECONDS * 1000) });
  button.dataset.asked = "yes";
  button.textContent = button.dataset.confirm;
  if (label) button.setAttribute("aria-label", `${button.dataset.confirm} ${label}`);
  return false;
}

// A button that is at work stays what has the focus, hence not disabled; what is gone when it is done hands it on.
const isBusy = (button) => button?.getAttribute("aria-disabled") === "true";

async function submit(form, button) {
  const outcome = document.getElementById(form.dataset.outcome);
  const path = form.dataset.path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(form.elements[name].value.trim()));
  const isPressed = button !== null && document.activeElement === button;
  button?.setAttribute("aria-disabled", "true");
  try {
    const body = collect(form);
    const answer = await change(form.dataset.method, path, form.dataset.method === "DELETE" ? undefined : body);
    notice(outcome, "good", form.dataset.done ?? "Done.");
    form.dispatchEvent(new CustomEvent("done", { bubbles: true, detail: { answer, body } }));
    await renew();
  } catch (error) {
    notice(outcome, "error", error instanceof FieldError ? error.message : sentence(error));
    error.field?.focus();
  } finally {
    button?.removeAttribute("aria-disabled");
    if (isPressed && document.activeElement === document.body) {
      outcome.tabIndex = -1;
      outcome.focus();
    }
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-path]");
  if (!form) return;
  event.preventDefault();
  if (!isBusy(event.submitter) && isConfirmed(event.submitter)) submit(form, event.submitter);
});

// The parts of the page that change by themselves have an id and data-live: the page is asked for, and what the server
// says differently than before is replaced. What a reader did to it since (opened, scrolled, focused) is done again.
const live = () => document.querySelectorAll("[data-live][id]");
const said = new Map([...live()].map((one) => [one.id, one.outerHTML]));

async function refresh() {
  const fresh = new DOMParser().parseFromString(await getText(here()), "text/html");
  for (const old of live()) {
    const found = fresh.getElementById(old.id);
    if (!found || old.querySelector("[data-asked]") || said.get(old.id) === found.outerHTML) continue;
    said.set(old.id, found.outerHTML);
    replace(old, found);
  }
}

function nameOf(element) {
  if (element.id) return `#${CSS.escape(element.id)}`;
  return element.matches("a[href]") ? `a[href="${CSS.escape(element.getAttribute("href"))}"]` : null;
}

function replace(old, found) {
  const boxes = (one) => [one, ...one.querySelectorAll(".table")];
  const places = boxes(old).map((box) => box.scrollLeft);
  const opened = [...old.querySelectorAll("details[open][id]")].map((one) => one.id);
  const focused = old.contains(document.activeElement) ? nameOf(document.activeElement) : null;
  old.replaceWith(found);
  for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
  boxes(found).forEach((box, number) => { box.scrollLeft = places[number] ?? 0; });
  if (focused) document.querySelector(focused)?.focus({ preventScroll: true });
}

const here = () => window.location.pathname.slice(document.body.dataset.base.length) + window.location.search;

// Returns whether what is shown is new; if not, the page says so.
async function renew() {
  const place = document.getElementById("stale");
  try {
    await refresh();
  } catch (error) {
    notice(place, "warning", `What is shown here may be old: ${sentence(error)}`);
    return false;
  }
  place.hidden = true;
  return true;
}

async function keepFresh() {
  const isAsked = document.visibilityState === "visible" && live().length > 0;
  const isNew = isAsked ? await renew() : true;
  setTimeout(keepFresh, (isNew ? 1 : 3) * REFRESH_SECONDS * 1000);
}

setTimeout(keepFresh, REFRESH_SECONDS * 1000);
