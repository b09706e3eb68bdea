// Calls back when there may be something new: at messages of the stream, and now and then without one, for that nothing
// comes any more is news too. Says in the page's head how new what is shown can be. An open page asks at most once in 2 s.
// A hidden one has no stream and asks nothing: a browser has six connections to a server, and a stream holds one.
import { base, live } from "./frame.js";

const POLL_MILLISECONDS = 15_000; // without a stream
const SILENCE_MILLISECONDS = 25_000; // with one: so long nothing came, hence the poll after it asks
const LEAST_MILLISECONDS = 2_000;
const KINDS = ["candle", "pipeline", "resync"];

// callback: asks for what is shown, may be async; false says that it could not have all. symbols: candles of these alone,
// of all if empty. trouble: what of the page is not to be called live, in a few words; empty when nothing is. Returns how to
// stop, and how to have the head say again what is so now.
export function onNews(callback, symbols = [], trouble = () => "") {
  const asked = symbols.length ? `?symbols=${encodeURIComponent(symbols.join())}` : "";
  let stream = null;
  let timer = null;
  let isAsking = false;
  let isMore = false;
  let isFailing = false;
  let delay = null;
  let last = Date.now();

  const tell = () => {
    const words = trouble();
    if (isFailing) live("lost", "not updating");
    else if (words) live("lost", words);
    else if (stream?.readyState !== EventSource.OPEN) live("polling", "updating every 15 s");
    else if (delay) live("lost", "delayed", delay);
    else live("live", "live");
  };

  // What comes while an answer is awaited is asked for after it: to give up an answer for each message is to have none.
  const soon = () => {
    if (isAsking) isMore = true;
    else timer ??= setTimeout(ask, Math.max(0, last + LEAST_MILLISECONDS - Date.now()));
  };

  const ask = async () => {
    timer = null;
    isMore = false;
    isAsking = true;
    try {
      isFailing = (await callback()) === false;
    } finally {
      isAsking = false;
      last = Date.now();
      if (stream) tell();
      if (isMore) soon();
    }
  };

  const open = () => {
    stream = new EventSource(`${base}/api/v1/stream${asked}`);
    for (const kind of KINDS) stream.addEventListener(kind, soon);
    stream.addEventListener("open", tell);
    stream.addEventListener("error", tell);
    stream.addEventListener("ready", () => {
      delay = null; // another process may answer than the one that was late; one that is late says so next
      tell();
    });
    stream.addEventListener("status", (event) => {
      const told = JSON.parse(event.data);
      delay = told.state === "delayed" ? told.detail : null;
      tell();
      if (!delay) soon();
    });
  };

  const close = () => {
    clearTimeout(timer);
    timer = null;
    isMore = false;
    delay = null;
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
    if (!stream) return;
    if (stream.readyState === EventSource.CLOSED) open(); // a refusal ends it for good: the server restarts, or is full
    if (stream.readyState !== EventSource.OPEN || Date.now() - last >= SILENCE_MILLISECONDS) soon();
  }, POLL_MILLISECONDS);
  const stop = () => {
    clearInterval(poll);
    document.removeEventListener("visibilitychange", seen);
    close();
  };

  document.addEventListener("visibilitychange", seen);
  if (!document.hidden) open();
  return { stop, tell: () => stream && tell() };
}
