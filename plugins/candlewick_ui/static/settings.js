// After a symbol was added: the offer to load its history.
const offer = document.getElementById("load-history");

document.getElementById("add-symbol")?.addEventListener("done", (event) => {
  event.target.reset();
  if (!offer) return;
  const { symbol, history } = event.detail.answer;
  offer.elements.symbols.value = history.conf.symbols.join(" ");
  const { start, end } = offer.elements;
  [start.min, end.max] = [history.conf.start, history.conf.end];
  if (start.value < start.min) start.value = start.min; // a symbol that is younger than what is offered of others
  offer.querySelector("[data-symbol]").textContent = symbol;
  offer.hidden = false;
  start.focus();
});

offer?.addEventListener("done", () => { offer.hidden = true; });
offer?.querySelector("[data-dismiss]").addEventListener("click", () => { offer.hidden = true; });
