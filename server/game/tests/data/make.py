#!/usr/bin/env python3
"""Makes the test data of this folder with python-chess.

    python3 make.py PATH_TO_PYTHON_CHESS_SOURCE

The argument is the unpacked source distribution of python-chess 1.11: the
library itself is used from there, its data/pgn gives real games, and its
examples/perft the published move counts. Nothing here is left to chance: the
short games found by search come from a fixed generator, so that a second run
writes the same bytes.
"""

import json
import pathlib
import sys

if len(sys.argv) != 2:
    sys.exit(__doc__)
SOURCE = pathlib.Path(sys.argv[1])
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(SOURCE))

import chess  # noqa: E402
import chess.pgn  # noqa: E402
import chess.variant as v  # noqa: E402

BOARDS = {
    "standard": chess.Board,
    "chess960": chess.Board,
    "fromPosition": chess.Board,
    "crazyhouse": v.CrazyhouseBoard,
    "antichess": v.AntichessBoard,
    "atomic": v.AtomicBoard,
    "horde": v.HordeBoard,
    "kingOfTheHill": v.KingOfTheHillBoard,
    "racingKings": v.RacingKingsBoard,
    "threeCheck": v.ThreeCheckBoard,
}
# Variants whose castling may start from any squares, and is written in UCI as
# the king taking its own rook.
ANY_CASTLING = ("chess960", "fromPosition")


def new_board(variant, fen=None):
    cls = BOARDS[variant]
    return cls(fen or cls.starting_fen, chess960=variant in ANY_CASTLING)


def fen_of(board):
    return board.fen(en_passant="legal")


def color_name(color):
    return {chess.WHITE: "white", chess.BLACK: "black", None: None}[color]


def is_mate(board):
    """Mate by the rules of the pieces alone.

    Where a variant's own end leaves no legal moves (third check, king on the
    hill), the position is looked at again as one of standard chess.
    """
    if not board.is_variant_end():
        return board.is_checkmate()
    if not isinstance(board, (v.KingOfTheHillBoard, v.ThreeCheckBoard)):
        return False
    turn = "w" if board.turn else "b"
    ep = chess.square_name(board.ep_square) if board.ep_square else "-"
    return chess.Board(f"{board.board_fen()} {turn} - {ep} 0 1").is_checkmate()


def verdict(board):
    """(kind of end or None, winner or None); mate goes before a variant's end."""
    if is_mate(board):
        return "mate", not board.turn
    if board.is_variant_win():
        return "variantEnd", board.turn
    if board.is_variant_loss():
        return "variantEnd", not board.turn
    if board.is_variant_end() or board.is_variant_draw():
        return "variantEnd", None
    if board.is_stalemate():
        return "stalemate", None
    if board.is_insufficient_material():
        return "dead", None
    return None, None


# --- files -----------------------------------------------------------------


def write_rows(name, rows, flat=False):
    """A JSON array: one line a row, or one line a field."""
    def show(value):
        return json.dumps(value, ensure_ascii=False)

    def record(row):
        if flat:
            return "  " + show(row)
        fields = ",\n".join(f"    {show(k)}: {show(x)}" for k, x in row.items())
        return "  {\n" + fields + "\n  }"

    text = "[\n" + ",\n".join(map(record, rows)) + "\n]\n"
    (HERE / name).write_text(text, encoding="utf-8")
    print(f"{name}: {len(rows)}")


def replay(board, moves):
    """Plays moves (checked), returns the fields all game tables share."""
    initial, ucis, sans = fen_of(board), [], []
    for move in moves:
        assert board.is_legal(move), (board.fen(), move)
        ucis.append(board.uci(move))
        sans.append(board.san(move))
        board.push(move)
    assert board.is_valid() or board.is_variant_end(), board.fen()
    return {"initial_fen": initial, "moves": ucis, "sans": sans, "final_fen": fen_of(board)}


def san_moves(board, sans):
    board = board.copy()
    return [board.push_san(san) for san in sans.split()]


# --- games.json --------------------------------------------------------------

