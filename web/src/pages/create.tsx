// The form of a new game: its terms, and two ways to find the other player. It is a chunk of its own, because a position to
// start from needs the rules and a board.
import './create.css';
import { useState } from 'preact/hooks';
import { Still } from '../board/still';
import { failureWords } from '../core/api';
import { colorName, variantNames, type Pace } from '../core/format';
import type { Wish } from '../core/lobby';
import { dayChoices, incrementSteps, limitSteps, paceProblem, speedName } from '../core/pace';
import { readPosition } from '../core/position';
import type { ColorChoice, Variant } from '../protocol';
import { Choice, type Option } from '../ui/choice';
import { useClient } from '../ui/client';
import { Side } from '../ui/side';
import { StepSlider } from '../ui/step-slider';

export interface CreateProps {
  onSeek(wish: Wish): void;
}

type Kind = Pace['type'];

const kinds: ReadonlyArray<Option<Kind>> = [
  { value: 'clock', label: 'Clock' },
  { value: 'correspondence', label: 'Days' },
  { value: 'unlimited', label: 'Unlimited' },
];
const sides: ReadonlyArray<Option<ColorChoice>> = (['white', 'random', 'black'] as const).map((side) => ({
  value: side,
  label: (
    <Side side={side}>{side === 'random' ? 'Random' : colorName(side)}</Side>
  ),
}));
const variants = Object.keys(variantNames) as Variant[];

export function Create({ onSeek }: CreateProps) {
  const { api, navigate, sitsIn } = useClient();
  const [variant, setVariant] = useState<Variant>('standard');
  const [fen, setFen] = useState('');
  const [kind, setKind] = useState<Kind>('clock');
  const [limit, setLimit] = useState(300);
  const [increment, setIncrement] = useState(3);
  const [days, setDays] = useState('3');
  const [side, setSide] = useState<ColorChoice>('random');
  const [state, setState] = useState<{ isBusy: boolean; error?: string }>({ isBusy: false });

  const pace: Pace =
    kind === 'clock'
      ? { type: 'clock', limit, increment }
      : kind === 'correspondence'
        ? { type: 'correspondence', daysPerTurn: Number(days) }
        : { type: 'unlimited' };
  const needsFen = variant === 'fromPosition';
  const fenProblem = needsFen ? problemOfFen(fen) : undefined;
  const problem = paceProblem(pace) ?? fenProblem;
  const isByLink = needsFen || kind === 'unlimited';

  const seek = (): void => {
    const terms = pace.type === 'clock' ? { clock: { limit, increment } } : { days: Number(days) };
    onSeek({ variant, color: side, ...terms });
  };
  const invite = async (): Promise<void> => {
    setState({ isBusy: true });
    try {
      const made = await api.createOpen({ variant, pace, ...(needsFen ? { fen: fen.trim() } : {}) });
      await api.accept(made.id, side === 'random' ? undefined : side);
      sitsIn(made.id);
      navigate(`/${made.id}`);
    } catch (error) {
      setState({ isBusy: false, error: failureWords(error) });
    }
  };

  return (
    <form
      class="create"
      onSubmit={(event) => {
        event.preventDefault();
        if (problem !== undefined || state.isBusy) return;
        if (isByLink) void invite();
        else seek();
      }}
    >
      <div>
        <label>
          <span class="choice-label">Variant</span>
          <select
            class="field"
            value={variant}
            aria-describedby="create-rule"
            onChange={(event) => setVariant(event.currentTarget.value as Variant)}
          >
            {variants.map((key) => (
              <option key={key} value={key}>
                {variantNames[key]}
              </option>
            ))}
          </select>
        </label>
        <p id="create-rule" class="create-rule muted small">
          {rules[variant]}
        </p>
      </div>
      {needsFen ? <PositionField fen={fen} problem={fenProblem} onFen={setFen} /> : null}
      <Choice label="Time" options={kinds} value={kind} onChange={(value) => setKind(value)} />
      {kind === 'clock' ? (
        <div class="create-sliders">
          <StepSlider label="Minutes a side" steps={limitSteps} value={limit} show={showMinutes} onChange={setLimit} />
          <StepSlider label="Increment in seconds" steps={incrementSteps} value={increment} show={String} onChange={setIncrement} />
        </div>
      ) : null}
      {kind === 'correspondence' ? (
        <Choice
          label="Days for each move"
          options={dayChoices.map((n) => ({ value: String(n), label: String(n) }))}
          value={days}
          onChange={setDays}
        />
      ) : null}
      <Choice label="You play" options={sides} value={side} onChange={(value) => setSide(value)} />
      <div class="create-ways">
        <button type="submit" class="button button-big" data-main={!isByLink} disabled={isByLink || problem !== undefined || state.isBusy}>
          Find an opponent
        </button>
        <button
          type="button"
          class="button button-big"
          data-main={isByLink}
          disabled={problem !== undefined || state.isBusy}
          onClick={() => void invite()}
        >
          {state.isBusy ? 'Making the game…' : 'Invite by link'}
        </button>
      </div>
      <p class="small create-note" role="status" data-tone={state.error === undefined && problem === undefined ? 'calm' : 'bad'}>
        {state.error ?? problem ?? noteOf(pace, needsFen)}
      </p>
    </form>
  );
}

interface PositionFieldProps {
  readonly fen: string;
  readonly problem: string | undefined;
  onFen(fen: string): void;
}

function PositionField({ fen, problem, onFen }: PositionFieldProps) {
  return (
    <div class="create-position">
      <label>
        <span class="choice-label">Position (FEN)</span>
        <input
          class="field"
          value={fen}
          placeholder="8/8/4k3/8/8/4KP2/8/8 w - - 0 1"
          spellcheck={false}
          aria-invalid={fen !== '' && problem !== undefined}
          onInput={(event) => onFen(event.currentTarget.value)}
        />
      </label>
      {problem === undefined ? <Still fen={fen.trim()} /> : null}
    </div>
  );
}

function noteOf(pace: Pace, needsFen: boolean): string {
  if (needsFen) return 'A game from your own position needs a link: send it to a friend.';
  if (pace.type === 'unlimited') return 'A game without a limit needs a link: send it to a friend.';
  const speed = pace.type === 'clock' ? speedName(pace.limit, pace.increment) : 'Correspondence';
  return `${speed} · casual`;
}

function showMinutes(seconds: number): string {
  const fractions: Readonly<Record<number, string>> = { 15: '¼', 30: '½', 45: '¾', 90: '1½' };
  return fractions[seconds] ?? String(seconds / 60);
}

function problemOfFen(fen: string): string | undefined {
  if (fen.trim() === '') return 'Enter the position to start from.';
  return readPosition('fromPosition', fen.trim()) === undefined ? 'That is not a position one can play from.' : undefined;
}

const rules: { readonly [V in Variant]: string } = {
  standard: 'The game as you know it',
  chess960: 'The pieces start shuffled',
  crazyhouse: 'What you capture, you may put back as yours',
  antichess: 'Captures are forced; lose everything to win',
  atomic: 'Every capture explodes',
  horde: 'An army of pawns against the pieces',
  kingOfTheHill: 'A king in the center wins',
  racingKings: 'First king on the last rank wins; no checks',
  threeCheck: 'The third check wins',
  fromPosition: 'Start where you like',
};
