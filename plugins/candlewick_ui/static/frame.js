// What all pages use: local times on hover, links into Airflow's own pages, requests whose errors a person can read.

export const base = document.body.dataset.base;

export const theme = () => (document.documentElement.classList.contains("dark") ? "dark" : "light");

export class RequestError extends Error {
  constructor(status, detail, requestId) {
    super(detail);
    this.status = status;
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
  throw new RequestError(answer.status, detail, requestId);
}

async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(base + path, { credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new RequestError(0, "the server does not answer; is Airflow running?", null);
  }
  if (answer.redirected) window.location.reload(); // the login ended: the page leads to it
  return answer.ok ? answer : refuse(answer);
}

export const getJson = async (path, signal) => (await ask(path, { signal, headers: { Accept: "application/json" } })).json();

export const getText = async (path, signal) => (await ask(path, { signal, headers: { Accept: "text/html" } })).text();

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

// Says in the page's head whether what is shown is live.
export function live(state, words) {
  const element = document.getElementById("live");
  element.hidden = false;
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
document.addEventListener("focusin", localTime);

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
