// Asks for the charts and draws them; what they are made of is decided on the server.
import { base, getJson, live, notice, sentence, theme } from "./frame.js";
import { onNews } from "./news.js";

const CONFIG = {
  responsive: true,
  displaylogo: false,
  // These and no others: one of Plotly's own sends the chart to a server elsewhere.
  modeBarButtons: [["toImage"], ["zoom2d", "pan2d"], ["zoomIn2d", "zoomOut2d", "resetScale2d"]],
  plotlyServerURL: "",
};
const MINUTE_MILLISECONDS = 60_000;
const TIME = /(\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?)/;

const form = document.getElementById("asked");
const figures = new Map([...document.querySelectorAll("figure.chart")].map((one) => [one.dataset.figure, one]));
const asking = new Map();
for (const figure of figures.values()) {
  // A finger that moves scrolls the page: Plotly, that would keep it for itself, does not hear of it. A tap comes as a click.
  const options = { capture: true, passive: true };
  figure.querySelector(".plot").addEventListener("touchstart", (event) => event.stopPropagation(), options);
}
const LIVE = ["price", "depth", "spread"]; // the others change with market_hourly
const failed = new Set(); // figures that could not be had when they were asked for last
let news = null;
let until = ""; // what is shown ends before it; empty: now

function asked() {
  const fields = new FormData(form);
  return {
    symbol: fields.get("symbol"),
    interval: fields.get("interval"),
    bars: fields.get("bars"),
    until,
    panes: fields.getAll("panes"),
    window: fields.get("window"),
  };
}

// A time still to come has nothing to show of its own: what is shown is now, and updates.
function readUntil() {
  const written = form.elements.until.value;
  const ahead = document.getElementById("ahead");
  const isAhead = written !== "" && !(Date.parse(`${written}Z`) <= Date.now());
  until = isAhead ? "" : written;
  ahead.hidden = !isAhead;
  if (isAhead) ahead.textContent = `${written.replace("T", " ")} UTC is still to come; shown is what there is now.`;
  for (const one of document.querySelectorAll(".as-of")) one.hidden = until === "";
}

function parameters(name) {
  const now = asked();
  const query = new URLSearchParams({ theme: theme() });
  if (name !== "correlation") query.set("symbol", now.symbol);
  if (name === "price") {
    query.set("interval", now.interval);
    query.set("bars", now.bars);
    for (const pane of now.panes) query.append("panes", pane);
  }
  if (now.until && LIVE.includes(name)) query.set("until", `${now.until}Z`);
  if (name === "correlation" || name === "return-distribution") query.set("window", now.window);
  return query;
}

// What a reader zoomed into stays while the same is shown.
const same = (name) => {
  const { symbol, interval, bars, window: length } = asked();
  if (name === "price") return [symbol, interval, bars, until].join("|");
  return [symbol, ...(LIVE.includes(name) ? [until] : [length])].join("|");
};

// The first words are read aloud by themselves; those of each candle after it would never end.
function say(figure, told) {
  const caption = figure.querySelector("figcaption");
  const words = [told.summary, ...(told.notes ?? [])].join(" ");
  if (figure.getAttribute("aria-busy") === "false") caption.removeAttribute("role");
  if (caption.textContent !== words) caption.replaceChildren(...withTimes(words));
}

// All times in the words are UTC.
const withTimes = (words) => words.split(TIME).map((part, place) => {
  if (place % 2 === 0) return part;
  const time = document.createElement("time");
  time.dateTime = `${part.replace(" ", "T")}Z`;
  time.textContent = part;
  return time;
});

async function draw(name) {
  const figure = figures.get(name);
  const plot = figure.querySelector(".plot");
  asking.get(name)?.abort();
  const abort = new AbortController();
  asking.set(name, abort);
  const key = same(name);
  try {
    const told = await getJson(`/figures/${name}?${parameters(name)}`, abort.signal);
    say(figure, told);
    plot.classList.toggle("empty", told.data.length === 0);
    if (told.data.length === 0) {
      window.Plotly.purge(plot);
      plot.textContent = told.summary;
    } else {
      if (plot.classList.contains("skeleton") || !plot.querySelector(".plotly")) plot.textContent = "";
      await window.Plotly.react(plot, told.data, { ...told.layout, uirevision: key }, CONFIG);
    }
    plot.dataset.shown = key;
    recovered(name);
  } catch (error) {
    if (error.name === "AbortError") return;
    fail(name, error, key);
  }
  if (asking.get(name) === abort) asking.delete(name);
  plot.classList.remove("skeleton");
  figure.setAttribute("aria-busy", "false");
}

