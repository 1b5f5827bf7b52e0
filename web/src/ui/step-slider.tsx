// A slider over a list of values that people use, with the chosen one beside its name.
import './step-slider.css';

interface StepSliderProps {
  readonly label: string;
  readonly steps: readonly number[];
  readonly value: number;
  show(value: number): string;
  onChange(value: number): void;
}

export function StepSlider({ label, steps, value, show, onChange }: StepSliderProps) {
  const index = Math.max(0, steps.indexOf(value));
  return (
    <label class="slider">
      <span class="slider-head small">
        <span class="muted">{label}</span>
        <strong>{show(value)}</strong>
      </span>
      <input
        type="range"
        min={0}
        max={steps.length - 1}
        value={index}
        aria-valuetext={show(value)}
        onInput={(event) => onChange(steps[Number(event.currentTarget.value)] ?? value)}
      />
    </label>
  );
}
