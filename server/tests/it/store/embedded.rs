//! What the embedded store alone promises.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use zeitnot::store::Store;
use zeitnot::store::embedded::{EmbeddedStore, OpenError, Sync};
use zeitnot_game::entry::Entry;
use zeitnot_game::id::Version;
use zeitnot_game::setup::FirstEntry;
use zeitnot_game::time::Timestamp;

use super::{begin, game};

/// Names the directory of [`writes_until_it_is_killed`].
const KILLED_DIR: &str = "ZEITNOT_TEST_KILLED_DIR";

pub(crate) async fn open(dir: &Path) -> EmbeddedStore {
    EmbeddedStore::open(dir, Sync::Normal).await.unwrap()
}

#[tokio::test]
async fn a_directory_that_is_in_use_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("made/on/the/way");
    let store = open(&dir).await;
    let second = EmbeddedStore::open(&dir, Sync::Full).await.unwrap_err();
    assert!(matches!(second, OpenError::InUse { .. }), "{second:?}");
    assert!(second.to_string().contains("in use by another zeitnot"));
    store.close().await;
    open(&dir).await.close().await;
}

#[tokio::test]
async fn a_closed_store_is_unavailable() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    let mut known = begin(&store).await;
    known.commit(&store, "aaaaa", &["e2e4"]).await;
    store.close().await;
    let append = known.append("bbbbb", &["e7e5"]);
    assert!(store.append(game(), &append).await.is_err());
    assert!(store.read(game(), Version(0)).await.is_err());
}

#[tokio::test]
async fn a_game_goes_on_after_a_restart_as_if_no_time_had_passed() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    let mut known = begin(&store).await;
    let before = known.commit(&store, "aaaaa", &["e2e4"]).await;
    store.close().await;
    // As if it had been killed at that moment and had been down since.
    set_saved_clock(dir.path(), known.origin.0 + before.0).await;
    let restarted = Instant::now();
    let store = open(dir.path()).await;
    let after = known.commit(&store, "bbbbb", &["e7e5"]).await;
    let up = restarted.elapsed().as_millis();
    assert!(
        u128::from(after.since(before).0) <= up,
        "{after:?} {up} ms after {before:?}"
    );
    assert!(after >= before);
    store.close().await;
}

#[tokio::test]
async fn the_play_clock_starts_from_what_was_saved_and_not_from_the_wall_clock() {
    const SAVED: u64 = 1_000_000_000_000; // in 2001
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).await.close().await;
    set_saved_clock(dir.path(), SAVED).await;
    let store = open(dir.path()).await;
    let known = begin(&store).await;
    let day = 86_400_000;
    assert!(
        (SAVED..SAVED + day).contains(&known.origin.0),
        "{:?}",
        known.origin
    );
    store.close().await;
}

async fn set_saved_clock(dir: &Path, play: u64) {
    let file = SqliteConnectOptions::new().filename(dir.join("zeitnot.db"));
    let mut connection = file.connect().await.unwrap();
    sqlx::query("UPDATE clock SET play = ?")
        .bind(i64::try_from(play).unwrap())
        .execute(&mut connection)
        .await
        .unwrap();
    sqlx::Connection::close(connection).await.unwrap();
}

#[tokio::test]
async fn a_database_of_a_later_build_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = SqliteConnectOptions::new()
        .filename(dir.path().join("zeitnot.db"))
        .create_if_missing(true)
        .pragma("user_version", "99");
    sqlx::Connection::close(file.connect().await.unwrap())
        .await
        .unwrap();
    let refused = EmbeddedStore::open(dir.path(), Sync::Normal).await;
    assert!(
        matches!(refused, Err(OpenError::UnknownVersion { found: 99 })),
        "{refused:?}"
    );
}

/// Not a test by itself: the process that [`what_was_acknowledged_survives_a_kill`] kills.
#[expect(clippy::print_stdout, reason = "it tells its parent")]
#[tokio::test]
async fn writes_until_it_is_killed() {
    let Ok(dir) = std::env::var(KILLED_DIR) else {
        return;
    };
    let store = open(Path::new(&dir)).await;
    let mut known = begin(&store).await;
    loop {
        known.commit(&store, "aaaaa", &["e2e4"]).await;
        println!("acknowledged {}", known.head.version);
    }
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "store::embedded::writes_until_it_is_killed",
            "--nocapture",
        ])
        .env(KILLED_DIR, dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
    let acknowledged = |line: String| line.strip_prefix("acknowledged ")?.parse().ok();
    let mut next = || lines.find_map(|line| acknowledged(line.unwrap()));
    let mut last: u32 = (0..50).map_while(|_| next()).last().unwrap();
    writer.kill().unwrap();
    while let Some(version) = next() {
        last = version;
    }
    writer.wait().unwrap();
    let store = open(dir.path()).await;
    let tail = store.read(game(), Version(0)).await.unwrap();
    let length = tail.length();
    assert!(length >= Version(last), "{length} of {last} entries");
    // The play clock was saved with the entries, so none of them is in the future now.
    let first: FirstEntry = tail.lines[0].parse().unwrap();
    let newest: Entry = tail.lines.last().unwrap().parse().unwrap();
    let now = store.play_time(game()).on_scale_of(first.origin);
    assert!(newest.at() <= now, "{newest:?} at {now:?}");
    assert!(newest.at() > Timestamp(0), "{newest:?}");
    store.close().await;
}