# Games given here by their moves.
KNOWN_GAMES = [
    ("Paul Morphy – Duke of Brunswick and Count Isouard, Paris 1858", "1-0",
     "e4 e5 Nf3 d6 d4 Bg4 dxe5 Bxf3 Qxf3 dxe5 Bc4 Nf6 Qb3 Qe7 Nc3 c6 Bg5 b5 Nxb5 cxb5 Bxb5+ Nbd7 "
     "O-O-O Rd8 Rxd7 Rxd7 Rd1 Qe6 Bxd7+ Nxd7 Qb8+ Nxb8 Rd8#"),
    ("Gunnar Gundersen – Albert Faul, Melbourne 1928 (mate by taking en passant)", "1-0",
     "e4 e6 d4 d5 e5 c5 c3 cxd4 cxd4 Bb4+ Nc3 Nc6 Nf3 Nge7 Bd3 O-O Bxh7+ Kxh7 Ng5+ Kg6 h4 Nxd4 "
     "Qg4 f5 h5+ Kh6 Nxe6+ g5 hxg6#"),
    ("Efim Bogoljubov – Alexander Alekhine, Hastings 1922 (three promotions)", "0-1",
     "d4 f5 c4 Nf6 g3 e6 Bg2 Bb4+ Bd2 Bxd2+ Nxd2 Nc6 Ngf3 O-O O-O d6 Qb3 Kh8 Qc3 e5 e3 a5 b3 Qe8 "
     "a3 Qh5 h4 Ng4 Ng5 Bd7 f3 Nf6 f4 e4 Rfd1 h6 Nh3 d5 Nf1 Ne7 a4 Nc6 Rd2 Nb4 Bh1 Qe8 Rg2 dxc4 "
     "bxc4 Bxa4 Nf2 Bd7 Nd2 b5 Nd1 Nd3 Rxa5 b4 Rxa8 bxc3 Rxe8 c2 Rxf8+ Kh7 Nf2 c1=Q+ Nf1 Ne1 Rh2 "
     "Qxc4 Rb8 Bb5 Rxb5 Qxb5 g4 Nf3+ Bxf3 exf3 gxf5 Qe2 d5 Kg8 h5 Kh7 e4 Nxe4 Nxe4 Qxe4 d6 cxd6 "
     "f6 gxf6 Rd2 Qe2 Rxe2 fxe2 Kf2 exf1=Q+ Kxf1 Kg7 Ke2 Kf7 Ke3 Ke6 Ke4 d5+"),
]

# Games of data/pgn: name, variant, file, which game of the file.
PGN_GAMES = [
    ("Molinari – Bordais, 1979 (smothered mate)", "standard", "molinari-bordais-1979.pgn", 0),
    ("Garry Kasparov – Deep Blue, New York 1997, game 4", "standard", "kasparov-deep-blue-1997.pgn", 3),
    ("Ian Nepomniachtchi – Ding Liren, Astana 2023, game 1", "standard", "nepomniachtchi-liren-game1.pgn", 0),
    ("Maverick 1.5 – Stockfish 7, engine match 2016, game 1", "chess960", "cutechess-fischerrandom.pgn", 0),
    ("Stockfish 7 – Maverick 1.5, engine match 2016, game 4", "chess960", "cutechess-fischerrandom.pgn", 3),
    ("saturos – JannLee, online 2016 (drops, a promoted queen taken)", "crazyhouse", "saturs-jannlee-zh-lichess.pgn", 0),
    ("knightvuillaume – JannLee, online 2017", "crazyhouse", "knightvuillaume-jannlee-zh-lichess.pgn", 0),
    ("ProgramFOX' first antichess game (White loses all pieces)", "antichess", "antichess-programfox.pgn", 0),
    ("ProgramFOX' second antichess game (promotion to king)", "antichess", "antichess-programfox.pgn", 1),
]


def make_games():
    rows = []

    def add(name, variant, board, moves, result):
        row = {"name": name, "variant": variant, **replay(board, moves), "result": result}
        row["ending"] = verdict(board)[0] or "unfinished"
        rows.append(row)

    for name, result, sans in KNOWN_GAMES:
        add(name, "standard", chess.Board(), san_moves(chess.Board(), sans), result)
    for name, variant, file, index in PGN_GAMES:
        with open(SOURCE / "data/pgn" / file, encoding="utf-8-sig") as handle:
            for _ in range(index + 1):
                game = chess.pgn.read_game(handle)
        assert not game.errors, game.errors
        board = new_board(variant, game.board().fen())
        add(name, variant, board, list(game.mainline_moves()), game.headers["Result"])
    write_rows("games.json", rows)


# --- variants.json -------------------------------------------------------------


class Dice:
    """A small fixed generator (so that no library's choice matters)."""

    def __init__(self, seed):
        self.state = seed * 2654435761 + 1

    def pick(self, items):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return items[(self.state >> 33) % len(items)]


def castling_first(board, moves):
    return [m for m in moves if board.is_castling(m)]


def black_takes(board, moves):
    return [] if board.turn else [m for m in moves if board.is_capture(m)]


def white_hunts(board, moves):
    """White takes and promotes, Black does anything."""
    if not board.turn:
        return []
    return [m for m in moves if m.promotion] or [m for m in moves if board.is_capture(m)]


def kings_run(board, moves):
    king = board.king(board.turn)
    return [m for m in moves if m.from_square == king and m.to_square >> 3 > king >> 3]


def search(variant, fen, plies, goal, prefer=None, seeds=20000):
    """The first seeded playout in which some move reaches the goal."""
    for seed in range(seeds):
        board, dice = new_board(variant, fen), Dice(seed)
        for _ in range(plies):
            moves = sorted(board.legal_moves, key=chess.Move.uci)
            for move in moves:
                board.push(move)
                if goal(board, *verdict(board)):
                    return list(board.move_stack)
                board.pop()
            if not moves:
                break
            board.push(dice.pick(prefer and prefer(board, moves) or moves))
    raise LookupError(variant)


