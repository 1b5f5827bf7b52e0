//! What travels over a socket, as types: JSON objects whose `t` names them. Edges and load tools alone use these.
//!
//! `client` has what clients send; `server`, with `game` and `meeting`, what they get; `frames` makes that of a game. A reader ignores fields
//! that it does not know. Moments and spans are whole milliseconds.

mod client;
mod frames;
mod game;
mod meeting;
mod server;

pub use client::{
    Answer, AuthMsg, ClaimMsg, ClaimResult, ClientFrame, ClientMsg, ColorChoice, DrawAction,
    DrawMsg, GameMsg, MoveMsg, OfferMsg, Room, SayMsg, SeekClock, SeekMsg, UnseekMsg, WatchMsg,
};
pub use frames::{Before, clock_at, frame_of};
pub use game::{
    Author, ChatFrame, ChatLine, ClaimAt, Clock, CrowdFrame, DrawFrame, EndFrame, Lag, MoveFrame,
    Presence, PresenceFrame, RatingChange, RatingsFrame, RematchFrame, Snapshot, SnapshotFrame,
    TakebackFrame, TimeFrame,
};
pub use meeting::{
    Challenge, ChallengeFrame, GameStartFrame, NamedVariant, OpenTo, Perf, Player, Playing, Seek,
    SeeksFrame, TimeTerms,
};
pub use server::{
    DrainingFrame, ErrorCode, ErrorFrame, Hello, OkFrame, Pong, ServerMsg, StatusFrame,
    StoreStatus, User,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::rules::Move;

impl Serialize for Move {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Move {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}
