//! Redis with sentinels: its master dies or stands still, and games go on where they were.

use std::ops::Range;
use std::process::Command;
use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};
use zeitnot_loadtest::deployment::{Deployment, RedisKind, RedisSentinels, RedisServer};

use super::{entrance, nodes};
use crate::support::binary;
use crate::support::client::PATIENCE;
use crate::support::log;
use crate::support::records::{Record, records};
use crate::support::trio::{Seating, Trio};

/// How often a condition is looked at.
const LOOK_PERIOD: Duration = Duration::from_millis(20);

/// Plies before the master is gone.
const BEFORE: usize = 6;

async fn begin() -> (Deployment, Record, Trio) {
    let settings = nodes(3).over(RedisKind::Sentinel { replicas: 2 });
    let deployment = settings.behind_nginx().start().unwrap();
    let record = records().remove(0);
    let mut trio = Trio::sit_down(&entrance(&deployment), &record.terms(), Seating::Apart).await;
    record.play(&mut trio, 0..BEFORE).await;
    (deployment, record, trio)
}

/// Plays on, on the new master; returns when every server has all of the game, the old master, too, which runs again. On a
/// machine that is busy another one may have become master meanwhile, and the nodes have given it what it lacked.
async fn play_on(
    deployment: &Deployment,
    (record, trio): (&Record, &mut Trio),
    plies: Range<usize>,
) {
    record.play(trio, plies).await;
    record.assert_seen(trio);
    let sentinels = deployment.sentinels().unwrap();
    sentinels.wait_until_together().unwrap();
    let length = format!("LLEN {}", log::key(trio.game));
    let all = format!(":{}", trio.seats[0].version());
    let has_all = |server: &RedisServer| server.command(&length).is_ok_and(|told| told == all);
    let waiting = async {
        while !sentinels.servers().iter().all(has_all) {
            sleep(LOOK_PERIOD).await;
        }
    };
    timeout(PATIENCE, waiting)
        .await
        .expect("all have all of it");
    let lines = log::lines(deployment, trio.game);
    log::assert_is(&lines, &trio.acknowledged());
}

#[tokio::test]
async fn games_go_on_when_the_sentinels_replace_a_master_that_died() {
    let (mut deployment, record, mut trio) = begin().await;
    let sentinels = deployment.sentinels_mut().unwrap();
    let old = sentinels.master().unwrap();
    sentinels.server_mut(old).kill().unwrap();
    let gone = Instant::now();
    let new = sentinels.wait_for_failover(old).unwrap();
    println!(
        "the sentinels had made another master after {:?}",
        gone.elapsed()
    );
    assert_ne!(new, old);
    record.play(&mut trio, BEFORE..BEFORE + 1).await;
    println!("the next move was made after {:?}", gone.elapsed());
    let sentinels = deployment.sentinels_mut().unwrap();
    sentinels.server_mut(old).start_again().unwrap();
    let rest = BEFORE + 1..record.moves.len();
    play_on(&deployment, (&record, &mut trio), rest).await;
}

#[tokio::test]
async fn games_go_on_when_the_sentinels_replace_a_master_that_stands_still() {
    let (deployment, record, mut trio) = begin().await;
    let sentinels: &RedisSentinels = deployment.sentinels().unwrap();
    let old = sentinels.master().unwrap();
    sentinels.server(old).pause().unwrap();
    let gone = Instant::now();
    let half = BEFORE + (record.moves.len() - BEFORE) / 2;
    record.play(&mut trio, BEFORE..half).await;
    println!(
        "moves were made again {:?} after it stood still",
        gone.elapsed()
    );
    assert_ne!(sentinels.master().unwrap(), old);
    // It wakes up as a master, and is made a replica: what it has meanwhile is nobody's game.
    sentinels.server(old).resume().unwrap();
    let rest = half..record.moves.len();
    play_on(&deployment, (&record, &mut trio), rest).await;
}

#[test]
fn a_check_says_whom_the_sentinels_name() {
    let sentinels = RedisSentinels::start(1, &[]).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let binary = binary();
    let keys = Command::new(binary).args(["keys", "new"]).output().unwrap();
    std::fs::write(dir.path().join("keys.json"), keys.stdout).unwrap();
    let check = |url: &str| {
        let checked = Command::new(binary)
            .args([
                "check",
                "--listen",
                "127.0.0.1:0",
                "--internal-listen",
                "127.0.0.1:0",
            ])
            .args(["--jwt-keys", "keys.json", "--redis-wait-replicas", "2"])
            .args(["--redis-url", url])
            .current_dir(dir.path())
            .output()
            .unwrap();
        (
            checked.status.code(),
            String::from_utf8(checked.stdout).unwrap(),
        )
    };
    let (code, lines) = check(&sentinels.url());
    assert_eq!(code, Some(0), "{lines}");
    let master = sentinels.server(0).url();
    let master = master.trim_start_matches("redis://");
    for said in [
        "ok       redis-url: Redis answers and is fit to keep games\n".to_owned(),
        format!("ok       redis-url: the master is {master}\n"),
        "warning  redis-url: Redis has 1 replicas, and answers are to wait for 2".to_owned(),
    ] {
        assert!(lines.contains(&said), "{said} in {lines}");
    }
    let (code, lines) = check(&sentinels.url().replace("=zeitnot", "=another"));
    println!("{lines}");
    assert_eq!(code, Some(69), "{lines}");
}