def castled(board, color):
    """Did this side castle in the moves on the board's stack?"""
    again, found = board.root(), False
    for move in board.move_stack:
        found |= again.turn == color and again.is_castling(move)
        again.push(move)
    return found


def make_variants():
    rows = []

    def add(name, variant, moves, status, *winner, fen=None):
        """Moves are SAN words or a found list; the winner, if named, is checked."""
        board = new_board(variant, fen)
        if isinstance(moves, str):
            moves = san_moves(board, moves)
        assert board.is_valid(), (name, board.status())
        row = {"name": name, "variant": variant, **replay(board, moves)}
        kind, won = verdict(board)
        assert kind == status and (not winner or won is winner[0]), (name, kind, won)
        row.update(status=status, winner=color_name(won))
        rows.append(row)

    white, black = chess.WHITE, chess.BLACK

    def mate(board, end, winner):
        return end == "mate"

    add("scholar's mate", "standard", "e4 e5 Bc4 Nc6 Qh5 Nf6 Qxf7#", "mate", white)
    add("fool's mate", "standard", "f3 e5 g4 Qh4#", "mate", black)
    add("shortest known stalemate (Loyd)", "standard",
        "e3 a5 Qh5 Ra6 Qxa5 h5 h4 Rah6 Qxc7 f6 Qxd7+ Kf7 Qxb7 Qd3 Qxb8 Qh7 Qxc8 Kg6 Qe6",
        "stalemate", None)
    add("stalemate with all pieces on the board", "standard",
        "d4 d6 Qd2 e5 a4 e4 Qf4 f5 h3 Be7 Qh2 Be6 Ra3 c5 Rg3 Qa5+ Nd2 Bh4 f3 Bb3 d5 e3 c4 f4",
        "stalemate", None)

    def mate_after_castling(board, end, winner):
        return end == "mate" and castled(board, white) and castled(board, black)

    def mate_after_white_castled(board, end, winner):
        return end == "mate" and castled(board, white)

    for number in (2, 700):
        start = chess.Board.from_chess960_pos(number).fen()
        add(f"start {number}: both sides castle, then mate", "chess960",
            search("chess960", start, 60, mate_after_castling, castling_first), "mate", fen=start)
    start = "rk4r1/pp1p1ppp/8/8/8/8/PP1P1PPP/1R3K1R w KQkq - 0 1"
    add("both sides castle from unusual squares, then mate", "fromPosition",
        search("fromPosition", start, 60, mate_after_castling, castling_first), "mate", fen=start)
    start = "4k3/8/8/8/8/8/4P3/R3K2R w KQ - 7 40"
    add("mate after a late start (clock 7, move 40)", "fromPosition",
        search("fromPosition", start, 60, mate_after_white_castled, castling_first), "mate", white, fen=start)

    def drop_mate(board, end, winner):
        drops = [move for move in board.move_stack if move.drop]
        return end == "mate" and board.peek().drop and len(drops) > 2

    add("mate by a drop", "crazyhouse", search("crazyhouse", None, 40, drop_mate), "mate")
    add("a pocket pawn cannot stop the mate", "crazyhouse", "e4 e5 f4 exf4 Bc4 a6 Qf3 a5 Qxf4 a4 Qxf7#",
        "mate", white)

    def lost_all(color):
        return lambda board, end, winner: end == "variantEnd" and winner is color and not board.occupied_co[color]

    def stuck(board, end, winner):
        return end == "variantEnd" and all(board.occupied_co)

    add("White loses all pieces and wins", "antichess",
        search("antichess", None, 120, lost_all(white)), "variantEnd", white)
    add("Black loses all pieces and wins", "antichess",
        search("antichess", None, 120, lost_all(black)), "variantEnd", black)
    add("the side without a move wins", "antichess", search("antichess", None, 120, stuck), "variantEnd")

    add("king exploded next to a capture", "atomic", "Nf3 a6 Ng5 a5 Nxf7#", "variantEnd", white)
    add("mate without an exploded king", "atomic", search("atomic", None, 40, mate), "mate")

    def horde_gone(board, end, winner):
        return end == "variantEnd" and winner is black

    add("the horde is gone", "horde", search("horde", None, 500, horde_gone, black_takes), "variantEnd", black)
    add("the horde mates", "horde", search("horde", None, 300, mate, white_hunts), "mate", white)
    start = "4k3/8/8/p7/P7/8/1r6/8 b - - 0 1"
    add("the last pawn is blocked", "horde", "Rb7", "stalemate", None, fen=start)

    add("king on the hill", "kingOfTheHill", "e4 a6 Ke2 a5 Ke3 a4 Kd4#", "variantEnd", white)
    add("Black's king on the hill", "kingOfTheHill", "h3 e5 h4 Ke7 a3 Ke6 a4 Kd5#", "variantEnd", black)
    add("mate as in standard chess", "kingOfTheHill", "f3 e5 g4 Qh4#", "mate", black)

    def race(color):
        return lambda board, end, winner: end == "variantEnd" and winner is color

    for name, color in (
        ("White's king arrives", white),
        ("Black's king arrives", black),
        ("both kings arrive", None),
    ):
        add(name, "racingKings", search("racingKings", None, 60, race(color), kings_run), "variantEnd", color)

    add("third check", "threeCheck", "e4 e5 Bc4 a6 Bxf7+ Kxf7 Qh5+ Ke7 Qxe5#", "variantEnd", white)
    add("mate at the first check", "threeCheck", "e4 e5 Bc4 Nc6 Qh5 Nf6 Qxf7#", "mate", white)
    write_rows("variants.json", rows)


