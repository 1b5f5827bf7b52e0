//! What a socket does for a user who seeks a game, and for one who looks at the lobby.

use rand::Rng as _;
use tokio::time::Instant;
use zeitnot_game::clock::TimeControl;
use zeitnot_game::color::Color;
use zeitnot_game::rules::Position;
use zeitnot_game::setup::Terms;
use zeitnot_game::variant::Variant;
use zeitnot_game::wire::{self, ColorChoice, ErrorCode, SeekMsg};

use super::close::Close;
use super::commands;
use super::session::{Answered, Session};
use crate::limits::SEEK_RENEWAL;
use crate::metrics::Limited;
use crate::play::Refused;
use crate::quota::Subject;
use crate::seek::{Seek, Seeking, Sought};

/// What became of looking for an opponent.
pub(super) type Looked = Result<(Box<Seeking>, Sought), Refused>;

/// The seek of a socket.
#[derive(Debug)]
pub(super) struct Kept {
    seeking: Box<Seeking>,
    /// When it is renewed next.
    renew_at: Instant,
}

impl Session {
    /// When the seek has to be renewed, if there is one.
    pub(super) fn renew_at(&self) -> Option<Instant> {
        self.seek.as_ref().map(|kept| kept.renew_at)
    }

    pub(super) async fn on_seek(&mut self, re: Option<i64>, msg: &SeekMsg) -> Result<(), Close> {
        let seek = match self.read_seek(msg) {
            Ok(seek) => seek,
            Err((code, problem)) => {
                return self.send(&commands::error(re, code, problem)).await;
            }
        };
        let (store, now) = (self.app.store.clone(), self.app.wall_time());
        let quotas = self.app.quotas.clone();
        self.is_seeking = true;
        let before = self.seek.as_ref().map(|kept| kept.seeking.clone());
        self.pending.push(Box::pin(async move {
            let me = Subject::User(&seek.player.id);
            if let Err(too_much) = quotas.take(Limited::Seeks, me).await {
                return Answered::Sought(re, Err(too_much.into()));
            }
            let begun = async {
                if let Some(before) = before {
                    before.make_room(&*store, &seek).await?;
                }
                Seeking::begin(&*store, seek, now).await
            };
            let looked = begun.await;
            let looked = looked.map(|(seeking, sought)| (Box::new(seeking), sought));
            Answered::Sought(re, looked.map_err(Refused::from))
        }));
        Ok(())
    }

    fn read_seek(&self, msg: &SeekMsg) -> Result<Seek, (ErrorCode, String)> {
        let bad = |problem: String| (ErrorCode::BadRequest, problem);
        let Some(me) = &self.me else {
            let problem = "a token is needed to seek a game".to_owned();
            return Err((ErrorCode::Unauthorized, problem));
        };
        if msg.rated == Some(true) {
            let problem = "rated: there are no rated games here, leave it out".to_owned();
            return Err((ErrorCode::NotAllowed, problem));
        }
        let time_control = match (&msg.clock, msg.days) {
            (Some(clock), None) => TimeControl::clock(clock.limit, clock.increment)
                .map_err(|e| bad(format!("clock: {e}")))?,
            (None, Some(days)) => {
                TimeControl::correspondence(days).map_err(|e| bad(format!("days: {e}")))?
            }
            _ => return Err(bad("a seek has a clock or days".to_owned())),
        };
        let variant = msg.variant.unwrap_or_default();
        let start = match variant {
            Variant::FromPosition => {
                return Err(bad("variant: a position needs a link".to_owned()));
            }
            Variant::Chess960 => Position::chess960_start(rand::rng().random_range(0..960)),
            variant => Position::start(variant),
        };
        let choice = msg.color.unwrap_or(ColorChoice::Random);
        let player = me.user.to_player();
        let shown = wire::Seek {
            seek: player.id.to_string(),
            user: wire::Player::from(&player),
            clock: msg.clock,
            days: msg.days,
            variant,
            rated: false,
            color: choice,
        };
        Ok(Seek {
            shown: serde_json::to_string(&shown).map_err(|e| bad(e.to_string()))?,
            terms: Terms {
                variant,
                start,
                time_control,
                rated: false,
                first_move: self.app.config.first_move,
                claim_after: self.app.config.claim_after,
            },
            color: match choice {
                ColorChoice::White => Some(Color::White),
                ColorChoice::Black => Some(Color::Black),
                ColorChoice::Random => None,
            },
            player,
        })
    }

    /// A seek was begun or renewed.
    pub(super) async fn on_sought(&mut self, re: Option<i64>, looked: Looked) -> Result<(), Close> {
        match looked {
            Ok((seeking, Sought::Waiting)) => {
                let is_wanted = self.is_seeking;
                let renew_at = Instant::now() + SEEK_RENEWAL;
                self.seek = Some(Kept { seeking, renew_at });
                // Withdrawn, or overtaken by a game, while it was on its way: it ends now.
                if !is_wanted {
                    self.end_seek(None);
                }
            }
            // The game is told of as any that begins; should that have been missed, it is looked for.
            Ok((_, Sought::Begun(_))) => {
                (self.is_seeking, self.seek) = (false, None);
                self.must_look = true;
            }
            Ok((_, Sought::Replaced)) => (self.is_seeking, self.seek) = (false, None),
            Err(refused) => {
                // A renewal that failed is followed by the next one.
                self.is_seeking = self.seek.is_some();
                return match re {
                    Some(_) => self.send(&commands::refused(re, refused)).await,
                    None => Ok(()),
                };
            }
        }
        self.answer(commands::ok(re)).await?;
        self.look_again().await
    }

    /// Keeps the seek alive.
    pub(super) fn renew_seek(&mut self) {
        let Some(kept) = &mut self.seek else { return };
        kept.renew_at = Instant::now() + SEEK_RENEWAL;
        let seeking = kept.seeking.clone();
        let (store, now) = (self.app.store.clone(), self.app.wall_time());
        self.pending.push(Box::pin(async move {
            let renewed = seeking.renew(&*store, now).await;
            let looked = renewed.map(|sought| (seeking, sought));
            Answered::Sought(None, looked.map_err(Refused::from))
        }));
    }

    /// The user seeks no longer; only an `unseek` with an `id` is answered.
    pub(super) fn end_seek(&mut self, re: Option<i64>) {
        self.is_seeking = false;
        let (store, kept) = (self.app.store.clone(), self.seek.take());
        self.pending.push(Box::pin(async move {
            let ended = match kept {
                Some(kept) => kept.seeking.withdraw(&*store).await,
                None => Ok(()),
            };
            Answered::Unsought(re, ended.map_err(Refused::from))
        }));
    }

    pub(super) async fn on_lobby(&mut self, re: Option<i64>) -> Result<(), Close> {
        let (list, following) = self.app.lobby.follow(re);
        self.lobby = Some(following);
        self.forward(list).await
    }

    pub(super) async fn on_unsought(
        &mut self,
        re: Option<i64>,
        ended: Result<(), Refused>,
    ) -> Result<(), Close> {
        match (re, ended) {
            (_, Ok(())) => self.answer(commands::ok(re)).await,
            (Some(_), Err(refused)) => self.send(&commands::refused(re, refused)).await,
            // It ends by itself.
            (None, Err(_)) => Ok(()),
        }
    }
}
