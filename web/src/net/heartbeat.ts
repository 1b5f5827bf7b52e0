// Notices when the page may have slept or changed networks, and says so. It knows nothing of the socket.

const BEAT_MS = 1000;
/** Timers that are this late mean that the machine slept, or the page was frozen. */
const ASLEEP_MS = 5000;

/** Calls `nudge` when the network goes or returns, the page becomes visible, or it wakes from sleep. */
export function onWake(nudge: () => void): void {
  window.addEventListener('online', nudge);
  window.addEventListener('offline', nudge);
  window.addEventListener('pageshow', (event) => {
    if (event.persisted) nudge();
  });
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') nudge();
  });
  let last = Date.now();
  setInterval(() => {
    const now = Date.now();
    if (now - last > ASLEEP_MS && document.visibilityState === 'visible') nudge();
    last = now;
  }, BEAT_MS);
}