# --- endings.json ----------------------------------------------------------------

# Only positions are given; the ends and who can mate are python-chess' word.
# Names say what a position shows, as a reader's check.
ENDINGS = {
    "standard": [
        ("start", chess.STARTING_FEN),
        ("mate: fool's", "rnb1kbnr/pppp1ppp/8/4p3/6Pq/5P2/PPPPP2P/RNBQKBNR w KQkq - 1 3"),
        ("mate: back rank", "3R2k1/5ppp/8/8/8/8/8/6K1 b - - 0 1"),
        ("mate: smothered", "6rk/5Npp/8/8/8/8/8/6K1 b - - 0 1"),
        ("mate: queen next to the king", "7k/6Q1/6K1/8/8/8/8/8 b - - 0 1"),
        ("mate: two rooks", "R6k/1R6/8/8/8/8/8/6K1 b - - 0 1"),
        ("mate: clock at 150 changes nothing", "R6k/1R6/8/8/8/8/8/6K1 b - - 150 120"),
        ("mate: the pawn that could take en passant has no right to", "8/8/2Q5/k7/1Pp5/2K5/8/8 b - - 0 1"),
        ("check: taking en passant is the only move", "8/8/2Q5/k7/1Pp5/2K5/8/8 b - b3 0 1"),
        ("check: king moves", "4k3/8/8/8/8/8/4Q3/4K3 b - - 0 1"),
        ("check: rook can step between", "3R2k1/5ppp/8/8/8/4r3/8/6K1 b - - 0 1"),
        ("check: bishop can take", "3R2k1/5ppp/8/b7/8/8/8/6K1 b - - 0 1"),
        ("stalemate: queen", "7k/5Q2/6K1/8/8/8/8/8 b - - 0 1"),
        ("stalemate: pawn on the seventh", "4k3/4P3/4K3/8/8/8/8/8 b - - 0 1"),
        ("stalemate: rook pawn", "k7/P7/K7/8/8/8/8/8 b - - 0 1"),
        ("stalemate: pinned bishop", "R5bk/8/7K/8/8/8/8/8 b - - 0 1"),
        ("stalemate: Loyd", "5bnr/4p1pq/4Qpkr/7p/7P/4P3/PPPP1PP1/RNB1KBNR b KQ - 2 10"),
        ("stalemate: bare kings but for a knight", "7k/8/5NK1/8/8/8/8/8 b - - 0 1"),
        ("dead: K v K", "8/8/4k3/8/8/4K3/8/8 w - - 0 1"),
        ("dead: KN v K", "8/8/4k3/8/8/4K3/5N2/8 w - - 0 1"),
        ("dead: K v KN", "8/5n2/4k3/8/8/4K3/8/8 w - - 0 1"),
        ("dead: KB v K", "8/8/4k3/8/8/4K3/5B2/8 b - - 0 1"),
        ("dead: KB v KB, same colour", "8/8/4k3/5b2/8/4K3/4B3/8 b - - 0 1"),
        ("dead: many bishops of one colour", "1b1b4/b3k3/8/8/8/4K3/5B1B/6B1 w - - 0 1"),
        ("KB v KB, opposite colours", "8/8/4k3/5b2/8/4K3/5B2/8 w - - 0 1"),
        ("KBB v K, one colour", "8/8/4k3/8/8/4K3/4BB2/3B4 w - - 0 1"),
        ("KBB v K, both colours", "8/8/4k3/8/8/4K3/4BB2/8 w - - 0 1"),
        ("KBN v K", "8/8/4k3/8/8/4K3/4BN2/8 w - - 0 1"),
        ("KNN v K", "8/8/4k3/8/8/4K3/4NN2/8 w - - 0 1"),
        ("KN v KN", "8/5n2/4k3/8/8/4K3/5N2/8 w - - 0 1"),
        ("KN v KB", "8/5b2/4k3/8/8/4K3/5N2/8 w - - 0 1"),
        ("KB v KR", "8/5r2/4k3/8/8/4K3/5B2/8 w - - 0 1"),
        ("KN v KR", "8/5r2/4k3/8/8/4K3/5N2/8 w - - 0 1"),
        ("KN v KQ", "8/5q2/4k3/8/8/4K3/5N2/8 w - - 0 1"),
        ("KN v KP", "8/5p2/4k3/8/8/4K3/5N2/8 w - - 0 1"),
        ("KB v KP", "8/5p2/4k3/8/8/4K3/5B2/8 w - - 0 1"),
        ("K v KP", "8/5p2/4k3/8/8/4K3/8/8 w - - 0 1"),
        ("K v KQ", "8/5q2/4k3/8/8/4K3/8/8 w - - 0 1"),
        ("KR v K", "8/8/4k3/8/8/4K3/5R2/8 w - - 0 1"),
        ("locked pawns: not counted as dead", "4k3/8/1p1p1p1p/pPpPpPpP/P1P1P1P1/8/8/4K3 w - - 0 1"),
    ],
    "chess960": [
        ("start 2", chess.Board.from_chess960_pos(2).fen()),
        ("mate: with the right to castle left", "4k3/8/8/8/8/8/4nPPP/5RKR w KQ - 0 1"),
        ("mate by a rook on the back rank", "3R2k1/5ppp/8/8/8/8/8/6K1 b - - 0 1"),
        ("check: castling does not help", "1k2r3/8/8/8/8/8/8/2R1K1R1 w KQ - 0 1"),
        ("dead: K v K", "8/8/4k3/8/8/4K3/8/8 w - - 0 1"),
    ],
    "fromPosition": [
        ("castling from unusual squares", "rk4r1/pp1p1ppp/8/8/8/8/PP1P1PPP/1R3K1R w KQkq - 0 1"),
        ("mate before the first move", "7k/6Q1/6K1/8/8/8/8/8 b - - 0 1"),
        ("stalemate before the first move", "7k/5Q2/6K1/8/8/8/8/8 b - - 0 1"),
        ("dead before the first move", "8/8/4k3/8/8/4K3/5N2/8 w - - 0 1"),
        ("nine queens", "3qkq2/3ppp2/8/8/8/8/QQQQQQQQ/3QK3 w - - 0 1"),
    ],
    "crazyhouse": [
        ("start", v.CrazyhouseBoard.starting_fen),
        ("mate: empty pocket", "3R2k1/5ppp/8/8/8/8/8/6K1[] b - - 0 1"),
        ("mate: a pawn cannot be dropped on the back rank", "3R2k1/5ppp/8/8/8/8/8/6K1[p] b - - 0 1"),
        ("mate: only the other side has a pocket", "3R2k1/5ppp/8/8/8/8/8/6K1[Q] b - - 0 1"),
        ("mate: a knight's check cannot be blocked", "6rk/5Npp/8/8/8/8/8/6K1[q] b - - 0 1"),
        ("check: a drop can step between", "3R2k1/5ppp/8/8/8/8/8/6K1[n] b - - 0 1"),
        ("stalemate: empty pocket", "7k/5Q2/6K1/8/8/8/8/8[] b - - 0 1"),
        ("a piece in the pocket: no stalemate", "7k/5Q2/6K1/8/8/8/8/8[n] b - - 0 1"),
        ("K v K, empty pockets", "8/8/4k3/8/8/4K3/8/8[] w - - 0 1"),
        ("K v K, one knight in a pocket", "8/8/4k3/8/8/4K3/8/8[N] w - - 0 1"),
        ("K v K, two knights in pockets", "8/8/4k3/8/8/4K3/8/8[Nn] w - - 0 1"),
        ("K v K, one pawn in a pocket", "8/8/4k3/8/8/4K3/8/8[p] w - - 0 1"),
        ("KB v K with a bishop in the pocket", "8/8/4k3/8/8/4K3/5B2/8[B] w - - 0 1"),
        ("a promoted knight counts as a pawn", "8/8/4k3/8/8/4K3/5N~2/8[] w - - 0 1"),
    ],
    "antichess": [
        ("start", v.AntichessBoard.starting_fen),
        ("White has nothing left", "8/8/8/8/8/8/8/1k6 w - - 0 1"),
        ("Black has nothing left", "8/8/8/8/8/8/8/1K5R b - - 0 1"),
        ("White has no move and the same number of pieces", "8/8/8/8/8/p7/P7/8 w - - 0 1"),
        ("White has no move, twice blocked", "8/8/8/8/p1p5/P1P5/8/8 w - - 0 1"),
        ("Black has no move and more pieces", "8/8/p1p5/P1p5/2P5/8/8/8 b - - 0 1"),
        ("no check to a king", "4k3/8/8/8/8/8/8/4RK2 b - - 0 1"),
        ("king v king", "4k3/8/8/8/8/8/8/4K3 w - - 0 1"),
        ("bishops that never meet", "8/8/8/8/8/8/2b5/B7 w - - 0 1"),
        ("bishops of one colour", "8/8/8/3b4/8/8/8/4B3 w - - 0 1"),
        ("bishops of one colour that meet", "8/8/8/3b4/8/8/8/5B2 w - - 0 1"),
        ("one side's bishops on both colours", "8/8/8/3b4/8/8/8/4BB2 w - - 0 1"),
        ("knight v knight, squares of one colour, White to move", "8/8/8/3n4/8/8/8/5N2 w - - 0 1"),
        ("knight v knight, squares of one colour, Black to move", "8/8/8/3n4/8/8/8/5N2 b - - 0 1"),
        ("knight v knight, squares of both colours, White to move", "8/8/8/3n4/8/8/8/4N3 w - - 0 1"),
        ("pawn v pawn", "8/1p6/8/8/8/8/P7/8 w - - 0 1"),
    ],
    "atomic": [
        ("start", chess.STARTING_FEN),
        ("Black's king exploded", "rnbq3r/1pppp1pp/8/p7/8/8/PPPPPPPP/RNBQKB1R b KQ - 0 3"),
        ("White's king exploded", "4k3/8/8/8/8/8/8/7q w - - 0 1"),
        ("kings touch: no check", "8/p7/8/3kK3/8/8/8/3R4 b - - 0 1"),
        ("mate: back rank", "3R2k1/5ppp/8/8/8/8/8/6K1 b - - 0 1"),
        ("check: taking next to the other king wins", "3R2k1/5ppp/8/8/8/8/r5P1/6K1 b - - 0 1"),
        ("mate: the king itself cannot take", "rnbqkbnr/pppppQpp/8/8/8/8/PPPPPPPP/RNB1KBNR b KQkq - 0 1"),
        ("stalemate: no capture and no square", "7k/5Q2/8/8/8/8/8/4K3 b - - 0 1"),
        ("dead: K v K", "8/8/4k3/8/8/4K3/8/8 w - - 0 1"),
        ("dead: KR v K", "8/8/4k3/8/8/4K3/5R2/8 w - - 0 1"),
        ("dead: KB v K", "8/8/4k3/8/8/4K3/5B2/8 w - - 0 1"),
        ("dead: KNN v K", "8/8/4k3/8/8/4K3/4NN2/8 w - - 0 1"),
        ("KNNN v K", "8/8/4k3/8/8/4K3/3NNN2/8 w - - 0 1"),
        ("KQ v K", "8/8/4k3/8/8/4K3/5Q2/8 w - - 0 1"),
        ("KP v K", "8/8/4k3/8/8/4K3/5P2/8 w - - 0 1"),
        ("KN v KN", "8/5n2/4k3/8/8/4K3/5N2/8 w - - 0 1"),
        ("KB v KB, same colour", "8/8/4k3/5b2/8/4K3/4B3/8 w - - 0 1"),
        ("dead: KB v KB, opposite colours", "8/8/4k3/5b2/8/4K3/5B2/8 w - - 0 1"),
        ("K v KQ", "8/5q2/4k3/8/8/4K3/8/8 w - - 0 1"),
    ],
    "horde": [
        ("start", v.HordeBoard.starting_fen),
        ("the horde is gone", "4k3/8/8/8/8/8/8/8 w - - 0 1"),
        ("the horde is gone, clock at 100", "4k3/8/8/8/8/8/1r6/8 w - - 100 90"),
        ("mate: back rank", "3R2k1/5ppp/8/8/8/8/8/8 b - - 0 1"),
        ("mate: two queens", "7k/6Q1/5Q2/8/8/8/8/8 b - - 0 1"),
        ("check: king takes the queen", "7k/6Q1/8/8/8/8/8/8 b - - 0 1"),
        ("stalemate: the last pawn is blocked", "4k3/8/8/p7/P7/8/8/8 w - - 0 1"),
        ("stalemate: Black", "7k/5Q2/8/8/8/8/8/8 b - - 0 1"),
        ("lone queen v king", "7k/8/8/8/8/8/8/1Q6 w - - 0 1"),
        ("lone queen v king and rook", "1r5k/8/8/8/8/8/8/2Q5 w - - 0 1"),
        ("lone pawn v king", "7k/8/8/8/8/8/P7/8 w - - 0 1"),
        ("lone pawn v king, rook and knight", "1r1n3k/8/8/8/8/8/P7/8 w - - 0 1"),
        ("lone knight v king", "7k/8/8/8/8/8/8/N7 w - - 0 1"),
        ("lone knight v many pieces", "8/8/1N6/nq6/kr6/nn6/8/8 b - - 0 1"),
        ("lone bishop v king and queens", "8/8/8/8/8/5B2/7q/6rk b - - 0 1"),
        ("lone bishop v king and bishops", "8/8/8/5B2/7b/6bk/6bb/8 b - - 0 1"),
        ("lone rook v king and bishop and rook", "k1R5/br6/8/8/8/8/8/8 b - - 0 1"),
        ("lone rook v king and knight and rook", "k1R5/nr6/8/8/8/8/8/8 b - - 0 1"),
        ("two knights v king", "7k/8/8/8/8/8/8/NN6 w - - 0 1"),
        ("rook and bishop v king", "7k/8/8/8/8/8/8/RB6 w - - 0 1"),
        ("three pawns v king", "7k/8/8/8/8/8/PPP5/8 w - - 0 1"),
    ],
    "kingOfTheHill": [
        ("start", chess.STARTING_FEN),
        ("White's king on e4", "rnbqkbnr/pppp1ppp/8/4p3/4K3/8/PPPP1PPP/RNBQ1BNR b kq - 1 4"),
        ("Black's king on d5", "8/8/8/3k4/8/8/8/4K3 w - - 0 1"),
        ("king beside the hill", "8/8/4k3/8/8/4K3/8/8 w - - 0 1"),
        ("mate", "3R2k1/5ppp/8/8/8/8/8/6K1 b - - 0 1"),
        ("stalemate", "7k/5Q2/6K1/8/8/8/8/8 b - - 0 1"),
        ("mate given by the king's step onto the hill", "2rkr3/2p1p3/8/8/4K3/8/8/3R4 b - - 1 40"),
        ("a discovered check by that step, no mate", "3k4/8/8/8/4K3/8/8/3R4 b - - 1 40"),
        ("KN v K is not dead", "8/8/4k3/8/8/4K3/5N2/8 w - - 0 1"),
    ],
    "racingKings": [
        ("start", v.RacingKingsBoard.starting_fen),
        ("White arrived, Black can follow", "3K4/1k6/8/8/8/8/1rbnNBR1/qrbnNBRQ b - - 11 6"),
        ("White arrived, Black is too far", "3K4/8/k7/8/8/8/1rbnNBR1/qrbnNBRQ b - - 11 6"),
        ("White arrived, a rook guards the last rank", "6RK/1k6/8/8/8/8/1rbnNBR1/qrbnNB2 b - - 11 6"),
        ("White arrived, the rook's guard is blocked", "5bRK/1k6/8/8/8/8/1r1nNBR1/qrbnNB2 b - - 11 6"),
        ("White arrived, Black did not follow", "3K4/1k6/8/8/8/8/1rbnNBR1/qrbnNBRQ w - - 12 7"),
        ("Black arrived", "k7/2K5/8/8/8/8/1rbnNBR1/qrbnNBRQ w - - 12 7"),
        ("both arrived", "k2K4/8/8/8/8/8/1rbnNBR1/qrbnNBRQ w - - 12 7"),
        ("stalemate", "8/8/8/8/8/1r6/3q4/K6k w - - 0 1"),
        ("K v K is not dead", "8/8/8/8/8/8/k6K/8 w - - 0 1"),
    ],
    "threeCheck": [
        ("start", v.ThreeCheckBoard.starting_fen),
        ("one check left on both sides", "4k3/8/8/8/8/8/4P3/4K3 w - - 1+1 0 1"),
        ("White gave the third", "rnbq1bnr/1pppk1pp/p7/4Q3/4P3/8/PPPP1PPP/RNB1K1NR b KQ - 0+3 0 5"),
        ("Black gave the third", "4k3/8/8/8/8/8/3q4/4K3 w - - 2+0 0 1"),
        ("a third check that is mate as well", "3R2k1/5ppp/8/8/8/8/8/6K1 b - - 0+3 0 1"),
        ("mate at the first check", "3R2k1/5ppp/8/8/8/8/8/6K1 b - - 2+3 0 1"),
        ("check: the second", "4k3/8/8/8/8/8/4Q3/4K3 b - - 1+3 0 1"),
        ("stalemate", "7k/5Q2/6K1/8/8/8/8/8 b - - 1+1 0 1"),
        ("dead: K v K", "8/8/4k3/8/8/4K3/8/8 w - - 3+3 0 1"),
        ("KN v K: a knight can check", "8/8/4k3/8/8/4K3/5N2/8 w - - 3+3 0 1"),
        ("K v KB", "8/5b2/4k3/8/8/4K3/8/8 w - - 3+3 0 1"),
    ],
}


