// What the page says about games, refusals and the line, in sentences. It decides nothing: it only puts codes into words.
import type { ErrorCode } from '../protocol';
import { colorName, formatSpan } from './format';
import type { Game } from './game';

/** How a game ended: a score and the reason, e.g. `1–0`, `White won by checkmate`. Nothing while it runs. */
export function outcomeOf(game: Game): { readonly score: string; readonly words: string } | undefined {
  if (game.status === 'started') return undefined;
  if (game.status === 'aborted') {
    return { score: '–', words: 'Game aborted. It counts for nobody.' };
  }
  if (game.winner === undefined) return { score: '½–½', words: drawWords(game) };
  const score = game.winner === 'white' ? '1–0' : '0–1';
  return { score, words: `${colorName(game.winner)} won ${winWords(game)}` };
}

const refusals: { readonly [C in ErrorCode]: string } = {
  bad_request: 'The server did not understand that. Reload the page: a newer version may be there.',
  unauthorized: 'You are not signed in any more. Reload the page to go on.',
  bad_credentials: 'Wrong name or password.',
  forbidden: 'You have no seat in this game, so you can only watch.',
  not_found: 'That game does not exist.',
  name_taken: 'That name is taken. Choose another.',
  conflict: 'That seat is already taken.',
  not_your_turn: 'It is not your turn.',
  illegal_move: 'That move is not legal.',
  stale: 'Something else happened first. The board shows the game as it is now.',
  game_over: 'The game is already over.',
  not_allowed: 'That is not possible now.',
  too_large: 'That is too long.',
  rate_limited: 'Too many requests.',
  unavailable: 'The server cannot store anything just now.',
};

/** Why something was refused and what can be done. `message` is the server's own, used for codes that are new here. */
export function refusalWords(code: string, message: string, retryAfterMs?: number): string {
  const words =
    code === 'not_allowed' && message !== ''
      ? `Not possible: ${message}.`
      : Object.hasOwn(refusals, code)
        ? refusals[code as ErrorCode]
        : `The server refused: ${message}.`;
  return retryAfterMs === undefined ? words : `${words} Try again in ${formatSpan(retryAfterMs)}.`;
}

function winWords(game: Game): string {
  const loser = game.winner === 'white' ? 'Black' : 'White';
  switch (game.status) {
    case 'mate':
      return 'by checkmate';
    case 'resign':
      return `– ${loser} resigned`;
    case 'outoftime':
      return 'on time';
    case 'timeout':
      return `– ${loser} left the game`;
    case 'variantEnd':
      return variantWin(game);
    default:
      return '';
  }
}

function variantWin(game: Game): string {
  switch (game.variant) {
    case 'atomic':
      return 'by exploding the king';
    case 'kingOfTheHill':
      return 'by reaching the center';
    case 'racingKings':
      return 'the race';
    case 'threeCheck':
      return 'by three checks';
    case 'antichess':
      return 'by losing all pieces';
    case 'horde':
      return 'by taking the whole horde';
    default:
      return 'by the variant’s rules';
  }
}

function drawWords(game: Game): string {
  if (game.status === 'stalemate') return 'Draw by stalemate';
  if (game.status === 'variantEnd') return 'Draw by the variant’s rules';
  switch (game.reason) {
    case 'agreement':
      return 'Draw by agreement';
    case 'threefold':
      return 'Draw by threefold repetition';
    case 'fivefold':
      return 'Draw by fivefold repetition';
    case 'fifty':
      return 'Draw by the fifty-move rule';
    case 'seventyfive':
      return 'Draw by the seventy-five-move rule';
    case 'dead':
      return 'Draw: neither side can mate';
    case 'maxPlies':
      return 'Draw: the game reached its longest length';
    case 'cannotMate':
      return 'Draw: time ran out, but the opponent cannot mate';
    default:
      return game.status === 'timeout' ? 'Draw: the opponent left the game' : 'Draw';
  }
}
