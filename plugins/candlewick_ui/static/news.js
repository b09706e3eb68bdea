// Calls back when there may be something new: at messages of the stream, and every 15 s while there is no stream.
// An open page asks at most once in 2 s. A hidden one has no stream and asks nothing: a browser has six connections to a
// server, and a stream holds one.
import { base, live } from "./frame.js";

const POLL_MILLISECONDS = 15_000;
const LEAST_MILLISECONDS = 2_000;
const KINDS = ["candle", "pipeline", "resync"];

// callback: asks for what is shown, may be async. symbols: candles of these alone, of all if empty. Returns how to stop.
export function onNews(callback, symbols = []) {
  const asked = symbols.length ? `?symbols=${encodeURIComponent(symbols.join())}` : "";
  let stream = null;
  let waiting = null;
  let last = Date.now();

  const soon = () => {
    waiting ??= setTimeout(async () => {
      waiting = null;
      last = Date.now();
      await callback();
    }, Math.max(0, last + LEAST_MILLISECONDS - Date.now()));
  };

  const open = () => {
    stream = new EventSource(`${base}/api/v1/stream${asked}`);
    for (const kind of KINDS) stream.addEventListener(kind, soon);
    stream.addEventListener("open", () => live("live", "live"));
    stream.addEventListener("error", () => live("polling", "updating every 15 s"));
  };

  const close = () => {
    clearTimeout(waiting);
    waiting = null;
    stream?.close();
    stream = null;
  };

  const seen = () => {
    if (document.hidden) {
      close();
    } else if (!stream) {
      open();
      soon();
    }
  };

  const poll = setInterval(() => {
    if (stream && stream.readyState !== EventSource.OPEN) soon();
  }, POLL_MILLISECONDS);
  const stop = () => {
    clearInterval(poll);
    document.removeEventListener("visibilitychange", seen);
    close();
  };

  document.addEventListener("visibilitychange", seen);
  if (!document.hidden) open();
  return stop;
}