def make_endings():
    rows = []
    for variant, positions in ENDINGS.items():
        for name, fen in positions:
            board = new_board(variant, fen)
            assert board.is_valid() or board.is_variant_end(), (variant, name, board.status())
            assert fen_of(board) == fen, (variant, name, fen_of(board))
            kind, winner = verdict(board)
            said = name.split(":")[0]
            assert said not in ("mate", "stalemate", "dead") or said == kind, (variant, name, kind)
            assert said != "check" or (kind is None and board.is_check()), (variant, name, kind)
            rows.append({
                "name": name,
                "variant": variant,
                "fen": fen,
                "ending": kind,
                "winner": color_name(winner),
                "white_can_mate": not board.has_insufficient_material(chess.WHITE),
                "black_can_mate": not board.has_insufficient_material(chess.BLACK),
            })
    write_rows("endings.json", rows, flat=True)


# --- perft -------------------------------------------------------------------------

# File by variant: sources in examples/perft with the step at which positions
# are taken (1: every one) and the most nodes of a count taken from there.
PERFT = {
    "standard": [("tricky", 1, 100_000), ("random", 250, 30_000)],
    "chess960": [("tricky", 1, 100_000), ("chess960", 24, 30_000)],
    "atomic": [("atomic", 1, 250_000)],
    "antichess": [("giveaway", 1, 200_000)],
    "crazyhouse": [("crazyhouse", 1, 1_000_000)],
    "horde": [("horde", 1, 200_000)],
    "racingKings": [("racingkings", 1, 300_000)],
    "threeCheck": [("3check", 1, 200_000)],
}

