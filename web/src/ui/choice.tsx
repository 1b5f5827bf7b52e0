// A choice of one among few, as a row of buttons. It keeps no state.
import './choice.css';
import type { ComponentChildren } from 'preact';

export interface Option<T extends string> {
  readonly value: T;
  readonly label: ComponentChildren;
  readonly hint?: string;
}

interface ChoiceProps<T extends string> {
  readonly label: string;
  readonly options: ReadonlyArray<Option<T>>;
  readonly value: T;
  readonly layout?: 'row' | 'grid';
  onChange(value: T): void;
}

export function Choice<T extends string>({ label, options, value, layout = 'row', onChange }: ChoiceProps<T>) {
  return (
    <fieldset class="choice">
      <legend class="choice-label">{label}</legend>
      <div class="choice-options" data-layout={layout}>
        {options.map((option) => (
          <button
            key={option.value}
            type="button"
            class="choice-option"
            aria-pressed={option.value === value}
            title={option.hint}
            onClick={() => onChange(option.value)}
          >
            {option.label}
          </button>
        ))}
      </div>
    </fieldset>
  );
}
