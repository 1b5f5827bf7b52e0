//! The port to where games are kept: an append-only log a game, and a channel that carries what is appended.
//!
//! Two implementations keep the same promises, and one suite of tests holds both to them: [`embedded`] for one
//! process, [`redis`] for many nodes. The store knows lines, versions and tags; what a line means is not its business.

mod challenge;
pub mod channels;
pub mod embedded;
mod log;
pub mod presence;
pub mod redis;
pub mod roster;

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use tokio::sync::watch;
use zeitnot_game::id::{GameId, UserId, Version};
use zeitnot_game::time::{Millis, PlayTime, UnixMillis};

use crate::health::Health;
use crate::limits::Quota;

pub use challenge::{Challenge, Seated, Seeker, TakeSeat};
pub use channels::{Follow, UserFollow};
pub use log::{Append, Appended, Create, Heal, Healed, Published, Tail};
pub(crate) use log::{random_tag, tag_of};
pub use presence::{Here, Leaving, Left, NodeMark, Noted, Seats, Sitting};
pub use roster::Roster;

/// Where games are kept.
#[async_trait]
pub trait Store: Send + Sync + fmt::Debug {
    /// Begins a log with a set-up. The store completes the line: `created:` and the unix time, the moment of its play
    /// clock, and the tag. Creating again with the same tag, or with the same body, changes nothing and succeeds.
    ///
    /// # Errors
    /// [`CreateError::Exists`] if the id is taken by another set-up: nothing was written.
    async fn create(&self, id: GameId, create: &Create) -> Result<(), CreateError>;

    /// Appends events, all or none, after exactly the entry that the caller knows as the last; stamps them with the
    /// moment of the play clock, never earlier than the entry before; publishes them to the followers in the same
    /// atomic step. Sending the same append again is safe: it is recognized by its tag and answered as at first.
    ///
    /// # Errors
    /// On [`Unavailable`] it is not known whether it was written: send the same again.
    async fn append(&self, id: GameId, append: &Append) -> Result<Appended, Unavailable>;

    /// The log after `since`, oldest line first. A game that does not exist has length 0.
    ///
    /// # Errors
    /// The store did not answer.
    async fn read(&self, id: GameId, since: Version) -> Result<Tail, Unavailable>;

    /// What is appended from now on. Whoever opens a game follows first and reads then, so that nothing falls between.
    ///
    /// # Errors
    /// The store did not answer.
    async fn follow(&self, id: GameId) -> Result<Follow, Unavailable>;

    /// Opens a challenge under the id of the game that it may become. Opening again with the same terms succeeds, and
    /// keeps it open for longer.
    ///
    /// # Errors
    /// [`CreateError::Exists`] if the id is taken by a game or by other terms.
    async fn open_challenge(&self, id: GameId, challenge: &Challenge) -> Result<(), CreateError>;

    /// An open challenge; nothing if there is none, or it became a game.
    ///
    /// # Errors
    /// The store did not answer.
    async fn challenge(&self, id: GameId) -> Result<Option<Challenge>, Unavailable>;

    /// Takes a seat of a challenge. With the second one the game begins in the same atomic step: its body is the
    /// terms, ` white:` and ` black:` with the players, the rest as [`Store::create`] completes it.
    ///
    /// # Errors
    /// On [`Unavailable`] it is not known whether the seat was taken: send the same again.
    async fn take_seat(&self, id: GameId, seat: &TakeSeat) -> Result<Seated, Unavailable>;

    /// Sees to it that a challenge becomes no game any more; false: it is one already.
    ///
    /// # Errors
    /// On [`Unavailable`] it is not known whether it was done: do it again.
    async fn close_challenge(&self, id: GameId) -> Result<bool, Unavailable>;

    /// Takes out of a pool who waits there for longest and may play this one; where there is nobody, this one waits, at
    /// its old place if it did so already. At most [`crate::limits::MAX_POOL`] wait; then the first one gives way.
    ///
    /// # Errors
    /// On [`Unavailable`] it is not known whether it was done: do it again.
    async fn meet(&self, pool: &str, seeker: &Seeker) -> Result<Option<Seeker>, Unavailable>;