// What is drawn stays, if it is of what is asked for now: the candles of another symbol under this one's name would be a lie.
function fail(name, error, key) {
  const figure = figures.get(name);
  const plot = figure.querySelector(".plot");
  const trouble = figure.querySelector(".trouble");
  const isOld = plot.dataset.shown === key;
  if (!isOld) {
    window.Plotly.purge(plot);
    plot.textContent = "";
    plot.classList.remove("empty");
    delete plot.dataset.shown;
    figure.querySelector("figcaption").textContent = "";
  }
  // Said aloud once and not at each update; the request's number is another each time.
  if (!failed.has(name) || trouble.dataset.why !== error.message) {
    notice(trouble, "error", `This chart ${isOld ? "is not up to date" : "could not be loaded"}: ${sentence(error)}`);
  }
  trouble.dataset.why = error.message;
  failed.add(name);
  figure.querySelector(".retry").hidden = false;
  head();
}

function recovered(name) {
  if (!failed.delete(name)) return;
  const figure = figures.get(name);
  const retry = figure.querySelector(".retry");
  figure.querySelector(".trouble").hidden = true;
  if (document.activeElement === retry) figure.focus(); // a button that goes takes the keyboard's place with it
  retry.hidden = true;
  head();
}

async function again(name) {
  const retry = figures.get(name).querySelector(".retry");
  delete figures.get(name).querySelector(".trouble").dataset.why; // who asks hears the answer, the same one too
  retry.textContent = "Asking…";
  await draw(name);
  retry.textContent = "Retry";
}

// One after the other, the candles first: they are what a reader waits for.
async function drawAll(names = [...figures.keys()]) {
  for (const name of names) await draw(name);
}

// Those that failed are not waited for: one that takes its minute would hold up the candles.
function update() {
  for (const name of failed) if (!LIVE.includes(name) && !asking.has(name)) draw(name);
  return drawAll(LIVE);
}

function trouble() {
  if (failed.size === 0) return "";
  if (failed.size === figures.size) return "not updating";
  return failed.size === 1 ? "1 chart failed" : `${failed.size} charts failed`;
}

function head() {
  if (news) news.tell();
  else if (failed.size) live("lost", trouble());
  else live("still", "a stretch of the past");
}

function remember() {
  const now = asked();
  const query = new URLSearchParams({ symbol: now.symbol, interval: now.interval, bars: now.bars, window: now.window });
  if (now.until) query.set("until", now.until);
  for (const pane of now.panes.length ? now.panes : [""]) query.append("panes", pane); // empty: none of them
  window.history.replaceState(null, "", `${base}/analytics?${query}`);
  document.title = `Analytics of ${now.symbol} · Candlewick`;
  document.getElementById("title-price").textContent = `${now.symbol}, candles`;
  const csv = new URLSearchParams({ interval: now.interval, limit: now.bars, format: "csv" });
  if (now.until) csv.set("to", `${now.until}Z`);
  document.getElementById("csv").href = `${base}/api/v1/candles/${encodeURIComponent(now.symbol)}?${csv}`;
}

// Charts of the newest are kept new; a stretch of the past stays what it is.
function listen() {
  news?.stop();
  const { symbol } = asked();
  news = until ? null : onNews(update, [symbol], trouble);
  if (!news || failed.size) head();
}

function move(direction) {
  const { interval, bars } = asked();
  const seconds = Number(form.querySelector(`input[name="interval"][value="${interval}"]`).dataset.seconds);
  const from = until ? Date.parse(`${until}Z`) : Date.now();
  const moved = from + direction * seconds * 1000 * Number(bars);
  const rounded = Math.ceil(moved / MINUTE_MILLISECONDS) * MINUTE_MILLISECONDS;
  form.elements.until.value = rounded >= Date.now() ? "" : new Date(rounded).toISOString().slice(0, 16);
  changed("until");
}

const CONCERNED = {
  symbol: [...figures.keys()].filter((name) => name !== "correlation"),
  until: LIVE,
  window: ["return-distribution", "correlation"],
};

function changed(field) {
  if (field === "until") readUntil();
  remember();
  drawAll(CONCERNED[field] ?? ["price"]);
  if (field === "symbol" || field === "until") listen();
}

if (form) {
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", (event) => changed(event.target.name));
  for (const one of document.querySelectorAll('input[name="window"]')) one.addEventListener("change", () => changed("window"));
  document.getElementById("earlier").addEventListener("click", () => move(-1));
  document.getElementById("later").addEventListener("click", () => move(1));
  document.getElementById("now").addEventListener("click", () => {
    form.elements.until.value = "";
    changed("until");
  });
  for (const [name, figure] of figures) figure.querySelector(".retry").addEventListener("click", () => again(name));
  document.documentElement.addEventListener("themechange", () => drawAll());
  readUntil();
  remember();
  listen();
  drawAll();
}
