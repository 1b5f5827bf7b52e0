// The start page: makes a game for two and leads back to games that run. It seats nobody but its maker.
import './home.css';
import { useState } from 'preact/hooks';
import { Still } from '../board/still';
import { failureWords } from '../core/api';
import { colorName, formatPace, variantNames, type Pace } from '../core/format';
import { dayChoices, incrementSteps, limitSteps, paceProblem, presets, speedName } from '../core/pace';
import { readPosition, startFen } from '../core/position';
import type { Color, Playing, Variant } from '../protocol';
import { Choice, type Option } from '../ui/choice';
import { useClient } from '../ui/client';
import { StepSlider } from '../ui/step-slider';

type Kind = 'clock' | 'correspondence' | 'unlimited';
type Side = Color | 'random';

const kinds: ReadonlyArray<Option<Kind>> = [
  { value: 'clock', label: 'Clock' },
  { value: 'correspondence', label: 'Days' },
  { value: 'unlimited', label: 'Unlimited' },
];
const sides: ReadonlyArray<Option<Side>> = [
  { value: 'white', label: <SideLabel side="white" /> },
  { value: 'random', label: <SideLabel side="random" /> },
  { value: 'black', label: <SideLabel side="black" /> },
];
const variants = Object.keys(variantNames) as Variant[];

export function HomePage() {
  const { hub } = useClient();
  const [variant, setVariant] = useState<Variant>('standard');
  const [fen, setFen] = useState('');
  const preview = variant === 'fromPosition' && readPosition('fromPosition', fen) !== undefined ? fen : startFen(variant);
  return (
    <main class="home">
      <section class="home-intro">
        <h1>Chess with a friend, at the speed of a link.</h1>
        <p class="muted">Make a game, send the link, play. No account, no waiting room.</p>
        <Running games={hub.playing.value} />
        <div class="home-board">
          <Still fen={preview} />
          <p class="muted small">{variant === 'fromPosition' ? 'Your position' : `${variantNames[variant]}: ${rules[variant]}`}</p>
        </div>
      </section>
      <NewGameForm variant={variant} onVariant={setVariant} fen={fen} onFen={setFen} />
    </main>
  );
}

interface NewGameFormProps {
  readonly variant: Variant;
  readonly fen: string;
  onVariant(variant: Variant): void;
  onFen(fen: string): void;
}

function NewGameForm({ variant, fen, onVariant, onFen }: NewGameFormProps) {
  const { api, navigate, sitsIn } = useClient();
  const [kind, setKind] = useState<Kind>('clock');
  const [limit, setLimit] = useState(300);
  const [increment, setIncrement] = useState(3);
  const [days, setDays] = useState('3');
  const [side, setSide] = useState<Side>('random');
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

  const create = async (): Promise<void> => {
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
      class="card home-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (problem === undefined && !state.isBusy) void create();
      }}
    >
      <h2>New game</h2>
      <label>
        <span class="choice-label">Variant</span>
        <select class="field" value={variant} onChange={(event) => onVariant(event.currentTarget.value as Variant)}>
          {variants.map((key) => (
            <option key={key} value={key}>
              {variantNames[key]}
            </option>
          ))}
        </select>
      </label>
      {needsFen ? (
        <label>
          <span class="choice-label">Position (FEN)</span>
          <input
            class="field"
            value={fen}
            placeholder="8/8/4k3/8/8/4KP2/8/8 w - - 0 1"
            spellcheck={false}
            aria-invalid={fen !== '' && fenProblem !== undefined}
            onInput={(event) => onFen(event.currentTarget.value)}
          />
        </label>
      ) : null}
      <Choice label="Time" options={kinds} value={kind} onChange={(value) => setKind(value)} />
      {kind === 'clock' ? (
        <ClockFields limit={limit} increment={increment} onLimit={setLimit} onIncrement={setIncrement} />
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
      <button type="submit" class="button button-main button-big" disabled={problem !== undefined || state.isBusy}>
        {state.isBusy ? 'Making the game…' : 'Create game'}
      </button>
      <p class="small home-note" role="status" data-tone={state.error === undefined && problem === undefined ? 'calm' : 'bad'}>
        {state.error ?? problem ?? `${formatPace(pace)} · casual · the next page has the link for your friend`}
      </p>
    </form>
  );
}

interface ClockFieldsProps {
  readonly limit: number;
  readonly increment: number;
  onLimit(limit: number): void;
  onIncrement(increment: number): void;
}

function ClockFields({ limit, increment, onLimit, onIncrement }: ClockFieldsProps) {
  const chosen = presets.find((one) => one.limit === limit && one.increment === increment);
  const options = presets.map(({ key, limit, increment }) => ({
    value: key,
    label: (
      <span class="home-preset">
        {key}
        <small>{speedName(limit, increment)}</small>
      </span>
    ),
  }));
  const choose = (key: string): void => {
    const preset = presets.find((one) => one.key === key);
    if (preset === undefined) return;
    onLimit(preset.limit);
    onIncrement(preset.increment);
  };
  return (
    <>
      <Choice label="Minutes + seconds a move" layout="grid" options={options} value={chosen?.key ?? ''} onChange={choose} />
      <div class="home-sliders">
        <StepSlider label="Minutes a side" steps={limitSteps} value={limit} show={showMinutes} onChange={onLimit} />
        <StepSlider label="Increment in seconds" steps={incrementSteps} value={increment} show={String} onChange={onIncrement} />
      </div>
    </>
  );
}

function Running({ games }: { games: readonly Playing[] }) {
  const { navigate } = useClient();
  if (games.length === 0) return null;
  return (
    <ul class="home-running">
      {games.map(({ game, color, opponent }) => (
        <li key={game}>
          <a
            class="card home-resume"
            href={`/${game}`}
            onClick={(event) => {
              event.preventDefault();
              navigate(`/${game}`);
            }}
          >
            <span>
              <strong>Your game is running</strong>
              <span class="muted small">
                You play {colorName(color)} against {opponent?.name ?? 'your opponent'}
              </span>
            </span>
            <span class="button button-main">Return</span>
          </a>
        </li>
      ))}
    </ul>
  );
}

function SideLabel({ side }: { side: Side }) {
  return (
    <span class="home-side">
      <i class="home-side-dot" data-side={side} aria-hidden="true" />
      {side === 'random' ? 'Random' : colorName(side)}
    </span>
  );
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
  standard: 'the game as you know it',
  chess960: 'the pieces start shuffled',
  crazyhouse: 'what you capture, you may put back as yours',
  antichess: 'captures are forced; lose everything to win',
  atomic: 'every capture explodes',
  horde: 'an army of pawns against the pieces',
  kingOfTheHill: 'a king in the center wins',
  racingKings: 'first king on the last rank wins; no checks',
  threeCheck: 'the third check wins',
  fromPosition: 'start where you like',
};