    /// Waits no longer.
    ///
    /// # Errors
    /// The store did not answer.
    async fn leave_pool(&self, pool: &str, seeker: &Seeker) -> Result<(), Unavailable>;

    /// Notes what a user seeks, for [`crate::limits::SEEK_LIFETIME`], or that it seeks nothing; the answer is what was
    /// noted before.
    ///
    /// # Errors
    /// The store did not answer.
    async fn note_seek(
        &self,
        user: &UserId,
        note: Option<&str>,
    ) -> Result<Option<String>, Unavailable>;

    /// What is noted of a user.
    ///
    /// # Errors
    /// The store did not answer.
    async fn noted_seek(&self, user: &UserId) -> Result<Option<String>, Unavailable>;

    /// Shows a seek in the lobby, for [`crate::limits::SEEK_LIFETIME`], or hides it.
    ///
    /// # Errors
    /// The store did not answer.
    async fn show_seek(&self, shown: &str, is_open: bool) -> Result<(), Unavailable>;

    /// The seeks in the lobby, in any order that does not change; at most [`crate::limits::SEEKS_SHOWN`].
    ///
    /// # Errors
    /// The store did not answer.
    async fn shown_seeks(&self) -> Result<Vec<String>, Unavailable>;

    /// Sets when a game is handed out by [`Store::due`] next, from now on; nothing: never. Only if its log has exactly
    /// this length, since a later append has set it better.
    ///
    /// # Errors
    /// The store did not answer.
    async fn schedule(
        &self,
        id: GameId,
        length: Version,
        due_in: Option<Millis>,
    ) -> Result<(), Unavailable>;

    /// Waits for a game that somebody must look at: its moment passed [`crate::limits::DUE_GRACE`] ago and nobody did, or
    /// one that it had before and that later appends put off.
    /// One caller on one node gets it; if nothing has set another moment by then, it is handed out again after
    /// [`crate::limits::DUE_RETRY`]. For one caller at a time on each node. Safe to cancel, but for that delay.
    async fn due(&self) -> GameId;

    /// Completes a log that lost its tail in a failure of the store: these lines, exactly as they were, after exactly
    /// this entry. Refused by a store that has lost nothing, which is every store that is not healing at this moment.
    ///
    /// # Errors
    /// The store did not answer.
    async fn heal(&self, id: GameId, heal: &Heal) -> Result<Healed, Unavailable>;

    /// Deletes a game with all that belongs to it, if its log has exactly this length.
    ///
    /// # Errors
    /// The store did not answer.
    async fn forget(&self, id: GameId, length: Version) -> Result<(), Unavailable>;

    /// Says a line at a game, and hands it to the game's followers; the answer is its number in its room, from 1 on.
    /// The same author and key again, among the last [`crate::limits::CHAT_LINES`] lines, is the same line.
    ///
    /// # Errors
    /// On [`Unavailable`] it is not known whether it was said: send the same again.
    async fn say(&self, id: GameId, line: &Line) -> Result<u32, Unavailable>;

    /// The last [`crate::limits::CHAT_LINES`] lines of each room, in the order in which they were said.
    ///
    /// # Errors
    /// The store did not answer.
    async fn chat(&self, id: GameId) -> Result<Vec<Said>, Unavailable>;

    /// Notes who is at a game on this node, in place of what this node noted before, and hands what changed by that to the
    /// game's followers. What nodes have noted that are gone counts no more. A seat that nobody holds any more is left
    /// from this moment of the play clock on, until somebody holds it again; so is one that nobody ever held. All that is
    /// forgotten [`crate::limits::SEATS_LIFETIME`] after the last time.
    ///
    /// # Errors
    /// On [`Unavailable`] it is not known whether it was noted: note what is so then.
    async fn sit(&self, id: GameId, here: &Here) -> Result<Seats, Unavailable>;

    /// Notes a running game under one of its players, or that it runs no longer (no note). At most
    /// [`crate::limits::MAX_PLAYING`] a user; beyond that a new one is not noted.
    ///
    /// # Errors
    /// The store did not answer.
    async fn note_playing(
        &self,
        user: &UserId,
        game: GameId,
        note: Option<&str>,
    ) -> Result<(), Unavailable>;

