//! Positions, moves and how a position ends a game. The only file that knows the chess library.
//!
//! What depends on the history of a game (repetition, the count of plies) is in [`crate::game`].

use std::fmt;
use std::str::FromStr;

use shakmaty::fen::Fen;
use shakmaty::san::{San as BareSan, SanPlus};
use shakmaty::uci::UciMove;
use shakmaty::variant::{Variant as Rules, VariantPosition};
use shakmaty::zobrist::Zobrist64;
use shakmaty::{
    CastlingMode, CastlingSide, Chess, EnPassantMode, KnownOutcome, Position as _, Role,
};

use crate::color::Color;
use crate::limits::{MAX_FEN_LEN, MAX_START_FULLMOVES, MAX_START_HALFMOVES};
use crate::variant::Variant;

impl From<shakmaty::Color> for Color {
    fn from(color: shakmaty::Color) -> Self {
        match color {
            shakmaty::Color::White => Self::White,
            shakmaty::Color::Black => Self::Black,
        }
    }
}

impl From<Color> for shakmaty::Color {
    fn from(color: Color) -> Self {
        match color {
            Color::White => Self::White,
            Color::Black => Self::Black,
        }
    }
}

/// One move as it is written on the wire, not yet known to be legal. Shape: UCI, e.g. `e7e8q`, `P@e4`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Move(UciMove);

/// The text is not a move in UCI notation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a move is written like e2e4, e7e8q or P@e4")]
pub struct InvalidMove;

impl FromStr for Move {
    type Err = InvalidMove;

    fn from_str(s: &str) -> Result<Self, InvalidMove> {
        match s.parse() {
            Ok(UciMove::Null) | Err(_) => Err(InvalidMove),
            Ok(uci) => Ok(Self(uci)),
        }
    }
}

impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A move that is legal in the position that made it; playing it in another one is a bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LegalMove(shakmaty::Move);

/// A move in the notation for people. Shape: `Nf3`, `exd8=Q+`, `O-O-O#`, `N@f7`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct San(SanPlus);

impl fmt::Display for San {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for San {
    type Err = InvalidSan;

    fn from_str(s: &str) -> Result<Self, InvalidSan> {
        s.parse().map(Self).map_err(|_| InvalidSan)
    }
}

/// The text is not a move in algebraic notation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a move for people is written like Nf3, exd8=Q+ or O-O")]
pub struct InvalidSan;

/// Why a FEN is no position to play from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFen {
    /// Not a FEN at all.
    #[error("the FEN cannot be read: {0}")]
    Unreadable(String),
    /// The rules of the variant do not allow it.
    #[error("the position is not allowed: {0}")]
    Impossible(String),
    /// The game would be over before it began.
    #[error("the game is over in this position")]
    Over,
}

/// How a position by itself ends the game.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The side to move is in check and cannot move.
    Checkmate {
        /// The side that gave mate.
        winner: Color,
    },
    /// The variant's own goal is reached.
    VariantEnd {
        /// Nobody if both reached it.
        winner: Option<Color>,
    },
    /// The side to move is not in check and cannot move.
    Stalemate,
    /// Neither side can ever win.
    Dead,
}

/// Bytes that a position takes as text, but for one with many pieces in pockets.
const FEN_LEN: usize = 96;

/// Board, turn, rights and counters under the rules of one variant. Shape as text: FEN, with pockets as `[Qp]` and
/// promoted pieces as `~` in crazyhouse, `3+3` checks left before the counters in three-check, X-FEN castling rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    inner: VariantPosition,
    /// Kept here, because the library starts again at every drop.
    quiet_plies: u32,
}

impl From<VariantPosition> for Position {
    fn from(inner: VariantPosition) -> Self {
        Self {
            quiet_plies: inner.halfmoves(),
            inner,
        }
    }
}

impl Position {
    /// The usual starting position of a variant; that of chess960 is number 518.
    #[must_use]
    pub fn start(variant: Variant) -> Self {
        match variant {
            Variant::Chess960 => Self::chess960_start(518),
            _ => VariantPosition::new(rules_of(variant)).into(),
        }
    }

    /// The Chess960 starting position with a number of 0 to 959 (Scharnagl's numbering; 518 is the ordinary one).
    /// Larger numbers count on from 0.
    #[must_use]
    pub fn chess960_start(number: u16) -> Self {
        let rank = chess960_rank(number);
        let upper = rank.to_ascii_uppercase();
        let fen = format!("{rank}/pppppppp/8/8/8/8/PPPPPPPP/{upper} w KQkq - 0 1");
        Self::from_fen(Variant::Chess960, &fen).expect("every Chess960 start is a position")
    }

    /// Reads a position to play from. Castling and en passant rights that the board does not back are dropped.
    ///
    /// # Errors
    /// Says what is wrong with it: unreadable, against the rules, or over.
    pub fn from_fen(variant: Variant, fen: &str) -> Result<Self, InvalidFen> {
        let position = Self::from_any_fen(variant, fen)?;
        match position.ending() {
            Some(_) => Err(InvalidFen::Over),
            None => Ok(position),
        }
    }

