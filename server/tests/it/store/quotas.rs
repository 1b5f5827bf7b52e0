//! The count of what somebody may do, which all nodes over one Redis share.

use zeitnot::limits::Quota;
use zeitnot::store::Store;
use zeitnot::store::redis::RedisStore;
use zeitnot_game::time::Millis;
use zeitnot_loadtest::deployment::RedisServer;

use super::redis::connect;

/// Nothing of it comes back while a test runs.
pub(super) const SLOW: Quota = Quota {
    burst: 3,
    period: Millis::from_secs(3600),
};

/// The store's time in ms.
const NOW: &str = "local t = redis.call('TIME') return t[1] * 1000 + math.floor(t[2] / 1000)";

/// What a script answers.
pub(super) fn number(server: &RedisServer, script: &str) -> u64 {
    let answer = server.command(&format!("EVAL \"{script}\" 0")).unwrap();
    answer.trim_start_matches(':').parse().expect(&answer)
}

/// How many of so many are taken.
pub(super) async fn taken(store: &RedisStore, (key, count): (&str, usize), quota: Quota) -> usize {
    let mut taken = 0;
    for _ in 0..count {
        taken += usize::from(store.take(key, quota).await.unwrap().is_none());
    }
    taken
}

#[tokio::test]
async fn nodes_count_together_and_nothing_is_kept_for_ever() {
    let server = RedisServer::start().unwrap();
    let (here, there) = (connect(&server).await, connect(&server).await);
    assert_eq!(taken(&here, ("seeks:anna", 2), SLOW).await, 2);
    assert_eq!(taken(&there, ("seeks:anna", 5), SLOW).await, 1);
    let wait = here.take("seeks:anna", SLOW).await.unwrap().unwrap();
    assert!(wait <= SLOW.period, "{wait:?}");
    assert_eq!(taken(&here, ("seeks:bo", 5), SLOW).await, 3, "another user");
    assert_eq!(
        taken(&here, ("chat:anna", 5), SLOW).await,
        3,
        "something else"
    );
    assert_eq!(
        number(&server, "return #redis.call('KEYS', '*:quota:*')"),
        3
    );
    // In ms: three periods.
    let lives = number(
        &server,
        "return redis.call('PTTL', redis.call('KEYS', '*:quota:*')[1])",
    );
    assert!(lives <= 3 * SLOW.period.0, "{lives}");
    here.close().await;
    there.close().await;
}

#[tokio::test]
async fn in_the_long_run_there_is_one_a_period() {
    const QUOTA: Quota = Quota {
        burst: 5,
        period: Millis(20),
    };
    const WANTED: u64 = 20;
    let server = RedisServer::start().unwrap();
    let store = connect(&server).await;
    let (began, mut taken) = (number(&server, NOW), 0);
    while taken < WANTED {
        match store.take("chat:anna", QUOTA).await.unwrap() {
            None => taken += 1,
            Some(wait) => assert!((1..=QUOTA.period.0).contains(&wait.0), "{wait:?}"),
        }
    }
    let took = number(&server, NOW) - began;
    let least = (WANTED - u64::from(QUOTA.burst)) * QUOTA.period.0;
    assert!(took >= least, "{WANTED} in {took} ms of the store");
    store.close().await;
}

#[tokio::test]
async fn a_clock_that_was_set_back_makes_nobody_wait() {
    let server = RedisServer::start().unwrap();
    let store = connect(&server).await;
    assert_eq!(taken(&store, ("chat:anna", 1), SLOW).await, 1);
    // As it was written by a clock that went 30 years ahead.
    let set = "return #redis.call('SET', redis.call('KEYS', '*:quota:*')[1], '2700000000000').ok";
    assert_eq!(number(&server, set), 2);
    assert_eq!(taken(&store, ("chat:anna", 5), SLOW).await, 3);
    store.close().await;
}
