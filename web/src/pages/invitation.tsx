// A game that waits for its players: its maker sees the link to send, a visitor the seat to take.
import './invitation.css';
import { useEffect, useState } from 'preact/hooks';
import { Still } from '../board/still';
import { failureWords } from '../core/api';
import { colorName, formatPace, opposite } from '../core/format';
import { startFen } from '../core/position';
import type { Challenge, Color } from '../protocol';
import { useClient } from '../ui/client';
import { CopyField } from '../ui/copy';
import { Message } from '../ui/message';

/** How often the server is asked whether the other seat is taken; `game_start` says it sooner. */
const POLL_MS = 2000;
/** And how often when there is nothing at all, which seldom changes. */
const POLL_NOTHING_MS = 20_000;

type State = { readonly challenge: Challenge } | 'loading' | 'none' | { readonly problem: string };

export function Invitation({ id }: { id: string }) {
  const { hub, api } = useClient();
  const [state, setState] = useState<State>('loading');

  useEffect(() => {
    let isGone = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async (): Promise<void> => {
      let pause = POLL_MS;
      try {
        const challenge = await api.challenge(id);
        if (isGone) return;
        const isStarted = challenge === undefined || challenge.status !== 'created' || isFull(challenge);
        if (isStarted) hub.lookAgain(id);
        if (challenge === undefined) pause = POLL_NOTHING_MS;
        setState(challenge === undefined ? 'none' : { challenge });
      } catch (error) {
        if (!isGone) setState((old) => (typeof old === 'object' && 'challenge' in old ? old : { problem: failureWords(error) }));
      }
      if (!isGone) timer = setTimeout(() => void look(), pause);
    };
    void look();
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
  }, [api, hub, id]);

  if (state === 'loading') return <main aria-busy="true" />;
  if (state === 'none') {
    return (
      <Message title="There is no game here" text="The link may be mistyped, or the invitation was never taken and has expired.">
        <a class="button button-main" href="/">
          Make a game
        </a>
      </Message>
    );
  }
  if ('problem' in state) return <Message title="The game cannot be shown" text={`${state.problem} This page keeps trying.`} />;
  return <Waiting challenge={state.challenge} onChange={(challenge) => setState({ challenge })} />;
}

interface WaitingProps {
  readonly challenge: Challenge;
  onChange(challenge: Challenge): void;
}

function Waiting({ challenge, onChange }: WaitingProps) {
  const { hub } = useClient();
  const me = hub.user.value?.id;
  const { white, black } = challenge;
  const seat: Color | undefined =
    me === undefined ? undefined : white?.id === me ? 'white' : black?.id === me ? 'black' : undefined;
  const fen = challenge.initialFen ?? startFen(challenge.variant.key);
  return (
    <main class="invitation">
      <section class="card invitation-card">
        <p class="invitation-terms">
          <strong>{formatPace(challenge.timeControl)}</strong>
          <span>{challenge.variant.name}</span>
          <span>{challenge.rated ? 'Rated' : 'Casual'}</span>
        </p>
        {seat === undefined ? <Join challenge={challenge} onChange={onChange} /> : <SendLink challenge={challenge} seat={seat} />}
      </section>
      <div class="invitation-board">
        <Still fen={fen} orientation={seat ?? (isFree(challenge, 'white') ? 'white' : 'black')} />
      </div>
    </main>
  );
}

function SendLink({ challenge, seat }: { challenge: Challenge; seat: Color }) {
  return (
    <>
      <h2>Send this link to your friend</h2>
      <CopyField label="Link to the game" text={`${location.origin}/${challenge.id}`} isShareable />
      <p class="invitation-wait" role="status">
        <i class="invitation-pulse" aria-hidden="true" />
        Waiting for your opponent. You play {colorName(seat)}; the game starts by itself.
      </p>
    </>
  );
}

function Join({ challenge, onChange }: WaitingProps) {
  const { api, hub, sitsIn } = useClient();
  const [state, setState] = useState<{ isBusy: boolean; error?: string }>({ isBusy: false });
  const free = (['white', 'black'] as const).filter((color) => isFree(challenge, color));
  const [only] = free.length === 1 ? free : [];
  const host = only === undefined ? undefined : challenge[opposite(only)];

  const join = async (color: Color | undefined): Promise<void> => {
    setState({ isBusy: true });
    try {
      await api.accept(challenge.id, color);
      sitsIn(challenge.id);
      hub.lookAgain(challenge.id);
      // With the second seat the game begins and this page shows it; with the first one, its own link.
      if (only !== undefined) return;
      const next = await api.challenge(challenge.id);
      if (next !== undefined) onChange(next);
      setState({ isBusy: false });
    } catch (error) {
      setState({ isBusy: false, error: failureWords(error) });
    }
  };

  if (free.length === 0) return <h2>The game is about to start…</h2>;
  return (
    <>
      <h2>{host === undefined || host === null ? 'Take a seat' : `${host.name} invites you to a game`}</h2>
      {only === undefined ? (
        <div class="invitation-seats">
          {([undefined, 'white', 'black'] as const).map((color) => (
            <button key={color ?? 'any'} type="button" class="button" disabled={state.isBusy} onClick={() => void join(color)}>
              {color === undefined ? 'Random color' : `Play ${colorName(color)}`}
            </button>
          ))}
        </div>
      ) : (
        <button type="button" class="button button-main button-big" disabled={state.isBusy} onClick={() => void join(only)}>
          {state.isBusy ? 'Taking your seat…' : `Join as ${colorName(only)}`}
        </button>
      )}
      {state.error === undefined ? (
        <p class="muted small">The clock starts after both first moves.</p>
      ) : (
        <p class="error-text" role="alert">
          {state.error}
        </p>
      )}
    </>
  );
}

function isFree(challenge: Challenge, color: Color): boolean {
  return challenge[color] === undefined || challenge[color] === null;
}

function isFull(challenge: Challenge): boolean {
  return !isFree(challenge, 'white') && !isFree(challenge, 'black');
}
