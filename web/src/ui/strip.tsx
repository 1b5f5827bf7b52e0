// The line of one player beside the board: name, presence, material, pocket, clock.
import './strip.css';
import { createElement, type ComponentChildren } from 'preact';
import { colorName, formatSpan } from '../core/format';
import { isRunning, type Game } from '../core/game';
import { leadOf } from '../core/material';
import { checksLeft, type Position } from '../core/position';
import type { GameStore } from '../core/store';
import type { Color } from '../protocol';
import { ClockFace } from './clock-face';
import { useTick } from './tick';

interface StripProps {
  readonly store: GameStore;
  readonly game: Game;
  readonly color: Color;
  readonly position: Position | undefined;
  readonly children?: ComponentChildren;
}

export function Strip({ store, game, color, position, children }: StripProps) {
  const player = game.players[color];
  const isMine = game.seat === color;
  const shown = store.shown.value;
  const lead = leadOf(shown?.fen ?? game.fen, color, game.variant);
  const left = position === undefined ? undefined : checksLeft(position);
  const ticking = store.clock.value;
  const isPresent = game.attendance[color];
  return (
    <div class="strip" data-color={color} data-turn={isRunning(game) && game.turn === color}>
      {isPresent === undefined ? null : (
        <i class="strip-dot" role="img" data-present={isPresent} aria-label={isPresent ? 'Here' : 'Away'} title={isPresent ? 'Here' : 'Away'} />
      )}
      <div class="strip-who">
        <span class="strip-name" dir="auto">
          {player?.name ?? colorName(color)}
          {isMine ? <span class="muted"> (you)</span> : null}
          {isPresent === false ? <span class="muted" aria-hidden="true"> away</span> : null}
          {player?.rating === undefined ? null : <span class="muted"> {player.rating}</span>}
        </span>
        {left === undefined && lead.roles.length === 0 ? null : (
          <span class="strip-lead" aria-label={lead.points > 0 ? `ahead by ${lead.points}` : undefined}>
            {left === undefined ? null : <span class="strip-checks">{left[color]} checks to win</span>}
            <span class="strip-pieces cg-wrap" aria-hidden="true">
              {lead.roles.map((role, index) =>
                createElement('piece', { class: `${role} ${color === 'white' ? 'black' : 'white'}`, key: index }),
              )}
            </span>
            {lead.points > 0 ? <span>+{lead.points}</span> : null}
          </span>
        )}
      </div>
      {children}
      {ticking === null || game.limits === null ? (
        <DueTime game={game} color={color} />
      ) : (
        <ClockFace color={color} ticking={ticking} initial={game.limits.initial} />
      )}
    </div>
  );
}

/** The time left for a move in a game without clocks. */
function DueTime({ game, color }: { game: Game; color: Color }) {
  const isDue = isRunning(game) && game.turn === color && game.moveBy !== undefined;
  const now = useTick(1000, isDue);
  if (!isDue || game.moveBy === undefined) return null;
  return <div class="strip-due muted">{formatSpan(game.moveBy - now)}</div>;
}
