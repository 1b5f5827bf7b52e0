//! Promises about logs.

use std::time::Duration;

use futures_util::future::join_all;
use zeitnot::limits::FOLLOW_QUEUE;
use zeitnot::store::{
    Appended, Create, CreateError, Feed, Heal, Healed, Line, Published, Store, Tail,
};
use zeitnot_game::entry::Entry;
use zeitnot_game::id::{Head, Version};
use zeitnot_game::setup::FirstEntry;
use zeitnot_game::time::{PlayTime, Timestamp};

use super::{SETUP, begin, game, next_published, on_every_store, setup, tag};

on_every_store! {
    a_created_game_has_its_setup_as_entry_1
    creating_again_with_the_same_tag_changes_nothing
    creating_again_with_the_same_body_changes_nothing
    creating_again_after_the_game_went_on_changes_nothing
    creating_over_another_setup_is_refused
    a_game_that_does_not_exist_has_length_0
    a_log_that_lost_nothing_is_not_healed
    appended_lines_are_the_bodies_with_moment_and_tag
    an_append_after_a_fork_of_equal_length_is_refused
    a_repeated_append_is_answered_as_at_first
    a_stale_append_gets_what_it_was_missing
    a_log_that_is_no_prefix_gets_the_whole_one
    an_append_before_its_moment_is_early
    stamps_never_go_back
    of_appends_that_race_one_wins
    a_follower_sees_each_append_as_written_and_in_order
    refused_and_repeated_appends_are_not_published
    following_first_and_reading_then_leaves_no_gap
    a_game_is_forgotten_with_its_chat_only_at_its_length
}

async fn a_created_game_has_its_setup_as_entry_1(store: &dyn Store) {
    let before = store.play_time(game());
    store.create(game(), &setup("first")).await.unwrap();
    let tail = store.read(game(), Version(0)).await.unwrap();
    assert_eq!((tail.since, tail.lines.len()), (Version(0), 1));
    assert!(tail.lines[0].starts_with(&format!("{SETUP} created:")));
    let first: FirstEntry = tail.lines[0].parse().unwrap();
    assert_eq!(first.tag, tag("first"));
    // The estimate of a node may be off by a round trip.
    assert!(first.origin.0.abs_diff(before.0) < 10_000, "{first:?}");
}

async fn creating_again_with_the_same_tag_changes_nothing(store: &dyn Store) {
    begin(store).await;
    let created = store.read(game(), Version(0)).await.unwrap();
    store.create(game(), &setup("first")).await.unwrap();
    assert_eq!(store.read(game(), Version(0)).await.unwrap(), created);
}

async fn creating_again_with_the_same_body_changes_nothing(store: &dyn Store) {
    begin(store).await;
    let created = store.read(game(), Version(0)).await.unwrap();
    store.create(game(), &setup("other")).await.unwrap();
    assert_eq!(store.read(game(), Version(0)).await.unwrap(), created);
}

async fn creating_over_another_setup_is_refused(store: &dyn Store) {
    begin(store).await;
    for other in [format!("{SETUP}s"), SETUP[..SETUP.len() - 1].to_owned()] {
        let other = Create {
            body: other,
            ..setup("other")
        };
        let again = store.create(game(), &other).await;
        assert!(matches!(again, Err(CreateError::Exists)), "{again:?}");
    }
}

async fn creating_again_after_the_game_went_on_changes_nothing(store: &dyn Store) {
    let mut known = begin(store).await;
    known.commit(store, "aaaaa", &["e2e4"]).await;
    for nonce in ["first", "other"] {
        store.create(game(), &setup(nonce)).await.unwrap();
    }
    let length = store.read(game(), Version(0)).await.unwrap().length();
    assert_eq!(length, Version(2));
}

async fn a_game_is_forgotten_with_its_chat_only_at_its_length(store: &dyn Store) {
    let mut known = begin(store).await;
    known.commit(store, "aaaaa", &["e2e4"]).await;
    let line = Line {
        room: "players".to_owned(),
        author: "anna:Anna".to_owned(),
        key: String::new(),
        text: "hi".to_owned(),
    };
    store.say(game(), &line).await.unwrap();
    for length in [0, 1, 3] {
        store.forget(game(), Version(length)).await.unwrap();
        let read = store.read(game(), Version(0)).await.unwrap();
        assert_eq!(read.length(), Version(2), "forgotten at {length}");
        assert_eq!(store.chat(game()).await.unwrap().len(), 1);
    }
    // The second time there is nothing to forget.
    for _ in 0..2 {
        store.forget(game(), Version(2)).await.unwrap();
        let read = store.read(game(), Version(0)).await.unwrap();
        assert_eq!(read.length(), Version(0));
        assert_eq!(store.chat(game()).await.unwrap(), []);
    }
    let lost = Appended::Stale(store.read(game(), Version(0)).await.unwrap());
    let append = known.append("bbbbb", &["e7e5"]);
    assert_eq!(store.append(game(), &append).await.unwrap(), lost);
}

