// The cards: found by name, sorted, and new when a candle is.
import { base, getText, notice, sentence } from "./frame.js";
import { onNews } from "./news.js";

const market = document.getElementById("market");
const find = document.getElementById("find");
const order = document.getElementById("order");
const trouble = document.getElementById("trouble");

function filter() {
  const wanted = find.value.trim().toUpperCase();
  let shown = 0;
  for (const card of market.querySelectorAll(".card")) {
    card.hidden = !card.dataset.symbol.includes(wanted);
    shown += card.hidden ? 0 : 1;
  }
  document.getElementById("found-none").hidden = shown > 0 || !wanted;
}

// An animation begins only with a class that was not there when styles were computed last.
function flash(card) {
  card.classList.remove("changed");
  void card.offsetWidth;
  card.classList.add("changed");
}

// Cards that say the same stay as they are: a reader's place, and what has the focus, do too.
function replace(text) {
  const fresh = new DOMParser().parseFromString(text, "text/html").body;
  const list = market.querySelector(".cards");
  const news = fresh.querySelector(".cards");
  const names = (one) => one && [...one.children].map((card) => card.id).join();
  if (!list || !news || names(list) !== names(news)) {
    market.replaceChildren(...fresh.childNodes);
    filter();
    return;
  }
  [...news.children].forEach((card, place) => {
    const old = list.children[place];
    if (old.innerHTML === card.innerHTML) return;
    const focused = old.contains(document.activeElement) ? document.activeElement.tagName : null;
    const moved = (one) => one.querySelector('[data-field="last_price"]')?.dataset.value;
    if (moved(old) !== moved(card)) flash(old);
    old.replaceChildren(...card.childNodes);
    if (focused) old.querySelector(focused)?.focus();
  });
}

async function refresh() {
  try {
    replace(await getText(`/market/cards?order=${encodeURIComponent(order.value)}`));
    trouble.hidden = true;
    return true;
  } catch (error) {
    notice(trouble, "error", `These cards are not being updated: ${sentence(error)}`);
    return false;
  }
}

find.addEventListener("input", filter);
find.form.addEventListener("submit", (event) => event.preventDefault());
order.addEventListener("change", () => {
  window.history.replaceState(null, "", `${base}/market?order=${encodeURIComponent(order.value)}`);
  refresh();
});
onNews(refresh);
