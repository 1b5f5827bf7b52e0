//! What a game costs the store: each move one append, and no look at the log.

use serde_json::json;
use zeitnot_loadtest::deployment::{RedisKind, RedisServer, Settings};

use crate::support::binary;
use crate::support::entrance::Entrance;
use crate::support::records::long_game;
use crate::support::table::Table;

/// Moves that are counted together.
const STRETCH: usize = 10;

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
    let binary = binary();
    let settings = Settings::new(binary).nodes(2).over(RedisKind::Single);
    let limited = settings.args(&["--rate-limits", "on"]);
    let deployment = limited.start().unwrap();
    let redis = deployment.redis().unwrap();
    let [here, there] = [0, 1].map(|node| Entrance::of(deployment.node(node)));
    let terms = json!({"clock.limit": 600, "clock.increment": 5});
    let mut table = Table::sit_down([&here, &there, &here], &terms).await;
    let game = table.game;
    let moves = long_game();
    let (mut reads, mut looks) = (Vec::new(), Vec::new());
    for (ply, uci) in moves.iter().enumerate() {
        if ply % STRETCH == 0 {
            reset(redis);
        }
        assert_eq!(table.seats[ply % 2].play(game, uci, ply).await["t"], "ok");
        for client in table.everyone() {
            assert_eq!(client.next().await["ply"], ply + 1);
        }
        if ply % STRETCH == STRETCH - 1 {
            // Messages are not counted: ticks publish, too.
            assert_eq!(calls(redis, "rpush"), STRETCH);
            // The append itself looks at the last entry.
            reads.push(calls(redis, "lrange") - STRETCH);
            // Who is here is looked at every few seconds, and not with a move.
            looks.push(calls(redis, "hgetall"));
            // What limits users would set something.
            assert_eq!(calls(redis, "set"), 0);
        }
    }
    assert_mostly(0, &reads);
    assert!(looks.iter().sum::<usize>() * 2 < moves.len(), "{looks:?}");

    let (mover, other) = (moves.len() % 2, (moves.len() + 1) % 2);
    let cases = [
        (other, "a2a3", "not_your_turn"),
        (mover, "a1h8", "illegal_move"),
    ];
    let mut reads = Vec::new();
    for (seat, uci, code) in cases.into_iter().cycle().take(10) {
        reset(redis);
        let refused = table.seats[seat].play(game, uci, moves.len()).await;
        assert_eq!(refused["code"], code, "{refused}");
        assert_eq!(calls(redis, "rpush"), 0);
        reads.push(calls(redis, "lrange"));
    }
    assert_mostly(1, &reads);
}

/// On a machine that is busy a request may time out and be sent again, or a game be looked at because its players were
/// slow: that adds here and there, not everywhere.
fn assert_mostly(expected: usize, reads: &[usize]) {
    let exact = reads.iter().filter(|&&reads| reads == expected).count();
    let is_less = reads.iter().any(|&reads| reads < expected);
    assert!(exact * 2 > reads.len() && !is_less, "{reads:?}");
}
