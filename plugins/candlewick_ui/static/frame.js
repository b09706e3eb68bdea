// What all pages use: local times on hover, links into Airflow's own pages, requests whose errors a person can read.

export const base = document.body.dataset.base;

export const theme = () => (document.documentElement.classList.contains("dark") ? "dark" : "light");

const PATIENCE_SECONDS = 60;

export class RequestError extends Error {
  constructor(detail, requestId = null) {
    super(detail);
    this.requestId = requestId;
  }
}

async function refuse(answer) {
  if (answer.status === 401) window.location.reload();
  let detail = `the server answered ${answer.status} ${answer.statusText}`;
  let requestId = answer.headers.get("X-Request-ID");
  if ((answer.headers.get("Content-Type") ?? "").includes("json")) {
    const problem = await answer.json();
    detail = problem.detail ?? detail;
    requestId = problem.request_id ?? requestId;
  }
  throw new RequestError(detail, requestId);
}

async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(base + path, { credentials: "same-origin", redirect: "manual", ...options });
  } catch (error) {
    if (error.name === "AbortError" || error.name === "TimeoutError") throw error;
    throw new RequestError("the server does not answer; is Airflow running?");
  }
  if (answer.type === "opaqueredirect") {
    window.location.reload(); // the login ended, and the page leads to it, wherever it is
    return new Promise(() => {});
  }
  return answer.ok ? answer : refuse(answer);
}

// Reading has an end, so that a page that waits for one answer before it asks again never waits for ever.
async function read(path, type, how, signal) {
  const ends = [AbortSignal.timeout(PATIENCE_SECONDS * 1000), ...(signal ? [signal] : [])];
  try {
    const answer = await ask(path, { signal: AbortSignal.any(ends), headers: { Accept: type } });
    return await answer[how]();
  } catch (error) {
    if (error.name !== "TimeoutError") throw error;
    throw new RequestError(`the server did not answer within ${PATIENCE_SECONDS} s`);
  }
}

export const getJson = (path, signal) => read(path, "application/json", "json", signal);

export const getText = (path, signal) => read(path, "text/html", "text", signal);

// A change: POST, PATCH, PUT or DELETE with JSON; the answer's JSON, or null where it has none.
export async function change(method, path, body) {
  const answer = await ask(path, {
    method,
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  return answer.status === 204 ? null : answer.json();
}

// Puts a sentence into an element, as text: kind is "error", "warning", "good" or "info".
export function notice(element, kind, sentence) {
  element.classList.remove("error", "warning", "good", "info");
  element.classList.add("notice", kind);
  element.setAttribute("role", kind === "error" ? "alert" : "status");
  element.textContent = sentence;
  element.hidden = false;
}

export function sentence(error) {
  if (!(error instanceof RequestError)) return `this page stumbled: ${error.message}`;
  return error.requestId ? `${error.message} (request ${error.requestId})` : error.message;
}

// Says in the page's head whether what is shown is live; why stands in the title.
export function live(state, words, why = "") {
  const element = document.getElementById("live");
  element.hidden = false;
  element.title = why;
  element.dataset.state = state;
  if (element.textContent !== words) element.textContent = words;
}

function localTime(event) {
  const element = event.target.closest?.("time[datetime]");
  if (!element || element.title) return;
  const stamp = element.getAttribute("datetime");
  if (!stamp.includes("T")) return;
  const local = new Date(stamp).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "long" });
  element.title = `${local} (local)`;
}

document.addEventListener("pointerover", localTime);

// On a narrow screen rows of links and the calendar are wider than it: begin where one is, and with the newest days.
for (const here of document.querySelectorAll("nav [aria-current]")) {
  const row = here.closest("nav");
  row.scrollLeft = here.offsetLeft + here.offsetWidth / 2 - row.offsetLeft - row.clientWidth / 2;
}
for (const calendar of document.querySelectorAll("table.calendar")) calendar.parentElement.scrollLeft = calendar.offsetWidth;

// Inside of Airflow's frame a link may neither open a tab nor leave the frame; Airflow's own document may.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-airflow]");
  if (!link || window.parent === window) return;
  event.preventDefault();
  const outer = window.parent.document;
  const twin = outer.createElement("a");
  twin.href = link.href;
  outer.body.append(twin);
  twin.click();
  twin.remove();
});