    /// Reads any position that the rules allow, a finished one too.
    ///
    /// # Errors
    /// As [`Position::from_fen`], without [`InvalidFen::Over`].
    pub fn from_any_fen(variant: Variant, fen: &str) -> Result<Self, InvalidFen> {
        if fen.len() > MAX_FEN_LEN {
            return Err(InvalidFen::Unreadable(format!(
                "longer than {MAX_FEN_LEN} bytes"
            )));
        }
        let setup = fen
            .parse::<Fen>()
            .map_err(|e| InvalidFen::Unreadable(e.to_string()))?
            .into_setup();
        if setup.fullmoves.get() > MAX_START_FULLMOVES || setup.halfmoves > MAX_START_HALFMOVES {
            return Err(InvalidFen::Impossible("its counters are too high".into()));
        }
        let mode = match variant {
            Variant::Chess960 => CastlingMode::Chess960,
            Variant::FromPosition => CastlingMode::detect(&setup),
            _ => CastlingMode::Standard,
        };
        VariantPosition::from_setup(rules_of(variant), setup, mode)
            .or_else(shakmaty::PositionError::ignore_invalid_castling_rights)
            .or_else(shakmaty::PositionError::ignore_invalid_ep_square)
            .map(Self::from)
            .map_err(|e| InvalidFen::Impossible(e.to_string()))
    }

    /// The position as FEN; the en passant square stands there only if such a capture is legal.
    #[must_use]
    pub fn fen(&self) -> String {
        let mut setup = self.inner.to_setup(EnPassantMode::Legal);
        setup.halfmoves = self.quiet_plies;
        let fen = Fen::try_from_setup(setup).unwrap_or_else(shakmaty::fen::LossyFenError::ignore);
        // It is written letter by letter.
        let mut text = String::with_capacity(FEN_LEN);
        fen.append_to_string(&mut text);
        with_pockets_by_value(text)
    }

    /// Whose move it is.
    #[must_use]
    pub fn turn(&self) -> Color {
        self.inner.turn().into()
    }

    /// All legal moves.
    #[must_use]
    pub fn legal_moves(&self) -> Vec<LegalMove> {
        self.inner
            .legal_moves()
            .into_iter()
            .map(LegalMove)
            .collect()
    }

    /// The legal move that `mv` means here, if it is one. Castling is understood as king-takes-rook, and from the
    /// e-file as king-two-squares.
    #[must_use]
    pub fn legal(&self, mv: Move) -> Option<LegalMove> {
        let Move(uci) = mv;
        uci.to_move(&self.inner)
            .ok()
            .or_else(|| self.castling_by_two_squares(uci))
            .map(LegalMove)
    }

    /// King-two-squares from the e-file in Chess960, where the rook need not stand in the corner.
    fn castling_by_two_squares(&self, uci: UciMove) -> Option<shakmaty::Move> {
        let UciMove::Normal {
            from,
            to,
            promotion: None,
        } = uci
        else {
            return None;
        };
        let is_two_squares = from.file() == shakmaty::File::E
            && from.rank() == to.rank()
            && from.distance(to) == 2
            && self.inner.our(Role::King).contains(from);
        let side = CastlingSide::from_king_side(from < to);
        is_two_squares
            .then(|| self.inner.castling_moves(side).first().copied())
            .flatten()
    }

    /// The legal move that `san` means here, if it is one.
    #[must_use]
    pub fn legal_san(&self, san: San) -> Option<LegalMove> {
        san.0.san.to_move(&self.inner).ok().map(LegalMove)
    }

    /// `mv` as it is written on the wire: castling is king-takes-rook in chess960 and where a king or castling rook
    /// did not start on its ordinary square, else king-two-squares.
    #[must_use]
    pub fn uci(&self, mv: LegalMove) -> Move {
        Move(mv.0.to_uci(self.inner.castles().mode()))
    }

    /// `mv` for people, with `+` and `#`.
    #[must_use]
    pub fn san(&self, mv: LegalMove) -> San {
        let mut after = self.inner.clone();
        let san = BareSan::from_move(&self.inner, mv.0);
        after.play_unchecked(mv.0);
        San(SanPlus {
            san,
            suffix: shakmaty::san::Suffix::from_position(&after),
        })
    }

    /// Plays a legal move.
    pub fn play(&mut self, mv: LegalMove) {
        let is_drop = matches!(mv.0, shakmaty::Move::Put { .. });
        let is_quiet = is_drop || (!mv.0.is_capture() && mv.0.role() != Role::Pawn);
        self.quiet_plies = if is_quiet {
            self.quiet_plies.saturating_add(1)
        } else {
            0
        };
        self.inner.play_unchecked(mv.0);
    }

    /// Whether no position before `mv` can come back after it.
    #[must_use]
    pub fn is_irreversible(&self, mv: LegalMove) -> bool {
        self.inner.is_irreversible(mv.0)
    }

    /// A 64-bit key that repeated positions share: board, turn, castling rights, legal en passant, pockets, checks.
    #[must_use]
    pub fn key(&self) -> u64 {
        let Zobrist64(key) = self.inner.zobrist_hash(EnPassantMode::Legal);
        key
    }

