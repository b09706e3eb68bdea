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
let stopNews = null;

function asked() {
  const fields = new FormData(form);
  return {
    symbol: fields.get("symbol"),
    interval: fields.get("interval"),
    bars: fields.get("bars"),
    until: fields.get("until"),
    panes: fields.getAll("panes"),
    window: fields.get("window"),
  };
}

function parameters(name) {
  const now = asked();
  const query = new URLSearchParams({ theme: theme() });
  if (name !== "correlation") query.set("symbol", now.symbol);
  if (name === "price") {
    query.set("interval", now.interval);
    query.set("bars", now.bars);
    if (now.until) query.set("until", `${now.until}Z`);
    for (const pane of now.panes) query.append("panes", pane);
  }
  if (name === "correlation" || name === "return-distribution") query.set("window", now.window);
  return query;
}

// What a reader zoomed into stays while the same is shown.
const same = (name) => {
  const { symbol, interval, bars, until, window: length } = asked();
  return name === "price" ? [symbol, interval, bars, until].join("|") : [symbol, length].join("|");
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

// Returns false when the chart could not be had.
async function draw(name) {
  const figure = figures.get(name);
  const plot = figure.querySelector(".plot");
  const trouble = figure.querySelector(".trouble");
  asking.get(name)?.abort();
  const abort = new AbortController();
  asking.set(name, abort);
  try {
    const told = await getJson(`/figures/${name}?${parameters(name)}`, abort.signal);
    trouble.hidden = true;
    say(figure, told);
    plot.classList.toggle("empty", told.data.length === 0);
    if (told.data.length === 0) {
      window.Plotly.purge(plot);
      plot.textContent = told.summary;
    } else {
      if (plot.classList.contains("skeleton") || !plot.querySelector(".plotly")) plot.textContent = "";
      await window.Plotly.react(plot, told.data, { ...told.layout, uirevision: same(name) }, CONFIG);
    }
  } catch (error) {
    if (error.name === "AbortError") return true;
    if (figure.getAttribute("aria-busy") === "true") figure.querySelector("figcaption").textContent = "";
    notice(trouble, "error", `This chart is not up to date: ${sentence(error)}`);
  }
  plot.classList.remove("skeleton");
  figure.setAttribute("aria-busy", "false");
  return trouble.hidden;
}

// One after the other, the candles first: they are what a reader waits for.
async function drawAll(names = [...figures.keys()]) {
  let isAllDrawn = true;
  for (const name of names) isAllDrawn = (await draw(name)) && isAllDrawn;
  return isAllDrawn;
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
  stopNews?.();
  stopNews = null;
  const { symbol, until } = asked();
  if (until) live("still", "a stretch of the past");
  else stopNews = onNews(() => drawAll(["price", "depth", "spread"]), [symbol]);
}

function move(direction) {
  const { interval, bars, until } = asked();
  const seconds = Number(form.querySelector(`input[name="interval"][value="${interval}"]`).dataset.seconds);
  const from = until ? Date.parse(`${until}Z`) : Date.now();
  const moved = from + direction * seconds * 1000 * Number(bars);
  const rounded = Math.ceil(moved / MINUTE_MILLISECONDS) * MINUTE_MILLISECONDS;
  form.elements.until.value = rounded >= Date.now() ? "" : new Date(rounded).toISOString().slice(0, 16);
  changed("until");
}

const CONCERNED = {
  symbol: [...figures.keys()].filter((name) => name !== "correlation"),
  window: ["return-distribution", "correlation"],
};

function changed(field) {
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
  document.documentElement.addEventListener("themechange", () => drawAll());
  remember();
  drawAll();
  listen();
}
