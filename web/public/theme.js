// Sets the chosen theme before the first paint. Nothing else may be added here: it blocks the page.
try {
  var theme = localStorage.getItem('zeitnot.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch (e) {
  // Storage is forbidden: the system's theme stays.
}
