#!/usr/bin/env python3
"""Replays games by python-chess, a judge that shares no code with the server or the load tool.

Takes files of `zeitnot-loadtest chaos --sample`, a line of JSON for each game: its variant, its first position, its moves,
and what a node shows in the end. Says which games are not so, and fails if there is one, or if there are no games at all.
"""

import json
import sys

import chess
import chess.variant

# The names of the variants here, where python-chess has another one.
NAMES = {
    "standard": "chess",
    "fromPosition": "chess",
    "chess960": "chess",
    "kingOfTheHill": "kingofthehill",
    "racingKings": "racingkings",
    "threeCheck": "3check",
}

COLORS = {"white": chess.WHITE, "black": chess.BLACK}


def board_of(game):
    kind = chess.variant.find_variant(NAMES.get(game["variant"], game["variant"]))
    return kind(game["initial_fen"], chess960=game["variant"] == "chess960")


def is_over(board):
    """Whether the rules end a game without anybody asking for it."""
    return (
        board.is_variant_end()
        or board.is_checkmate()
        or board.is_stalemate()
        or board.is_insufficient_material()
        or board.is_fivefold_repetition()
        or board.is_seventyfive_moves()
    )


def is_right(board, game):
    """Whether the position and the moves allow the end that a node shows."""
    status, reason = game["status"], game["reason"]
    winner = COLORS.get(game["winner"])
    if status == "started":
        return winner is None and not is_over(board)
    if status == "mate":
        return board.is_checkmate() and winner == (not board.turn)
    if status == "variantEnd":
        result = {chess.WHITE: "1-0", chess.BLACK: "0-1", None: "1/2-1/2"}[winner]
        return board.is_variant_end() and board.result() == result
    if status == "stalemate":
        return board.is_stalemate() and winner is None
    if status == "draw":
        rules = {
            "dead": board.is_insufficient_material,
            "fivefold": board.is_fivefold_repetition,
            "seventyfive": board.is_seventyfive_moves,
            "threefold": lambda: board.is_repetition(3),
            "fifty": board.is_fifty_moves,
            "maxPlies": lambda: board.ply() >= 600,
            "agreement": lambda: not is_over(board),
        }
        return winner is None and reason in rules and rules[reason]()
    if status == "outoftime":
        other = not board.turn
        return winner == (None if board.has_insufficient_material(other) else other)
    if status == "resign":
        return winner is not None
    return status == "aborted" and board.ply() < 2


def judge(game):
    """What is wrong with a game, or nothing."""
    board = board_of(game)
    for ply, uci in enumerate(game["moves"].split(), start=1):
        move = chess.Move.from_uci(uci)
        if not board.is_legal(move):
            return f"half-move {ply}, {uci}, is illegal in {board.fen()}"
        board.push(move)
    if board.fen() != game["fen"]:
        return f"it is shown as {game['fen']}, and is {board.fen()}"
    if not is_right(board, game):
        return f"{game['status']} {game['winner']} {game['reason']} in {board.fen()}"
    return None


def main(paths):
    count, wrong = 0, 0
    for path in paths:
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                game = json.loads(line)
                count += 1
                why = judge(game)
                if why:
                    wrong += 1
                    print(f"{game['store']}, seed {game['seed']}, game {game['game']}: {why}")
    print(f"python-chess replayed {count} games, {wrong} of them otherwise")
    return 1 if wrong or not count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