    /// The running games of a user with their notes, in any order.
    ///
    /// # Errors
    /// The store did not answer.
    async fn playing(&self, user: &UserId) -> Result<Vec<(GameId, String)>, Unavailable>;

    /// What is told to a user from now on.
    ///
    /// # Errors
    /// The store did not answer.
    async fn follow_user(&self, user: &UserId) -> Result<UserFollow, Unavailable>;

    /// Hands a text to whoever follows this user, on every node.
    ///
    /// # Errors
    /// The store did not answer.
    async fn tell_user(&self, user: &UserId, text: &str) -> Result<(), Unavailable>;

    /// Revokes a token by its own id, until it would have expired anyway.
    ///
    /// # Errors
    /// On [`Unavailable`] it is not known whether it was done: send the same again.
    async fn revoke(&self, jti: &str, until: UnixMillis) -> Result<(), Unavailable>;

    /// Whether a token is revoked, as far as this node knows; every node knows within 5 s.
    fn is_revoked(&self, jti: &str) -> bool;

    /// Takes one of what somebody may do, who is known by a key, and counts it over all nodes; where none is left, says
    /// after how long there is one. A store of one process leaves the count to its only caller, and says nothing.
    ///
    /// # Errors
    /// The store did not answer.
    async fn take(&self, key: &str, quota: Quota) -> Result<Option<Millis>, Unavailable>;

    /// What the nodes tell each other of themselves.
    fn roster(&self) -> Arc<Roster>;

    /// Whether the store answers.
    fn health(&self) -> watch::Receiver<Health>;

    /// Whether it answers for this game.
    fn answers_for(&self, id: GameId) -> bool;

    /// Where replicas were asked for: says, once it is awaited, whether as many have what was written to this game between
    /// this call and then. It waits at most [`crate::limits::REPLICA_PATIENCE`].
    fn replication(&self, id: GameId) -> Option<BoxFuture<'static, bool>>;

    /// From when on flags are called in this game, which may be long ago. After an outage players who were cut off come
    /// back first, [`crate::limits::FLAG_PAUSE_AFTER_LOSS`] long.
    fn flags_from(&self, id: GameId) -> Instant;

    /// The store's wall clock, as this node estimates it without asking. For tokens and people.
    fn wall_time(&self) -> UnixMillis;

    /// The store's play clock, as this node estimates it without asking.
    fn play_time(&self, id: GameId) -> PlayTime;
}

/// What a follower gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Feed {
    /// An append. It may repeat one that was read, or leave a gap.
    Published(Arc<Published>),
    /// A line of chat. It may repeat one that was read.
    Said(Arc<Said>),
    /// Who is at the game has changed. It may be older than what [`Store::sit`] answered, as its order tells.
    Seats(Arc<Seats>),
    /// A node is gone, and with it who was there; if it is this one, others took it for gone for a while.
    Gone(NodeMark),
    /// So many entries the log has, or had a moment ago: who has fewer for long has missed some.
    Length(Version),
    /// Something may have been missed, or lost: read.
    Resync,
}

/// What a follower of a user gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserFeed {
    /// A text.
    Told(Arc<str>),
    /// Something may have been missed: look at what the user plays.
    Resync,
}

/// A line of chat to be said. Each field is one word, escaped by the caller, but for the text, which has no line breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The room's name.
    pub room: String,
    /// Who says it, as `id:name`.
    pub author: String,
    /// The author's own mark for this line; empty: none.
    pub key: String,
    /// What is said.
    pub text: String,
}

/// A line that was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Its number in its room, from 1 on.
    pub n: u32,
    /// The line.
    pub line: Line,
}

/// The store did not answer, or could not write.
#[derive(Debug, thiserror::Error)]
#[error("the store is unavailable")]
pub struct Unavailable(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Why a game was not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The id is taken.
    #[error("the game exists already")]
    Exists,
    /// It is not known whether it was written: send the same again.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}
