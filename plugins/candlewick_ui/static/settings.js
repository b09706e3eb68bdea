// After a symbol was added: the offer to load its history.
const offer = document.getElementById("load-history");

document.getElementById("add-symbol")?.addEventListener("done", (event) => {
  event.target.reset();
  if (!offer) return;
  const { symbol, history } = event.detail.answer;
  offer.elements.symbols.value = history.conf.symbols.join(" ");
  offer.elements.start.min = history.conf.start;
  offer.elements.end.max = history.conf.end;
  offer.querySelector("[data-symbol]").textContent = symbol;
  offer.hidden = false;
  offer.elements.start.focus();
});

offer?.addEventListener("done", () => { offer.hidden = true; });
offer?.querySelector("[data-dismiss]").addEventListener("click", () => { offer.hidden = true; });
