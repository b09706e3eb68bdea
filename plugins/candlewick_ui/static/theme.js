// Light or dark as the Airflow UI: it keeps the choice in this origin's storage, and an open page hears when it changes.
(() => {
  const root = document.documentElement;
  const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");

  const chosen = () => {
    const stored = window.localStorage.getItem("theme");
    if (stored === "light" || stored === "dark") return stored;
    return prefersDark.matches ? "dark" : "light";
  };

  const apply = () => {
    const theme = chosen();
    if (root.classList.contains(theme)) return;
    root.classList.remove("light", "dark");
    root.classList.add(theme);
    root.dispatchEvent(new CustomEvent("themechange", { detail: theme }));
  };

  apply();
  window.addEventListener("storage", apply);
  prefersDark.addEventListener("change", apply);
})();