# Positions without published counts: counted here, to the depth given.
COUNTED = [
    ("standard", "start", chess.STARTING_FEN, 3),
    ("antichess", "promotion to king", "8/4P3/8/8/8/8/4p3/8 w - - 0 1", 5),
    ("antichess", "it must take, en passant too", "8/8/8/8/4p3/8/3P1P2/8 w - - 0 1", 6),
    ("horde", "pawns of the first rank", "4k2r/8/8/1p4p1/8/2P3P1/8/PPPPPPPP w k - 0 1", 4),
    ("horde", "the last pawns", "4k3/8/8/8/1p6/8/P7/8 w - - 0 1", 6),
    ("racingKings", "Black may still follow", "3K4/1k6/8/8/8/8/2rn1BR1/2bn1BR1 b - - 0 10", 3),
    ("racingKings", "both before the goal", "8/k5K1/8/3q4/8/8/4NR2/1r4Q1 w - - 0 10", 3),
    ("threeCheck", "start", v.ThreeCheckBoard.starting_fen, 3),
    ("threeCheck", "the next check ends it", "r1bqkbnr/pppp1ppp/2n5/4p2Q/2B1P3/8/PPPP1PPP/RNB1K1NR w KQkq - 1+1 0 3", 3),
    ("crazyhouse", "promoted pieces turn to pawns", "4k3/1P6/8/3r4/8/8/1p4K1/R7[P] b - - 0 1", 3),
]


