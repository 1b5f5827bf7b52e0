//! Signs of life: pings with a random payload, the round trip by the pong that echoes it, and silence.

use std::collections::VecDeque;
use std::sync::LazyLock;
use std::time::Duration;

use axum::body::Bytes;
use rand::Rng as _;
use tokio::time::Instant;
use zeitnot_game::time::Millis;

use crate::limits::{
    CLIENT_PING_PATIENCE, MAX_PINGS, ROUND_TRIP_PERIOD, SEAT_SILENCE, SOCKET_BEAT,
    SOCKET_PING_PERIOD, SOCKET_PING_PERIOD_AT_PLAY, SOCKET_SILENCE,
};

/// Since when beats are counted.
static FIRST_BEAT: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The last beat of all sockets up to this moment.
fn beat(moment: Instant) -> Instant {
    let since = moment.saturating_duration_since(*FIRST_BEAT);
    let past = since.as_nanos() % SOCKET_BEAT.as_nanos();
    moment - Duration::from_nanos(u64::try_from(past).unwrap_or(0))
}

/// What is known of one connection's line.
#[derive(Debug)]
pub(super) struct Heartbeat {
    heard: Instant,
    /// When something else than a pong came last.
    said: Instant,
    pinged: Instant,
    /// The games of this socket were told that nothing is heard.
    is_away: bool,
    /// Payloads that were not echoed yet, with their moments, the newest last.
    outstanding: VecDeque<([u8; 8], Instant)>,
    /// Smoothed, and when it was measured last.
    round_trip: Option<(Duration, Instant)>,
}

