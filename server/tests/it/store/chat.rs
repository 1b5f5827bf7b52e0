//! Promises about chat.

use futures_util::future::join_all;
use zeitnot::limits::CHAT_LINES;
use zeitnot::store::{Feed, Follow, Line, Said, Store};
use zeitnot_game::id::GameId;

use super::{begin, game, next, next_published, on_every_store};

on_every_store! {
    lines_are_numbered_by_room_and_kept_in_order
    the_same_key_of_an_author_is_the_same_line
    the_same_key_of_another_author_or_room_is_another_line
    lines_without_a_key_are_never_the_same
    the_last_lines_of_each_room_are_kept
    lines_that_are_said_at_once_get_a_number_each
    a_line_can_have_any_characters
    followers_get_each_line_between_the_appends
    each_game_has_its_own_chat
}

fn line(room: &str, key: &str, text: &str) -> Line {
    Line {
        room: room.to_owned(),
        author: "anna:Anna".to_owned(),
        key: key.to_owned(),
        text: text.to_owned(),
    }
}

async fn say(store: &dyn Store, line: &Line) -> u32 {
    store.say(game(), line).await.unwrap()
}

async fn chat(store: &dyn Store) -> Vec<Said> {
    store.chat(game()).await.unwrap()
}

fn said(n: u32, line: &Line) -> Said {
    Said {
        n,
        line: line.clone(),
    }
}

async fn lines_are_numbered_by_room_and_kept_in_order(store: &dyn Store) {
    begin(store).await;
    assert_eq!(chat(store).await, []);
    let lines = [
        (1, line("players", "a", "hello")),
        (1, line("watchers", "b", "who is that?")),
        (2, line("players", "c", "have fun")),
        (2, line("watchers", "d", "no idea")),
    ];
    for (n, line) in &lines {
        assert_eq!(say(store, line).await, *n, "{line:?}");
    }
    assert_eq!(chat(store).await, lines.map(|(n, line)| said(n, &line)));
}

async fn the_same_key_of_an_author_is_the_same_line(store: &dyn Store) {
    begin(store).await;
    let first = line("players", "a", "hello");
    assert_eq!(say(store, &first).await, 1);
    let second = line("players", "b", "hello");
    assert_eq!(say(store, &second).await, 2);
    for again in [&first, &line("players", "a", "something else")] {
        assert_eq!(say(store, again).await, 1);
    }
    assert_eq!(chat(store).await, [said(1, &first), said(2, &second)]);
}

async fn the_same_key_of_another_author_or_room_is_another_line(store: &dyn Store) {
    begin(store).await;
    let annas = line("players", "a", "hello");
    let bos = Line {
        author: "bo:Bo".to_owned(),
        ..annas.clone()
    };
    let elsewhere = line("watchers", "a", "hello");
    for (n, line) in [(1, &annas), (2, &bos), (1, &elsewhere)] {
        assert_eq!(say(store, line).await, n, "{line:?}");
    }
    assert_eq!(chat(store).await.len(), 3);
}

async fn lines_without_a_key_are_never_the_same(store: &dyn Store) {
    begin(store).await;
    let hello = line("players", "", "hello");
    for n in 1..=3 {
        assert_eq!(say(store, &hello).await, n);
    }
    assert_eq!(chat(store).await, [1, 2, 3].map(|n| said(n, &hello)));
}

async fn the_last_lines_of_each_room_are_kept(store: &dyn Store) {
    begin(store).await;
    let quiet = line("players", "a", "hello");
    say(store, &quiet).await;
    let kept = u32::try_from(CHAT_LINES).unwrap();
    let loud = |n: u32| line("watchers", &format!("k{n}"), &n.to_string());
    for n in 1..=kept + 3 {
        assert_eq!(say(store, &loud(n)).await, n);
    }
    let mut expected = vec![said(1, &quiet)];
    expected.extend((4..=kept + 3).map(|n| said(n, &loud(n))));
    assert_eq!(chat(store).await, expected);
    // A kept line is known by its key, one that is gone is not, and the numbers go on.
    assert_eq!(say(store, &loud(4)).await, 4);
    assert_eq!(say(store, &loud(3)).await, kept + 4);
}

async fn lines_that_are_said_at_once_get_a_number_each(store: &dyn Store) {
    begin(store).await;
    let lines: Vec<Line> = (0..20)
        .map(|n| line("players", &format!("k{n}"), "hello"))
        .collect();
    let all = join_all(lines.iter().map(|line| say(store, line))).await;
    let mut numbers = all.clone();
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(1..=20), "{all:?}");
    let chat = chat(store).await;
    assert!(chat.is_sorted_by_key(|said| said.n));
    for said in chat {
        let n = lines.iter().position(|line| *line == said.line).unwrap();
        assert_eq!(said.n, all[n]);
    }
}

async fn a_line_can_have_any_characters(store: &dyn Store) {
    begin(store).await;
    let texts = [
        "",
        " ",
        " two  words ",
        "1 2 3",
        "Zürich ♞ 将",
        "'\"\\{}%s$1\t",
    ];
    let mut expected = Vec::new();
    for (n, text) in (1..).zip(texts) {
        let line = line("players", "", text);
        assert_eq!(say(store, &line).await, n);
        expected.push(said(n, &line));
    }
    assert_eq!(chat(store).await, expected);
}

async fn followers_get_each_line_between_the_appends(store: &dyn Store) {
    let mut known = begin(store).await;
    say(store, &line("players", "before", "not heard")).await;
    let (mut one, mut two) = (follow(store).await, follow(store).await);
    let (hello, bye) = (
        line("players", "a", "hello"),
        line("watchers", "b", "bye bye"),
    );
    say(store, &hello).await;
    known.commit(store, "aaaaa", &["e2e4"]).await;
    say(store, &bye).await;
    for follow in [&mut one, &mut two] {
        assert_eq!(next_said(follow).await, said(2, &hello));
        assert_eq!(next_published(follow).await.before, super::tag("first"));
        assert_eq!(next_said(follow).await, said(1, &bye));
    }
}

async fn follow(store: &dyn Store) -> Follow {
    store.follow(game()).await.unwrap()
}

async fn next_said(follow: &mut Follow) -> Said {
    match next(follow).await {
        Feed::Said(said) => said.as_ref().clone(),
        other => panic!("not a line: {other:?}"),
    }
}

async fn each_game_has_its_own_chat(store: &dyn Store) {
    let other: GameId = "other001".parse().unwrap();
    begin(store).await;
    super::begin_as(store, other, &super::setup("first")).await;
    let hello = line("players", "a", "hello");
    assert_eq!(say(store, &hello).await, 1);
    assert_eq!(store.say(other, &hello).await.unwrap(), 1);
    assert_eq!(chat(store).await, [said(1, &hello)]);
    assert_eq!(store.chat(other).await.unwrap(), [said(1, &hello)]);
}
