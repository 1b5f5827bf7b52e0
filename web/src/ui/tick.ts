// A moment that moves on while a view is shown; for countdowns in whole seconds. Clocks paint themselves (clock-face.tsx).
import { useEffect, useState } from 'preact/hooks';

/** `performance.now()`, renewed every `ms` while `isRunning`. */
export function useTick(ms: number, isRunning: boolean): number {
  const [now, setNow] = useState(() => performance.now());
  useEffect(() => {
    if (!isRunning) return undefined;
    setNow(performance.now());
    const timer = setInterval(() => setNow(performance.now()), ms);
    return () => clearInterval(timer);
  }, [ms, isRunning]);
  return now;
}
