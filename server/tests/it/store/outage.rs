//! Promises about a store that stands still for a while, or whose wall clock is set. How that is done to it is its own
//! affair.

use std::fs;
use std::path::Path;
use std::pin::pin;
use std::process::Command;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use futures_util::{join, poll};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use tokio::time::timeout;
use zeitnot::health::Health;
use zeitnot::limits::{COMMIT_BATCH, COUNTED_OUTAGE};
use zeitnot::store::{Append, Appended, Store};
use zeitnot_game::id::{Head, Version};
use zeitnot_game::time::{Millis, Timestamp};
use zeitnot_loadtest::deployment::{RedisServer, SkewedClock};

use super::{Known, PATIENCE, begin, begin_as, embedded, game, redis, setup, until};

/// What a store needs to go on, in the hands of a test.
enum Grip {
    /// A second connection to the file, which keeps the only writer out.
    Embedded(SqliteConnection),
    /// The process of the server.
    Redis(RedisServer),
}

impl Grip {
    async fn on_file(dir: &Path) -> Self {
        let file = SqliteConnectOptions::new().filename(dir.join("zeitnot.db"));
        let mut connection = file.connect().await.unwrap();
        let patience = format!("PRAGMA busy_timeout = {}", PATIENCE.as_millis());
        let patience = sqlx::AssertSqlSafe(patience);
        sqlx::raw_sql(patience)
            .execute(&mut connection)
            .await
            .unwrap();
        Self::Embedded(connection)
    }

    async fn stop(&mut self) {
        match self {
            Self::Embedded(connection) => {
                let lock = sqlx::raw_sql("BEGIN IMMEDIATE");
                lock.execute(connection).await.unwrap();
            }
            Self::Redis(server) => server.pause().unwrap(),
        }
    }

    async fn go_on(&mut self) {
        match self {
            Self::Embedded(connection) => {
                let unlock = sqlx::raw_sql("ROLLBACK");
                unlock.execute(connection).await.unwrap();
            }
            Self::Redis(server) => server.resume().unwrap(),
        }
    }

    async fn release(self) {
        if let Self::Embedded(connection) = self {
            connection.close().await.unwrap();
        }
    }
}

/// Makes a test of each function, for both stores and what they need to go on.
macro_rules! on_both_stores_in_our_grip {
    ($($promise:ident)*) => {
        mod on_embedded {
            $(#[tokio::test] async fn $promise() {
                let dir = tempfile::tempdir().unwrap();
                let store = super::embedded::open(dir.path()).await;
                let mut grip = super::Grip::on_file(dir.path()).await;
                super::$promise(&store, &mut grip).await;
                grip.release().await;
                store.close().await;
            })*
        }
        mod on_redis {
            $(#[tokio::test] async fn $promise() {
                let server = super::RedisServer::start().unwrap();
                let store = super::redis::connect(&server).await;
                let mut grip = super::Grip::Redis(server);
                super::$promise(&store, &mut grip).await;
                store.close().await;
                grip.release().await;
            })*
        }
    };
}

on_both_stores_in_our_grip! {
    an_append_that_was_stuck_for_long_is_not_written_late
    an_outage_counts_a_second_at_most
}

pub(super) async fn until_health_is(store: &dyn Store, health: Health) {
    let mut known = store.health();
    let waiting = known.wait_for(|known| *known == health);
    timeout(PATIENCE, waiting).await.unwrap().unwrap();
}

/// Sends the same append until the store takes a stand.
pub(super) async fn append_patiently(store: &dyn Store, append: &Append) -> Appended {
    let mut answer = None;
    until(async || {
        answer = store.append(game(), append).await.ok();
        answer.is_some()
    })
    .await;
    answer.unwrap()
}

async fn commit_patiently(store: &dyn Store, known: &mut Known, append: &Append) -> Timestamp {
    let answer = append_patiently(store, append).await;
    let Appended::Committed { version, at } = answer else {
        panic!("not committed: {answer:?}");
    };
    known.head = Head {
        version,
        tag: append.tag,
    };
    known.at = at;
    at
}

async fn an_append_that_was_stuck_for_long_is_not_written_late(store: &dyn Store, grip: &mut Grip) {
    let known = begin(store).await;
    let append = known.append("aaaaa", &["e2e4"]);
    grip.stop().await;
    // More than one commit takes, before and after it.
    let crowd = || join_all((0..COMMIT_BATCH).map(|_| store.schedule(game(), Version(9), None)));
    let (_, appended, _) = join!(crowd(), store.append(game(), &append), crowd());
    appended.unwrap_err();
    // By then the last tick is too old.
    until_health_is(store, Health::Unavailable).await;
    grip.go_on().await;
    // What is asked now comes after all that waited.
    let other = "q7ZwA0bY".parse().unwrap();
    until(async || store.create(other, &setup("first")).await.is_ok()).await;
    let length = store.read(game(), Version(0)).await.unwrap().length();
    assert_eq!(length, Version(1));
    let answer = append_patiently(store, &append).await;
    assert!(
        matches!(answer, Appended::Committed { version, .. } if version == Version(2)),
        "{answer:?}"
    );
    until_health_is(store, Health::Ok).await;
}

