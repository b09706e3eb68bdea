// Calls back when there may be something new: at events of the stream, and every 15 s while there is no stream.
// One open page asks at most once in 2 s, and a hidden one not at all.
import { base, live } from "./frame.js";

const POLL_MILLISECONDS = 15_000;
const LEAST_MILLISECONDS = 2_000;
const STREAM = "/api/v1/stream";
const EVENTS = ["candle", "pipeline", "resync"];

// callback: may be async; is told nothing, since it asks for what is shown. symbols: candles of these alone, all if empty.
export function onNews(callback, symbols = []) {
  let waiting = null;
  let last = 0;
  let missed = false;

  const run = async () => {
    waiting = null;
    last = Date.now();
    await callback();
  };
  const soon = () => {
    if (document.hidden) {
      missed = true;
    } else if (waiting === null) {
      waiting = setTimeout(run, Math.max(0, last + LEAST_MILLISECONDS - Date.now()));
    }
  };

  const asked = symbols.length ? `?symbols=${encodeURIComponent(symbols.join())}` : "";
  const stream = new EventSource(base + STREAM + asked);
  for (const name of EVENTS) stream.addEventListener(name, soon);
  stream.addEventListener("open", () => live("live", "live"));
  stream.addEventListener("error", () => live("polling", "updating every 15 s"));

  const poll = setInterval(() => {
    if (stream.readyState !== EventSource.OPEN) soon();
  }, POLL_MILLISECONDS);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && missed) {
      missed = false;
      soon();
    }
  });
  const stop = () => {
    clearInterval(poll);
    clearTimeout(waiting);
    stream.close();
  };
  window.addEventListener("pagehide", stop);
  return stop;
}