async fn a_game_that_does_not_exist_has_length_0(store: &dyn Store) {
    let nothing = Tail {
        since: Version(0),
        lines: Vec::new(),
        heals_for: Duration::ZERO,
    };
    for since in [0, 1, 7] {
        let tail = store.read(game(), Version(since)).await.unwrap();
        assert_eq!(tail, nothing, "since {since}");
    }
}

async fn appended_lines_are_the_bodies_with_moment_and_tag(store: &dyn Store) {
    let mut known = begin(store).await;
    let at = known
        .commit(store, "aaaaa", &["e2e4", "draw-offer white"])
        .await;
    assert_eq!(known.head.version, Version(3));
    let tail = store.read(game(), Version(1)).await.unwrap();
    let expected = [
        format!("e2e4 {} aaaaa", at.0),
        format!("draw-offer white {} aaaaa", at.0),
    ];
    assert_eq!((tail.since, tail.lines), (Version(1), expected.to_vec()));
    let end = store.read(game(), Version(3)).await.unwrap();
    assert_eq!((end.since, end.lines), (Version(3), Vec::new()));
}

async fn an_append_after_a_fork_of_equal_length_is_refused(store: &dyn Store) {
    let mut known = begin(store).await;
    let mut fork = known;
    known.commit(store, "aaaaa", &["e2e4"]).await;
    fork.head = Head {
        version: Version(2),
        tag: tag("zzzzz"),
    };
    let append = fork.append("bbbbb", &["e7e5"]);
    let appended = store.append(game(), &append).await.unwrap();
    let whole = store.read(game(), Version(0)).await.unwrap();
    assert_eq!(whole.lines.len(), 2);
    assert_eq!(appended, Appended::Stale(whole));
}

async fn a_repeated_append_is_answered_as_at_first(store: &dyn Store) {
    let mut known = begin(store).await;
    let append = known.append("aaaaa", &["e2e4", "draw-offer white"]);
    let first = store.append(game(), &append).await.unwrap();
    assert_eq!(store.append(game(), &append).await.unwrap(), first);
    known.head = Head {
        version: Version(3),
        tag: tag("aaaaa"),
    };
    known.commit(store, "bbbbb", &["e7e5"]).await;
    assert_eq!(store.append(game(), &append).await.unwrap(), first);
    let length = store.read(game(), Version(0)).await.unwrap().length();
    assert_eq!(length, Version(4));
}

async fn a_stale_append_gets_what_it_was_missing(store: &dyn Store) {
    let mut known = begin(store).await;
    known.commit(store, "aaaaa", &["e2e4"]).await;
    let behind = known;
    known.commit(store, "bbbbb", &["e7e5"]).await;
    known.commit(store, "ccccc", &["g1f3"]).await;
    let append = behind.append("ddddd", &["c7c5"]);
    let appended = store.append(game(), &append).await.unwrap();
    let missing = store.read(game(), Version(2)).await.unwrap();
    assert_eq!((missing.since, missing.lines.len()), (Version(2), 2));
    assert_eq!(appended, Appended::Stale(missing));
}

async fn a_log_that_is_no_prefix_gets_the_whole_one(store: &dyn Store) {
    let mut known = begin(store).await;
    known.commit(store, "aaaaa", &["e2e4"]).await;
    let whole = store.read(game(), Version(0)).await.unwrap();
    for (version, last) in [(2, "zzzzz"), (1, "zzzzz"), (3, "aaaaa"), (0, "aaaaa")] {
        let mut other = known;
        other.head = Head {
            version: Version(version),
            tag: tag(last),
        };
        let append = other.append("bbbbb", &["e7e5"]);
        let appended = store.append(game(), &append).await.unwrap();
        assert_eq!(appended, Appended::Stale(whole.clone()), "{version} {last}");
    }
    assert_eq!(store.read(game(), Version(3)).await.unwrap(), whole);
}

async fn a_log_that_lost_nothing_is_not_healed(store: &dyn Store) {
    let game = begin(store).await;
    let heal = Heal {
        after: Some(game.head),
        lines: vec!["e2e4 10 bbbbb".to_owned()],
        due: game.origin,
    };
    let healed = store.heal(game.id, &heal).await.unwrap();
    assert_eq!(healed, Healed::Refused);
    assert_eq!(
        store.read(game.id, Version(0)).await.unwrap().length(),
        Version(1)
    );
}

async fn an_append_before_its_moment_is_early(store: &dyn Store) {
    let known = begin(store).await;
    let mut append = known.append("aaaaa", &["end outoftime win:white"]);
    append.not_before = Some(Timestamp(3_600_000));
    let appended = store.append(game(), &append).await.unwrap();
    assert!(
        matches!(appended, Appended::Early { at } if at < Timestamp(3_600_000)),
        "{appended:?}"
    );
    let length = store.read(game(), Version(0)).await.unwrap().length();
    assert_eq!(length, Version(1));
    append.not_before = Some(Timestamp(0));
    let appended = store.append(game(), &append).await.unwrap();
    assert!(
        matches!(appended, Appended::Committed { .. }),
        "{appended:?}"
    );
}