def published(file):
    """(name, EPD, [(depth, count), …]) of a .perft file."""
    positions = []
    for line in (SOURCE / "examples/perft" / f"{file}.perft").read_text().splitlines():
        key, _, rest = line.strip().partition(" ")
        if key == "id":
            positions.append((rest, None, []))
        elif key == "epd":
            positions[-1] = (positions[-1][0], rest, [])
        elif key == "perft":
            positions[-1][2].append(tuple(map(int, rest.split())))
    return positions


def perft(board, depth):
    moves = list(board.legal_moves)
    if depth == 1:
        return len(moves)
    nodes = 0
    for move in moves:
        board.push(move)
        nodes += perft(board, depth - 1)
        board.pop()
    return nodes


def fits(variant, file, fen):
    """Is this a position for that table? tricky.perft mixes castling and holds impossible ones."""
    if variant not in ("standard", "chess960"):
        return True
    usual, any_castling = chess.Board(fen).is_valid(), chess.Board(fen, chess960=True).is_valid()
    if file == "tricky":
        return usual if variant == "standard" else any_castling and not usual
    return any_castling


def make_perft():
    (HERE / "perft").mkdir(exist_ok=True)
    for variant, sources in PERFT.items():
        lines = []
        for file, step, most in sources:
            for name, epd, counts in published(file)[::step]:
                fen = f"{epd} 0 1"
                if fits(variant, file, fen) and all(fen != line[1] for line in lines):
                    name = f"{file} {name}" if name.isdigit() else name
                    lines.append((name, fen, [c for c in counts if c[1] <= most]))
        total = len(lines)
        for of, name, fen, depth in COUNTED:
            if of == variant:
                board = new_board(variant, fen)
                assert board.is_valid() and fen_of(board) == fen, (name, board.status(), fen_of(board))
                lines.append((f"counted: {name}", fen, [(d, perft(board, d)) for d in range(1, depth + 1)]))
        text = "# counts as published with python-chess and shakmaty (\"counted:\" ones made with python-chess)\n"
        text += "# name | FEN | depth:count ...\n"
        for name, fen, counts in lines:
            text += f"{name} | {fen} | " + " ".join(f"{d}:{n}" for d, n in counts) + "\n"
        (HERE / "perft" / f"{variant}.perft").write_text(text)
        nodes = sum(n for _, _, counts in lines for _, n in counts)
        print(f"perft/{variant}.perft: {total} published, {len(lines) - total} counted, {nodes} nodes")


if __name__ == "__main__":
    make_games()
    make_variants()
    make_endings()
    make_perft()
