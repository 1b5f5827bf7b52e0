//! One message, whole and broken: each of its fields missing, of another type, huge, for another game, said twice, cut
//! off.

use serde_json::{Map, Value, json};
use zeitnot_game::id::GameId;

/// What may stand in `do`, of any message.
const DEEDS: [&str; 6] = ["offer", "accept", "decline", "claim", "win", "draw"];

/// What can be played next in each of the games that are tried, and at which ply.
const NEXT: [(&str, u64); 3] = [("e2e4", 0), ("g1f3", 2), ("g1f3", 2)];

/// What a field is replaced by.
const VALUES: [&str; 10] = [
    "null",
    "true",
    "[]",
    "{}",
    "\"x\"",
    "-1",
    "1.5",
    "1e999",
    "18446744073709551615",
    "9223372036854775808",
];

/// A frame to try.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) text: String,
    /// The game that it was about before it was changed.
    pub(super) game: Option<GameId>,
    /// Whether it can be read no longer, whoever sends it.
    is_unreadable: bool,
    is_move: bool,
}

impl Frame {
    /// Whether not even a player of the game who is not to move may write anything with it.
    pub(super) const fn must_fail_for_a_player(&self) -> bool {
        self.is_unreadable || self.is_move
    }
}

/// Every example in every way, for a game in one of its states: each list is of one message.
pub(super) fn of_all<'a>(
    examples: impl Iterator<Item = &'a str>,
    (game, other): (GameId, GameId),
    (state, seen): (usize, usize),
) -> Vec<Vec<Frame>> {
    let mut all = Vec::new();
    for line in examples {
        let example: Map<String, Value> = serde_json::from_str(line).unwrap();
        let is_about_a_game = example.contains_key("game");
        if !is_about_a_game && state > 0 {
            continue;
        }
        for msg in fitted(example, game, (state, seen)) {
            let frames = of_one(&msg, other);
            let is_move = msg["t"] == "move";
            let whole = |(text, is_unreadable)| Frame {
                text,
                game: is_about_a_game.then_some(game),
                is_unreadable,
                is_move,
            };
            all.push(frames.into_iter().map(whole).collect());
        }
    }
    all
}

/// The message as the right one could send it now, with each `do` that any message has.
fn fitted(
    mut msg: Map<String, Value>,
    game: GameId,
    (state, seen): (usize, usize),
) -> Vec<Map<String, Value>> {
    msg.insert("id".to_owned(), json!(5));
    if msg.contains_key("game") {
        msg.insert("game".to_owned(), json!(game));
    }
    if msg["t"] == "move" {
        let (uci, ply) = NEXT[state];
        msg.insert("uci".to_owned(), json!(uci));
        msg.insert("ply".to_owned(), json!(ply));
    }
    if msg.contains_key("v") {
        msg.insert("v".to_owned(), json!(seen));
    }
    if !msg.contains_key("do") {
        return vec![msg];
    }
    let with = |deed: &str| {
        let mut msg = msg.clone();
        msg.insert("do".to_owned(), json!(deed));
        msg
    };
    DEEDS.into_iter().map(with).collect()
}

/// A message whole, and in all ways in which it can be broken; whether each can be read no longer.
fn of_one(msg: &Map<String, Value>, other: GameId) -> Vec<(String, bool)> {
    let text = |msg: &Map<String, Value>| Value::from(msg.clone()).to_string();
    let whole = text(msg);
    let mut all = vec![(whole.clone(), false)];
    for field in msg.keys() {
        let mut without = msg.clone();
        without.remove(field);
        let is_needed = field == "t" || field == "game";
        all.push((text(&without), is_needed));
        // Numbers that no type of ours can hold are put in as text.
        const MARK: &str = "\"MARK\"";
        let mut marked = msg.clone();
        marked.insert(field.clone(), json!("MARK"));
        let marked = text(&marked);
        for value in VALUES {
            all.push((marked.replace(MARK, value), is_needed || value == "1e999"));
        }
        // Twice, and the second time as somebody else would like it.
        let twice = format!("{},\"{field}\":null}}", &whole[..whole.len() - 1]);
        all.push((twice, is_needed));
    }
    if msg.contains_key("game") {
        for game in [json!(other), json!("00000000"), json!("zzzzzzzz")] {
            let mut elsewhere = msg.clone();
            elsewhere.insert("game".to_owned(), game);
            all.push((text(&elsewhere), false));
        }
        for v in [0, 1, 4, 6, 1_000_000, u32::MAX] {
            let mut late = msg.clone();
            late.insert("v".to_owned(), json!(v));
            all.push((text(&late), false));
        }
    }
    let mut claimed = msg.clone();
    let claims = [
        ("user", json!("anna")),
        ("seat", json!("white")),
        ("by", json!("white")),
        ("color", json!("white")),
        ("token", json!("x.y.z")),
        ("not_before", json!(0)),
        ("at", json!(0)),
    ];
    for (name, value) in claims {
        claimed.entry(name).or_insert(value);
    }
    all.push((text(&claimed), false));
    let broken = [
        whole[..whole.len() / 2].to_owned(),
        whole[..whole.len() - 1].to_owned(),
        format!("{whole}{whole}"),
        format!("[{whole}]"),
        whole.replacen("\":", "\u{0}\":", 1),
        whole.replace("\"t\":\"", "\"t\":\"\u{1b}[2J\\u0000"),
        whole.replace("\"t\":\"", "\"t\":\"\\ud800"),
        whole.replace("\"t\":", "\"T\":"),
        String::new(),
    ];
    all.extend(broken.map(|text| (text, true)));
    all
}
