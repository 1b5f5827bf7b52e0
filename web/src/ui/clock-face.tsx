// One side's clock. It writes its text itself at the moments it changes, outside of the views' rendering.
import './clock-face.css';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { lowTimeMs, msToNextPaint, remaining, type Ticking } from '../core/clock';
import { colorName, formatClock } from '../core/format';
import type { Color } from '../protocol';

interface ClockFaceProps {
  readonly color: Color;
  readonly ticking: Ticking;
  readonly initial: number;
}

export function ClockFace({ color, ticking, initial }: ClockFaceProps) {
  const element = useRef<HTMLDivElement>(null);
  const isRunning = ticking.running === color;

  useLayoutEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const paint = (): void => {
      const ms = remaining(ticking, color, performance.now());
      if (element.current !== null) {
        element.current.textContent = formatClock(ms);
        element.current.dataset['low'] = String(ms < lowTimeMs(initial));
      }
      if (isRunning && ms > 0) timer = setTimeout(paint, msToNextPaint(ms));
    };
    paint();
    return () => clearTimeout(timer);
  }, [ticking, color, isRunning, initial]);

  return <div ref={element} class="clock" role="timer" aria-label={`${colorName(color)}’s clock`} data-running={isRunning} data-color={color} />;
}