    /// Plies since the last capture or move of a pawn on the board, as the fifty-move rule counts them.
    #[must_use]
    pub const fn quiet_plies(&self) -> u32 {
        self.quiet_plies
    }

    /// The move number of FEN and PGN: 1 at first, one more after each move of Black's.
    #[must_use]
    pub fn fullmove(&self) -> u32 {
        self.inner.fullmoves().get()
    }

    /// How this position by itself ends the game, if it does.
    #[must_use]
    pub fn ending(&self) -> Option<Ending> {
        if let shakmaty::Outcome::Known(outcome) = self.inner.variant_outcome() {
            if self.is_mate_of_chess() {
                return Some(Ending::Checkmate {
                    winner: !self.turn(),
                });
            }
            return Some(Ending::VariantEnd {
                winner: match outcome {
                    KnownOutcome::Decisive { winner } => Some(winner.into()),
                    KnownOutcome::Draw => None,
                },
            });
        }
        if self.inner.legal_moves().is_empty() {
            return Some(if self.inner.is_check() {
                Ending::Checkmate {
                    winner: !self.turn(),
                }
            } else {
                Ending::Stalemate
            });
        }
        self.inner
            .is_insufficient_material()
            .then_some(Ending::Dead)
    }

    /// Whether a king on the hill or a third check is a mate as well, which then names the end.
    fn is_mate_of_chess(&self) -> bool {
        if !matches!(
            self.inner.variant(),
            Rules::KingOfTheHill | Rules::ThreeCheck
        ) {
            return false;
        }
        let mut setup = self.inner.to_setup(EnPassantMode::Legal);
        setup.remaining_checks = None;
        setup
            .position::<Chess>(CastlingMode::Standard)
            .is_ok_and(|position| position.is_checkmate())
    }

    /// Whether `color` could still win by some sequence of legal moves, as far as the material tells under the
    /// variant's rules; who cannot does not win on time.
    #[must_use]
    pub fn can_win(&self, color: Color) -> bool {
        !self.inner.has_insufficient_material(color.into())
    }

    /// What `color` has on the board, in pawns: knights and bishops 3, rooks 5, queens 9.
    #[must_use]
    pub fn material(&self, color: Color) -> u32 {
        let count = self.inner.board().material_side(color.into());
        let in_pawns = [
            (count.pawn, 1),
            (count.knight, 3),
            (count.bishop, 3),
            (count.rook, 5),
            (count.queen, 9),
        ];
        in_pawns
            .into_iter()
            .map(|(pieces, pawns)| u32::from(pieces) * pawns)
            .sum()
    }
}

const fn rules_of(variant: Variant) -> Rules {
    match variant {
        Variant::Standard | Variant::Chess960 | Variant::FromPosition => Rules::Chess,
        Variant::Crazyhouse => Rules::Crazyhouse,
        Variant::Antichess => Rules::Antichess,
        Variant::Atomic => Rules::Atomic,
        Variant::Horde => Rules::Horde,
        Variant::KingOfTheHill => Rules::KingOfTheHill,
        Variant::RacingKings => Rules::RacingKings,
        Variant::ThreeCheck => Rules::ThreeCheck,
    }
}

/// Crazyhouse pockets from the queen down to the pawn, White's first, as most programs write them.
fn with_pockets_by_value(fen: String) -> String {
    const ORDER: &str = "QRBNPqrbnp";
    let Some((start, end)) = fen.find('[').zip(fen.find(']')) else {
        return fen;
    };
    let mut pockets: Vec<char> = fen[start + 1..end].chars().collect();
    pockets.sort_by_key(|&piece| ORDER.find(piece));
    let pockets: String = pockets.into_iter().collect();
    format!("{}[{pockets}{}", &fen[..start], &fen[end..])
}

/// Black's first rank in the Chess960 start with this number, e.g. `rnbqkbnr`.
///
/// Source: Reinhard Scharnagl's direct derivation. The bishops and the queen are placed by remainders, the two
/// knights by a table of the ten ways to choose two of five squares, then rook, king, rook fill what is left.
fn chess960_rank(number: u16) -> String {
    const KNIGHTS: [(usize, usize); 10] = [
        (0, 1),
        (0, 2),
        (0, 3),
        (0, 4),
        (1, 2),
        (1, 3),
        (1, 4),
        (2, 3),
        (2, 4),
        (3, 4),
    ];
    let n = usize::from(number % 960);
    let mut rank = [None; 8];
    rank[n % 4 * 2 + 1] = Some('b');
    rank[n / 4 % 4 * 2] = Some('b');
    let free = |rank: &[Option<char>; 8]| -> Vec<usize> {
        (0..8).filter(|&file| rank[file].is_none()).collect()
    };
    let queen = free(&rank)[n / 16 % 6];
    rank[queen] = Some('q');
    let squares = free(&rank);
    let (first, second) = KNIGHTS[n / 96];
    rank[squares[first]] = Some('n');
    rank[squares[second]] = Some('n');
    for (file, piece) in free(&rank).into_iter().zip(['r', 'k', 'r']) {
        rank[file] = Some(piece);
    }
    rank.into_iter().flatten().collect()
}
