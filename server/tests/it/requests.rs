//! What a game costs the store: each move one append, and no look at the log.

use std::path::Path;

use serde_json::json;
use zeitnot_loadtest::deployment::{Deployment, RedisServer};

use crate::support::entrance::Entrance;
use crate::support::records::long_game;
use crate::support::table::Table;

/// How often Redis ran a command since its counters were reset.
fn calls(redis: &RedisServer, command: &str) -> usize {
    let script = format!(
        "return tonumber(redis.call('INFO', 'commandstats'):match('cmdstat_{command}:calls=(%d+)') or 0)"
    );
    let reply = redis.command(&format!("EVAL \"{script}\" 0")).unwrap();
    reply.strip_prefix(':').expect(&reply).parse().unwrap()
}

fn reset(redis: &RedisServer) {
    assert_eq!(redis.command("CONFIG RESETSTAT").unwrap(), "+OK");
}

#[tokio::test]
async fn a_move_is_one_append_and_a_refusal_one_read() {
    let binary = Path::new(env!("CARGO_BIN_EXE_zeitnot"));
    let deployment = Deployment::over_redis(binary, 2).unwrap();
    let redis = deployment.redis().unwrap();
    let [here, there] = [0, 1].map(|node| Entrance::of(deployment.node(node)));
    let terms = json!({"clock.limit": 600, "clock.increment": 5});
    let mut table = Table::sit_down([&here, &there, &here], &terms).await;
    let game = table.game;
    let moves = long_game();
    // At its beginning a game may be looked at, once both have moved twice it is not.
    let opening = 4;
    for (ply, uci) in moves.iter().enumerate() {
        if ply == opening {
            reset(redis);
        }
        assert_eq!(table.seats[ply % 2].play(game, uci, ply).await["t"], "ok");
        for client in table.everyone() {
            assert_eq!(client.next().await["ply"], ply + 1);
        }
    }
    let played = moves.len() - opening;
    // The append itself looks at the last entry. Messages are not counted: ticks publish, too.
    for command in ["rpush", "lrange"] {
        assert_eq!(calls(redis, command), played, "{command}");
    }

    reset(redis);
    let (mover, other) = (moves.len() % 2, (moves.len() + 1) % 2);
    let last = moves.len();
    for (refusals, (seat, uci, code)) in [
        (other, "a2a3", "not_your_turn"),
        (mover, "a1h8", "illegal_move"),
    ]
    .into_iter()
    .enumerate()
    {
        let refused = table.seats[seat].play(game, uci, last).await;
        assert_eq!(refused["code"], code, "{refused}");
        assert_eq!(calls(redis, "lrange"), refusals + 1, "{code}");
    }
    assert_eq!(calls(redis, "rpush"), 0);
}
