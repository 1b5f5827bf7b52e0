//! One table: two players and perhaps spectators, each with a socket, who go through real games, move by move as they are
//! due.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rand::Rng as _;
use tokio::sync::mpsc;
use tokio::time::{interval_at, sleep_until, timeout};

use crate::client::{Client, Text};
use crate::entrance::Entrance;
use crate::failures::Kind;
use crate::line::{Ending, Line};
use crate::oracle::{self, Heard, Oracle, Played};
use crate::sequence::FIRST_VERSION;
use crate::side::Side;
use crate::tally::Tally;

/// How often a client says that it lives, as the protocol wants it.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(5);

/// How long the last moves may take to arrive.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a game may take to begin.
const OPENING: Duration = Duration::from_secs(60);

/// Who sits or stands at a table that is not set up yet.
#[derive(Debug)]
pub(crate) struct Seated {
    /// White, Black, then the spectators.
    pub(crate) clients: Vec<Client>,
    pub(crate) games: Games,
    /// What is played in one game after the other, again and again.
    pub(crate) lines: VecDeque<Arc<Line>>,
}

/// Where games come from.
#[derive(Debug)]
pub(crate) enum Games {
    /// They have begun already.
    Begun(VecDeque<String>),
    /// Each is begun when it is needed, by the tokens of both.
    Fresh {
        entrance: Entrance,
        tokens: [String; 2],
    },
}

/// Somebody who hears of the game.
#[derive(Debug)]
struct Ear {
    client: Client,
    oracle: Oracle,
    /// His moves whose answer has not come: the ply, and when it was due.
    unanswered: VecDeque<(u16, Instant)>,
}

/// Two players, and who watches them.
#[derive(Debug)]
pub(crate) struct Table {
    side: Side,
    ears: Vec<Ear>,
    games: Games,
    lines: VecDeque<Arc<Line>>,
    /// The game that is played.
    game: String,
    line: Arc<Line>,
    /// Plies of this game that were sent, and that the opponent has.
    sent: u16,
    delivered: u16,
    has_resigned: bool,
    /// When each one that was sent was due.
    dues: Vec<Instant>,
    /// Moves that are due and cannot be made yet.
    waiting: VecDeque<Instant>,
    /// Those who have not been shown the game yet.
    opening: usize,
    tally: Arc<Mutex<Tally>>,
}

impl Games {
    /// The one that comes next, if it has begun.
    pub(crate) fn first(&self) -> Option<&str> {
        match self {
            Self::Begun(games) => games.front().map(String::as_str),
            Self::Fresh { .. } => None,
        }
    }

    async fn next(&mut self) -> anyhow::Result<String> {
        match self {
            Self::Begun(games) => games.pop_front().context("no game is left"),
            Self::Fresh { entrance, tokens } => entrance.begin([&tokens[0], &tokens[1]]).await,
        }
    }
}

impl Table {
    /// Sets a table up: the first game is begun, and everybody is shown it.
    pub(crate) async fn open(
        side: Side,
        seated: Seated,
        tally: Arc<Mutex<Tally>>,
    ) -> anyhow::Result<Self> {
        let ear = |(number, client)| Ear {
            client,
            oracle: Oracle::new(side, (number < 2).then_some(number)),
            unanswered: VecDeque::new(),
        };
        let line = seated.lines.front().context("there are moves")?;
        let mut table = Self {
            side,
            ears: seated.clients.into_iter().enumerate().map(ear).collect(),
            games: seated.games,
            game: String::new(),
            line: Arc::clone(line),
            lines: seated.lines,
            sent: 0,
            delivered: 0,
            has_resigned: false,
            dues: Vec::new(),
            waiting: VecDeque::new(),
            opening: 0,
            tally,
        };
        let opened = async {
            table.begin_next().await?;
            while table.opening > 0 {
                let (number, frame) = hear(&mut table.ears).await?;
                table.on_frame(number, &frame);
            }
            anyhow::Ok(())
        };
        timeout(OPENING, opened)
            .await
            .context("no game in time")??;
        Ok(table)
    }