async fn stamps_never_go_back(store: &dyn Store) {
    let mut known = begin(store).await;
    let origin = known.origin;
    // An earlier zero makes a later moment: from there the clock of the true scale seems to have gone back.
    known.origin = PlayTime(origin.0 - 3_600_000);
    let ahead = known.commit(store, "aaaaa", &["e2e4"]).await;
    assert!(ahead >= Timestamp(3_600_000));
    known.origin = origin;
    let given = known.commit(store, "bbbbb", &["time black 15000"]).await;
    assert_eq!(given, ahead);
    known.origin = PlayTime(origin.0 + 3_600_000);
    assert_eq!(known.commit(store, "ccccc", &["g1f3"]).await, ahead);
}

async fn of_appends_that_race_one_wins(store: &dyn Store) {
    let known = begin(store).await;
    let appends: Vec<_> = (b'a'..b'u')
        .map(|letter| known.append(&format!("race{}", char::from(letter)), &["e2e4"]))
        .collect();
    let results = join_all(appends.iter().map(|append| store.append(game(), append))).await;
    let tail = store.read(game(), Version(1)).await.unwrap();
    assert_eq!(tail.length(), Version(2));
    let mut winners = 0;
    for appended in results.into_iter().map(Result::unwrap) {
        if let Appended::Committed { version, .. } = appended {
            assert_eq!(version, Version(2));
            winners += 1;
        } else {
            assert_eq!(appended, Appended::Stale(tail.clone()));
        }
    }
    assert_eq!(winners, 1);
}

async fn a_follower_sees_each_append_as_written_and_in_order(store: &dyn Store) {
    let mut known = begin(store).await;
    let mut follow = store.follow(game()).await.unwrap();
    for (nonce, bodies) in [
        ("aaaaa", &["e2e4"][..]),
        ("bbbbb", &["e7e5", "draw-offer black"]),
        ("ccccc", &["g1f3"]),
    ] {
        let before = known.head;
        known.commit(store, nonce, bodies).await;
        let written = store.read(game(), before.version).await.unwrap();
        let expected = Published {
            first: before.version.next(),
            before: before.tag,
            lines: written.lines,
        };
        assert_eq!(next_published(&mut follow).await, expected);
    }
}

async fn refused_and_repeated_appends_are_not_published(store: &dyn Store) {
    let mut known = begin(store).await;
    let stale = known.append("zzzzz", &["d2d4"]);
    let mut follow = store.follow(game()).await.unwrap();
    let first = known.append("aaaaa", &["e2e4"]);
    known.commit(store, "aaaaa", &["e2e4"]).await;
    let mut early = known.append("yyyyy", &["e7e5"]);
    early.not_before = Some(Timestamp(3_600_000));
    for append in [&first, &stale, &early] {
        store.append(game(), append).await.unwrap();
    }
    known.commit(store, "bbbbb", &["e7e5"]).await;
    assert_eq!(next_published(&mut follow).await.first, Version(2));
    assert_eq!(next_published(&mut follow).await.first, Version(3));
}

async fn following_first_and_reading_then_leaves_no_gap(store: &dyn Store) {
    const APPENDS: u32 = 60;
    // A follower that is slow has to read, too.
    const { assert!((APPENDS as usize) > FOLLOW_QUEUE) };
    let mut known = begin(store).await;
    let write = async {
        for _ in 0..APPENDS {
            known.commit(store, "aaaaa", &["e2e4"]).await;
        }
    };
    let watch = async {
        let mut follow = store.follow(game()).await.unwrap();
        let tail = store.read(game(), Version(0)).await.unwrap();
        let mut lines = tail.lines;
        while lines.len() <= APPENDS as usize {
            let Feed::Published(published) = super::next(&mut follow).await else {
                // The first appends reached nobody, and one of them was noticed; or more came than wait.
                lines = store.read(game(), Version(0)).await.unwrap().lines;
                continue;
            };
            let known = lines.len();
            let first = published.first.0 as usize;
            assert!(first <= known + 1, "a gap before {first} after {known}");
            let held = known + 1 - first;
            lines.extend(published.lines.iter().skip(held).cloned());
        }
        lines
    };
    let ((), lines) = tokio::join!(write, watch);
    let tail = store.read(game(), Version(0)).await.unwrap();
    assert_eq!(tail.lines, lines);
    let moments: Vec<_> = lines[1..]
        .iter()
        .map(|line| line.parse::<Entry>().unwrap().at())
        .collect();
    assert!(moments.is_sorted());
}
