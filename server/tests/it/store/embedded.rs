//! What the embedded store alone promises.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;
use zeitnot::health::Health;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};
use zeitnot::limits::MAX_REVOKED;
use zeitnot::store::embedded::{EmbeddedStore, OpenError, Sync};
use zeitnot::store::{Line, Store};
use zeitnot_game::entry::Entry;
use zeitnot_game::id::Version;
use zeitnot_game::setup::FirstEntry;
use zeitnot_game::time::{Timestamp, UnixMillis};

use super::{HOUR, PATIENCE, begin, game, tag, until};

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
    execute(dir, &format!("UPDATE clock SET play = {play}")).await;
}

/// Opens the database beside the store.
async fn database(dir: &Path) -> SqliteConnection {
    let file = SqliteConnectOptions::new().filename(dir.join("zeitnot.db"));
    file.create_if_missing(true).connect().await.unwrap()
}

async fn execute(dir: &Path, sql: &str) {
    let mut connection = database(dir).await;
    let sql = sqlx::AssertSqlSafe(sql.to_owned());
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    sqlx::Connection::close(connection).await.unwrap();
}

#[tokio::test]
async fn a_game_is_due_after_a_restart_by_the_play_clock() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    let known = begin(&store).await;
    store.close().await;
    set_saved_clock(dir.path(), known.origin.0 + HOUR.0).await;
    let store = open(dir.path()).await;
    assert_eq!(next_due(&store).await, game());
    let now = store.play_time(game());
    assert!(now.0 >= known.origin.0 + HOUR.0, "{now:?}, {known:?}");
    store.close().await;
}

async fn next_due(store: &dyn Store) -> zeitnot_game::id::GameId {
    tokio::time::timeout(PATIENCE, store.due()).await.unwrap()
}

/// What the first build wrote: two games and a challenge.
const VERSION_1: &str = "
PRAGMA journal_mode = WAL;
CREATE TABLE entry (
    game TEXT NOT NULL,
    version INTEGER NOT NULL,
    line TEXT NOT NULL,
    PRIMARY KEY (game, version)
) STRICT, WITHOUT ROWID;
CREATE TABLE challenge (
    id TEXT PRIMARY KEY,
    terms TEXT NOT NULL,
    white TEXT,
    black TEXT,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX challenge_expires ON challenge (expires);
CREATE TABLE clock (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    play INTEGER NOT NULL
) STRICT;
PRAGMA user_version = 1;
INSERT INTO clock (id, play) VALUES (1, 1000000005000);
INSERT INTO entry (game, version, line) VALUES
    ('q7ZwA0bX', 1, 'game1 standard 180+2 casual white:anna:Anna black:bo:Bo created:1700000000000 1000000000000 first'),
    ('q7ZwA0bX', 2, 'e2e4 1200 aaaaa'),
    ('q7ZwA0bY', 1, 'game1 standard 180+2 casual white:anna:Anna black:bo:Bo created:1700000000000 1000000004000 first');
INSERT INTO challenge (id, terms, white, black, expires) VALUES
    ('q7ZwA0bZ', 'game1 standard 180+2 casual', 'anna:Anna', NULL, 4102444800000);
";

#[tokio::test]
async fn a_database_of_the_first_build_is_taken_over() {
    let dir = tempfile::tempdir().unwrap();
    execute(dir.path(), VERSION_1).await;
    // Opened again, it is as it is.
    open(dir.path()).await.close().await;
    let store = open(dir.path()).await;
    let other = "q7ZwA0bY".parse().unwrap();
    // Whether somebody must look at these games, the first build did not write: so somebody must.
    let (one, two) = (next_due(&store).await, next_due(&store).await);
    assert!(
        [(game(), other), (other, game())].contains(&(one, two)),
        "{one}, {two}"
    );
    let invited = store.challenge("q7ZwA0bZ".parse().unwrap()).await.unwrap();
    assert_eq!(invited.unwrap().seats.white.as_deref(), Some("anna:Anna"));
    let mut known = begin(&store).await;
    assert_eq!(known.origin.0, 1_000_000_000_000);
    known.head.version = Version(2);
    known.head.tag = tag("aaaaa");
    let at = known.commit(&store, "bbbbb", &["e7e5"]).await;
    let since = at.since(Timestamp(5000));
    assert!(at >= Timestamp(5000) && since < HOUR, "{at:?}");
    store.close().await;
}

#[tokio::test]
async fn what_people_did_survives_a_restart() {
    const LATER: UnixMillis = UnixMillis(4_102_444_800_000); // in 2100
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    begin(&store).await;
    let line = Line {
        room: "players".to_owned(),
        author: "anna:Anna".to_owned(),
        key: "a".to_owned(),
        text: "hello".to_owned(),
    };
    store.say(game(), &line).await.unwrap();
    let anna = "anna".parse().unwrap();
    let note = Some("white");
    store.note_playing(&anna, game(), note).await.unwrap();
    store.revoke("for-long", LATER).await.unwrap();
    let soon = UnixMillis(store.wall_time().0 + 500);
    store.revoke("for-now", soon).await.unwrap();
    until(async || store.wall_time() > soon).await;
    store.close().await;
    let store = open(dir.path()).await;
    assert_eq!(store.chat(game()).await.unwrap()[0].line, line);
    assert_eq!(store.say(game(), &line).await.unwrap(), 1);
    let playing = store.playing(&anna).await.unwrap();
    assert_eq!(playing, [(game(), "white".to_owned())]);
    assert!(store.is_revoked("for-long"));
    assert!(!store.is_revoked("for-now"));
    store.close().await;
    let mut database = database(dir.path()).await;
    let kept: Vec<String> = sqlx::query_scalar("SELECT jti FROM revoked")
        .fetch_all(&mut database)
        .await
        .unwrap();
    assert_eq!(kept, ["for-long"]);
}

#[tokio::test]
async fn more_revoked_tokens_than_allowed_are_refused() {
    const LATER: UnixMillis = UnixMillis(4_102_444_800_000);
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).await.close().await;
    let fill = format!(
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {MAX_REVOKED})
         INSERT INTO revoked (jti, until) SELECT 'token-' || n, {} FROM n",
        LATER.0
    );
    execute(dir.path(), &fill).await;
    let store = open(dir.path()).await;
    assert!(store.is_revoked("token-1"));
    store.revoke("one-more", LATER).await.unwrap_err();
    assert!(!store.is_revoked("one-more"));
    store.revoke("token-1", LATER).await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn the_store_says_when_it_cannot_write_and_when_it_can_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    let mut health = store.health();
    assert_eq!(*health.borrow_and_update(), Health::Ok);
    let mut other = database(dir.path()).await;
    let transaction = sqlx::Connection::begin_with(&mut other, "BEGIN IMMEDIATE")
        .await
        .unwrap();
    let mut turned = async || {
        let changed = tokio::time::timeout(PATIENCE, health.changed()).await;
        changed.unwrap().unwrap();
        *health.borrow_and_update()
    };
    assert_eq!(turned().await, Health::Unavailable);
    let anna = "anna".parse().unwrap();
    let note = store.note_playing(&anna, game(), Some("white")).await;
    note.unwrap_err();
    transaction.rollback().await.unwrap();
    assert_eq!(turned().await, Health::Ok);
    begin(&store).await;
    store.close().await;
    assert_eq!(turned().await, Health::Unavailable);
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