async fn an_outage_counts_a_second_at_most(store: &dyn Store, grip: &mut Grip) {
    const OUTAGE: Duration = Duration::from_secs(3);
    let mut known = begin(store).await;
    let began = Instant::now();
    let before = known.commit(store, "aaaaa", &["e2e4"]).await;
    grip.stop().await;
    let paused = Instant::now();
    until(async || paused.elapsed() > OUTAGE).await;
    let estimate_then = store.play_time(game());
    let outage = paused.elapsed();
    grip.go_on().await;
    let append = known.append("bbbbb", &["e7e5"]);
    let at = commit_patiently(store, &mut known, &append).await;
    // Each moment was rounded down.
    let counted = began.elapsed() - outage + COUNTED_OUTAGE + Duration::from_millis(1);
    let passed = at.since(before);
    assert!(u128::from(passed.0) <= counted.as_millis(), "{passed:?}");
    // The estimate went on alone for at most as long as a tick is believed, and never goes back.
    let estimate = store.play_time(game());
    assert!(estimate >= estimate_then, "{estimate_then:?} {estimate:?}");
    let ahead = estimate.on_scale_of(known.origin).since(at);
    assert!(ahead <= Millis(2000), "{ahead:?}");
}

/// Sets the wall clock to so many seconds after the right time while a game goes on.
async fn a_clock_that_is_set_counts_no_hour(store: &dyn Store, set: impl Fn(i64)) {
    const HOUR: i64 = 3600;
    let mut known = begin(store).await;
    let other = begin_as(store, "q7ZwA0bY".parse().unwrap(), &setup("first")).await;
    // Taken before an append was sent, so that no stamp is earlier.
    let mut sent = Instant::now();
    let mut before = known.commit(store, "zzzzz", &["e2e4"]).await;
    let mut estimate = store.play_time(game());
    let forward = [("aaaaa", HOUR), ("bbbbb", 2 * HOUR)];
    let back = [("ccccc", HOUR), ("ddddd", 0), ("eeeee", -HOUR)];
    for (nonce, seconds) in forward.into_iter().chain(back) {
        set(seconds);
        let mut append = known.append(nonce, &["e2e4"]);
        append.not_before = Some(Timestamp(before.0 + 600_000));
        let early = append_patiently(store, &append).await;
        assert!(matches!(early, Appended::Early { .. }), "{early:?}");
        append.not_before = None;
        let sent_now = Instant::now();
        let at = commit_patiently(store, &mut known, &append).await;
        assert!(at >= before, "{nonce}: {before:?} {at:?}");
        let is_forward = forward.contains(&(nonce, seconds));
        let counted = if is_forward {
            COUNTED_OUTAGE
        } else {
            Duration::ZERO
        };
        // Each moment was rounded down.
        let most = sent.elapsed() + counted + Duration::from_millis(1);
        let passed = at.since(before);
        assert!(
            u128::from(passed.0) <= most.as_millis(),
            "{nonce}: {passed:?} of {most:?}"
        );
        let now = store.play_time(game());
        assert!(now >= estimate, "{nonce}: {estimate:?} {now:?}");
        (sent, before, estimate) = (sent_now, at, now);
    }
    assert!(
        poll!(pin!(store.due())).is_pending(),
        "{other:?} is due in an hour"
    );
}

#[tokio::test]
async fn a_clock_that_is_set_counts_no_hour_on_redis() {
    let clock = SkewedClock::new().unwrap();
    let server = RedisServer::start_with_env(&[], &clock.variables()).unwrap();
    let store = redis::connect(&server).await;
    let time = || -> i64 {
        let time = server.command("EVAL \"return tonumber(redis.call('TIME')[1])\" 0");
        time.unwrap().trim_start_matches(':').parse().unwrap()
    };
    let before = time();
    a_clock_that_is_set_counts_no_hour(&store, |seconds| clock.set(seconds).unwrap()).await;
    assert!(time() < before - 3000, "the shim is loaded");
    store.close().await;
}

/// Not a test by itself: [`a_clock_that_is_set_counts_no_hour_on_embedded`] runs it in a process with a clock of its own.
#[tokio::test]
async fn a_clock_that_is_set_counts_no_hour_in_this_process() {
    let Some(file) = std::env::var_os("SKEW_FILE") else {
        return;
    };
    let new = Path::new(&file).with_extension("new");
    let dir = tempfile::tempdir().unwrap();
    let store = embedded::open(dir.path()).await;
    let before = store.wall_time();
    a_clock_that_is_set_counts_no_hour(&store, |seconds| {
        fs::write(&new, seconds.to_string()).unwrap();
        fs::rename(&new, &file).unwrap();
    })
    .await;
    assert!(store.wall_time() < before, "the shim is loaded");
    store.close().await;
}

#[tokio::test]
async fn a_clock_that_is_set_counts_no_hour_on_embedded() {
    let clock = SkewedClock::new().unwrap();
    let ran = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "store::outage::a_clock_that_is_set_counts_no_hour_in_this_process",
        ])
        .envs(clock.variables())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && said.contains("1 passed"), "{said}");
}