    /// Plays a move whenever one is due, until there are no more.
    ///
    /// # Errors
    /// A socket ended. What else goes wrong is in the tally.
    pub(crate) async fn play(mut self, mut dues: mpsc::Receiver<Instant>) -> anyhow::Result<()> {
        // Not all at once: people do not sit down at the same moment.
        let first = HEARTBEAT.mul_f64(rand::rng().random_range(0.0..1.0));
        let mut heartbeat = interval_at((Instant::now() + first).into(), HEARTBEAT);
        let mut give_up = None;
        while give_up.is_none() || !self.is_done() {
            tokio::select! {
                heard = hear(&mut self.ears) => {
                    let (number, frame) = heard?;
                    self.on_frame(number, &frame);
                }
                due = dues.recv(), if give_up.is_none() => match due {
                    Some(due) => self.waiting.push_back(due),
                    None => give_up = Some(Instant::now() + PATIENCE),
                },
                _ = heartbeat.tick(), if self.side.has_pings() => self.ping().await?,
                () = sleep_until(give_up.unwrap_or_else(Instant::now).into()), if give_up.is_some() => break,
            }
            self.go_on().await?;
        }
        let is_done = self.is_done();
        self.look_back(is_done);
        if !is_done {
            let example = || "moves did not arrive in time".to_owned();
            self.tally().failures.add(Kind::Late, example);
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.waiting.is_empty() && self.is_settled()
    }

    /// Whether everybody has heard of everything that was sent.
    fn is_settled(&self) -> bool {
        let ends = self.ends();
        let knows_all = |ear: &Ear| {
            ear.unanswered.is_empty()
                && ear.oracle.has_heard(self.sent)
                && (!ends || ear.oracle.has_ended())
        };
        self.opening == 0 && self.ears.iter().all(knows_all)
    }

    /// Whether what was sent ends the game.
    fn ends(&self) -> bool {
        self.sent == self.line.plies()
            && match self.line.ending() {
                Ending::Mate | Ending::Drawn(_) => true,
                Ending::Resignation => self.has_resigned,
                Ending::Never => false,
            }
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        // What is inside is whole even if a holder panicked.
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn on_frame(&mut self, number: usize, (text, at): &(Text, Instant)) {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        let tally = &mut *tally;
        let window = &tally.window;
        let ear = &mut self.ears[number];
        let played = Played {
            game: &self.game,
            line: &self.line,
            sent: self.sent,
        };
        match ear.oracle.hear(text, played, &mut tally.failures) {
            Heard::Other | Heard::Ended => {}
            Heard::Game if self.opening > 0 => self.opening -= 1,
            Heard::Game => tally.failures.add(Kind::Unexpected, || {
                format!("a snapshot that nobody asked for: {text}")
            }),
            Heard::Played(ply) if number < 2 && mover(ply) == number => {}
            Heard::Played(ply) => {
                let due = self.dues.get(usize::from(ply));
                let due = due.filter(|due| window.contains(due));
                if number < 2 {
                    self.delivered = ply + 1;
                    tally.arrived += u64::from(window.contains(at));
                    if let Some(due) = due {
                        tally.opponent.record(*due, *at);
                    }
                } else if let Some(due) = due {
                    tally.spectator.record(*due, *at);
                }
            }
            Heard::Answered(ply) => match ear.unanswered.pop_front() {
                Some((other, due)) if other == ply => {
                    if window.contains(&due) {
                        tally.own.record(due, *at);
                    }
                }
                Some(_) | None => tally.failures.add(Kind::Unexpected, || {
                    format!("an answer that nobody waits for: {text}")
                }),
            },
        }
    }

    /// Makes the next move if it is due and can be made; after the last one the game ends, and the next one begins.
    async fn go_on(&mut self) -> anyhow::Result<()> {
        if self.sent == self.line.plies() {
            let may_resign = self.line.ending() == Ending::Resignation && !self.has_resigned;
            if may_resign && self.is_settled() {
                self.has_resigned = true;
                let message = oracle::resign(&self.game, self.sent);
                return self.ears[mover(self.sent)].client.send(message).await;
            }
            if self.is_settled() {
                self.begin_next().await?;
            }
            return Ok(());
        }
        if self.delivered < self.sent || self.opening > 0 {
            return Ok(());
        }
        let Some(due) = self.waiting.pop_front() else {
            return Ok(());
        };
        let played = Played {
            game: &self.game,
            line: &self.line,
            sent: self.sent,
        };
        let message = oracle::play(played, self.sent);
        self.note_start(due);
        let player = &mut self.ears[mover(self.sent)];
        if self.side != Side::Floor {
            player.unanswered.push_back((self.sent, due));
        }
        self.dues.push(due);
        self.sent += 1;
        player.client.send(message).await
    }

    /// A move that was due then is made now.
    fn note_start(&self, due: Instant) {
        let mut tally = self.tally();
        if tally.window.contains(&due) {
            tally.start.record(due, Instant::now());
        }
    }

    /// What is still missing of a game that is over. Of one that was not waited for, what may still come is not lost.
    fn look_back(&self, is_over: bool) {
        let mut tally = self.tally();
        let last = if is_over {
            FIRST_VERSION + self.sent + u16::from(self.ends())
        } else {
            0
        };
        for ear in &self.ears {
            ear.oracle.end(last, &mut tally.failures);
            tally.skipped += ear.oracle.skipped();
        }
        tally.games += u64::from(is_over && self.ends());
    }

    async fn begin_next(&mut self) -> anyhow::Result<()> {
        if !self.game.is_empty() {
            self.look_back(true);
            self.lines.rotate_left(1);
        }
        let line = self.lines.front().context("there are moves")?;
        self.line = Arc::clone(line);
        (self.sent, self.delivered, self.has_resigned) = (0, 0, false);
        self.dues.clear();
        for ear in &mut self.ears {
            ear.oracle.begin();
        }
        if self.side.is_floor() {
            if let Games::Begun(games) = &self.games {
                self.game = games.front().cloned().unwrap_or_default();
            }
            return Ok(());
        }
        let over = std::mem::replace(&mut self.game, self.games.next().await?);
        self.opening = self.ears.len();
        for ear in &mut self.ears {
            if !over.is_empty() {
                ear.client.send(oracle::unwatch(&over)).await?;
            }
            ear.client.send(oracle::watch(&self.game)).await?;
        }
        Ok(())
    }

    async fn ping(&mut self) -> anyhow::Result<()> {
        for ear in &mut self.ears {
            ear.client.send(oracle::PING.to_owned()).await?;
        }
        Ok(())
    }
}

/// The next frame of any of them. Safe to cancel.
async fn hear(ears: &mut [Ear]) -> anyhow::Result<(usize, (Text, Instant))> {
    poll_fn(|context| {
        for (number, ear) in ears.iter_mut().enumerate() {
            if let Poll::Ready(frame) = ear.client.poll_next(context) {
                return Poll::Ready(frame.map(|frame| (number, frame)));
            }
        }
        Poll::Pending
    })
    .await
}

/// Which player makes the move after so many plies.
fn mover(ply: u16) -> usize {
    usize::from(ply % 2)
}