impl Heartbeat {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            heard: now,
            said: now,
            pinged: now,
            is_away: false,
            outstanding: VecDeque::new(),
            round_trip: None,
        }
    }

    /// When to ping next, to tell of silence, or to give up; a seat in a running game is asked more often.
    pub(super) fn due(&self, is_at_play: bool) -> Instant {
        let due = self.ping_at(is_at_play).min(self.heard + SOCKET_SILENCE);
        if is_at_play && !self.is_away {
            due.min(self.heard + SEAT_SILENCE)
        } else {
            due
        }
    }

    /// Whether a player counts as away from now on, or as back; nothing where that is no news.
    pub(super) fn take_news_of_silence(&mut self, now: Instant) -> Option<bool> {
        let is_away = now.duration_since(self.heard) >= SEAT_SILENCE;
        let was_away = std::mem::replace(&mut self.is_away, is_away);
        (is_away != was_away).then_some(is_away)
    }

    /// When to ping next, at a beat with the others: when nothing came for a while, or the round trip is not known, or was
    /// not measured for long and is needed. Who plays nothing and pings by himself is left alone.
    pub(super) fn ping_at(&self, is_at_play: bool) -> Instant {
        let last = self.heard.max(self.pinged);
        beat(match (is_at_play, self.round_trip) {
            (true, None) => self.pinged + SOCKET_PING_PERIOD_AT_PLAY,
            (true, Some(_)) => {
                (last + SOCKET_PING_PERIOD_AT_PLAY).min(self.pinged + ROUND_TRIP_PERIOD)
            }
            (false, None) => self.pinged + SOCKET_PING_PERIOD,
            (false, Some(_)) => (last + SOCKET_PING_PERIOD).max(self.said + CLIENT_PING_PATIENCE),
        })
    }

    /// Whether nothing came for too long.
    pub(super) fn is_silent(&self, now: Instant) -> bool {
        now.duration_since(self.heard) >= SOCKET_SILENCE
    }

    /// A pong came.
    pub(super) const fn hear(&mut self, now: Instant) {
        self.heard = now;
    }

    /// Anything else came.
    pub(super) const fn hear_said(&mut self, now: Instant) {
        self.heard = now;
        self.said = now;
    }

    /// The payload of the next ping.
    pub(super) fn ping(&mut self, now: Instant) -> Bytes {
        let payload: [u8; 8] = rand::rng().random();
        if self.outstanding.len() >= MAX_PINGS {
            self.outstanding.pop_front();
        }
        self.outstanding.push_back((payload, now));
        self.pinged = now;
        Bytes::copy_from_slice(&payload)
    }

    /// A pong came. It counts only with the payload of a ping that is outstanding, which nobody can know before it
    /// arrives.
    pub(super) fn pong(&mut self, payload: &[u8], now: Instant) {
        let echoed = self
            .outstanding
            .iter()
            .position(|(sent, _)| sent == payload);
        if let Some(place) = echoed {
            let (_, pinged) = self.outstanding[place];
            // Those before it are lost, or late and of no use.
            self.outstanding.drain(..=place);
            let sample = now.duration_since(pinged);
            // What is older says little of the line as it is now.
            let since = now.checked_sub(2 * ROUND_TRIP_PERIOD);
            let known = self
                .round_trip
                .filter(|(_, measured)| since.is_none_or(|since| *measured >= since));
            let smoothed = known.map_or(sample, |(known, _)| (known * 3 + sample) / 4);
            self.round_trip = Some((smoothed, now));
        }
    }

    /// The round trip, smoothed; nothing before the first pong.
    pub(super) fn round_trip(&self) -> Option<Millis> {
        let (round_trip, _) = self.round_trip?;
        let ms = round_trip.as_millis();
        Some(Millis(u64::try_from(ms).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_echo_of_a_ping_measures_the_line() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(start);
        let first = heartbeat.ping(start);
        heartbeat.pong(b"guessed!", start + Duration::from_millis(1));
        assert_eq!(heartbeat.round_trip(), None);
        heartbeat.pong(&first, start + Duration::from_millis(80));
        assert_eq!(heartbeat.round_trip(), Some(Millis(80)));
        heartbeat.pong(&first, start + Duration::from_millis(90));
        assert_eq!(
            heartbeat.round_trip(),
            Some(Millis(80)),
            "an echo counts once"
        );
        let again = heartbeat.ping(start + Duration::from_secs(5));
        heartbeat.pong(&again, start + Duration::from_millis(5_160));
        assert_eq!(heartbeat.round_trip(), Some(Millis(100)), "smoothed");
        let slow = heartbeat.ping(start + Duration::from_secs(10));
        heartbeat.ping(start + Duration::from_secs(13));
        heartbeat.pong(&slow, start + Duration::from_millis(14_100));
        assert_eq!(
            heartbeat.round_trip(),
            Some(Millis(1_100)),
            "slower than the pings"
        );
    }

    #[test]
    fn who_is_heard_anyway_is_pinged_only_to_measure_the_line() {
        let start = Instant::now();
        let after = |secs| start + Duration::from_secs(secs);
        let mut heartbeat = Heartbeat::new(start);
        heartbeat.hear(after(2));
        assert_eq!(heartbeat.due(true), beat(after(3)), "never measured");
        let first = heartbeat.ping(after(3));
        heartbeat.pong(&first, after(3));
        for secs in 3..10 {
            heartbeat.hear(after(secs));
            assert_eq!(heartbeat.due(true), beat(after(secs + 3)));
        }
        heartbeat.hear(after(11));
        assert_eq!(heartbeat.due(true), beat(after(13)), "measured at 3 s");
        assert_eq!(heartbeat.due(false), beat(after(16)), "need not be known");
    }

    #[test]
    fn who_plays_nothing_and_pings_by_himself_is_pinged_once() {
        let start = Instant::now();
        let after = |secs| start + Duration::from_secs(secs);
        let mut heartbeat = Heartbeat::new(start);
        heartbeat.hear_said(after(4));
        assert_eq!(heartbeat.due(false), beat(after(5)), "never measured");
        let first = heartbeat.ping(after(5));
        heartbeat.hear(after(5));
        heartbeat.pong(&first, after(5));
        let late = Duration::from_millis(200);
        for secs in [9, 14, 19] {
            assert!(heartbeat.due(false) > after(secs) + late, "{secs}");
            heartbeat.hear_said(after(secs));
        }
        assert_eq!(heartbeat.due(true), beat(after(15)), "sat down");
        assert_eq!(heartbeat.due(false), beat(after(25)), "fell silent");
        heartbeat.ping(after(25));
        heartbeat.hear(after(25));
        assert_eq!(heartbeat.due(false), beat(after(30)), "answers pings only");
    }

    #[test]
    fn who_sits_down_after_a_long_time_is_measured_anew() {
        let start = Instant::now();
        let after = |secs| start + Duration::from_secs(secs);
        let mut heartbeat = Heartbeat::new(start);
        let first = heartbeat.ping(after(5));
        heartbeat.pong(&first, after(5) + Duration::from_millis(800));
        heartbeat.hear_said(after(3600));
        assert!(heartbeat.due(false) > after(3605), "who looks on");
        assert!(heartbeat.due(true) < after(3600), "who plays");
        let again = heartbeat.ping(after(3600));
        heartbeat.pong(&again, after(3600) + Duration::from_millis(50));
        assert_eq!(heartbeat.round_trip(), Some(Millis(50)));
    }

    #[test]
    fn what_is_due_within_a_beat_is_due_at_its_begin() {
        let start = beat(Instant::now() + SOCKET_BEAT);
        assert_eq!(beat(start), start);
        assert_eq!(beat(start + SOCKET_BEAT / 2), start);
        assert_eq!(beat(start + SOCKET_BEAT), start + SOCKET_BEAT);
    }

    #[test]
    fn a_player_is_told_of_once_who_falls_silent_and_once_when_he_is_heard() {
        let start = Instant::now();
        let after = |secs| start + Duration::from_secs(secs);
        let mut heartbeat = Heartbeat::new(start);
        for secs in [3, 6] {
            assert_eq!(heartbeat.due(true), beat(after(secs)));
            assert_eq!(heartbeat.take_news_of_silence(after(secs)), None);
            heartbeat.ping(after(secs));
        }
        assert_eq!(heartbeat.due(true), after(8), "two pings got no answer");
        assert_eq!(heartbeat.due(false), beat(after(11)), "who plays nothing");
        assert_eq!(heartbeat.take_news_of_silence(after(8)), Some(true));
        assert_eq!(heartbeat.due(true), beat(after(9)));
        assert_eq!(heartbeat.take_news_of_silence(after(9)), None);
        heartbeat.hear(after(10));
        assert_eq!(heartbeat.take_news_of_silence(after(10)), Some(false));
        assert_eq!(heartbeat.take_news_of_silence(after(11)), None);
    }
}
