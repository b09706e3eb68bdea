// After a symbol was added: the offer to load its history.
const offer = document.getElementById("load-history");

document.getElementById("add-symbol")?.addEventListener("done", (event) => {
  event.target.reset();
  if (!offer) return;
  offer.elements.symbols.value = event.detail.body.symbol;
  offer.querySelector("[data-symbol]").textContent = event.detail.body.symbol;
  offer.hidden = false;
  offer.elements.start.focus();
});

offer?.addEventListener("done", () => { offer.hidden = true; });
offer?.querySelector("[data-dismiss]").addEventListener("click", () => { offer.hidden = true; });
