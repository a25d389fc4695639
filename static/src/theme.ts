/**
 * Puts the reader's own choice of light or dark on the page before anything is painted; without a choice the system's
 * preference rules, by CSS alone. Loaded as a plain script in the head, so it imports nothing.
 */
(() => {
  try {
    const theme = localStorage.getItem("slipway.theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset["theme"] = theme;
  } catch {
    // Storage is forbidden: the system's preference it is.
  }
})();
