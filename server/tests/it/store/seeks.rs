//! Promises about users who wait for an opponent.

use zeitnot::limits::SEEK_LIFETIME;
use zeitnot::seek::{Seek, Seeking, Sought};
use zeitnot::store::{Challenge, CreateError, Seated, Seeker, Store, TakeSeat};
use zeitnot_game::color::{ByColor, Color};
use zeitnot_game::game::Game;
use zeitnot_game::id::{UserId, Version};
use zeitnot_game::time::UnixMillis;

use super::{HOUR, game, on_every_store, setup, tag, until};

const POOL: &str = "game1 standard 180+2 casual";

on_every_store! {
    who_waits_for_longest_is_met_first
    nobody_meets_himself_nor_who_wants_the_same_color
    who_comes_again_keeps_his_place
    who_leaves_is_not_met
    both_seats_are_taken_at_once
    a_challenge_that_was_closed_becomes_no_game
    a_challenge_that_is_opened_again_stays_open_for_longer
    a_user_seeks_one_thing
    what_is_left_of_an_old_seek_strands_nobody
    the_lobby_shows_what_is_open
    what_nobody_renews_lapses
}

fn seeker(number: u8, name: &str, color: Option<Color>) -> Seeker {
    Seeker {
        id: format!("seek{number:04}").parse().unwrap(),
        player: format!("{name}:{name}"),
        color,
    }
}

async fn who_waits_for_longest_is_met_first(store: &dyn Store) {
    let whites = [1, 2, 3].map(|number| seeker(number, &format!("w{number}"), Some(Color::White)));
    for white in &whites {
        assert_eq!(store.meet(POOL, white).await.unwrap(), None);
    }
    assert_eq!(
        store
            .meet("game1 standard 60+0 casual", &seeker(9, "bo", None))
            .await
            .unwrap(),
        None
    );
    for white in whites {
        let black = seeker(4, "bo", Some(Color::Black));
        assert_eq!(store.meet(POOL, &black).await.unwrap(), Some(white));
    }
    assert_eq!(
        store.meet(POOL, &seeker(5, "eve", None)).await.unwrap(),
        None
    );
}

async fn nobody_meets_himself_nor_who_wants_the_same_color(store: &dyn Store) {
    let anna = seeker(1, "anna", Some(Color::White));
    assert_eq!(store.meet(POOL, &anna).await.unwrap(), None);
    for other in [
        seeker(2, "anna", Some(Color::Black)),
        seeker(3, "bo", Some(Color::White)),
    ] {
        assert_eq!(store.meet(POOL, &other).await.unwrap(), None, "{other:?}");
        store.leave_pool(POOL, &other).await.unwrap();
    }
    let eve = seeker(4, "eve", Some(Color::Black));
    assert_eq!(store.meet(POOL, &eve).await.unwrap(), Some(anna));
}

async fn who_comes_again_keeps_his_place(store: &dyn Store) {
    let [anna, bo] = ["anna", "bo"].map(|name| seeker(1, name, Some(Color::White)));
    for one in [&anna, &bo, &anna, &anna] {
        assert_eq!(store.meet(POOL, one).await.unwrap(), None);
    }
    let eve = seeker(2, "eve", None);
    assert_eq!(store.meet(POOL, &eve).await.unwrap(), Some(anna));
    assert_eq!(store.meet(POOL, &eve).await.unwrap(), Some(bo));
}

async fn who_leaves_is_not_met(store: &dyn Store) {
    let anna = seeker(1, "anna", None);
    assert_eq!(store.meet(POOL, &anna).await.unwrap(), None);
    store.leave_pool(POOL, &anna).await.unwrap();
    assert_eq!(
        store.meet(POOL, &seeker(2, "bo", None)).await.unwrap(),
        None
    );
}

fn challenge(expires: u64) -> Challenge {
    Challenge {
        terms: POOL.to_owned(),
        seats: ByColor::default(),
        expires: UnixMillis(expires),
    }
}

fn both(player: &str, color: Color, opponent: &str) -> TakeSeat {
    TakeSeat {
        player: player.to_owned(),
        color,
        or_other: false,
        opponent: Some(opponent.to_owned()),
        tag: tag("first"),
        due_in: HOUR,
    }
}

const FAR: u64 = 4_102_444_800_000;

async fn both_seats_are_taken_at_once(store: &dyn Store) {
    store.open_challenge(game(), &challenge(FAR)).await.unwrap();
    let wish = both("anna:Anna", Color::Black, "bo:Bo");
    for _ in 0..2 {
        assert_eq!(
            store.take_seat(game(), &wish).await.unwrap(),
            Seated::Begun(Color::Black)
        );
    }
    let log = store.read(game(), Version(0)).await.unwrap();
    assert!(
        log.lines[0].starts_with(&format!("{POOL} white:bo:Bo black:anna:Anna ")),
        "{log:?}"
    );
    let late = both("eve:Eve", Color::White, "bo:Bo");
    assert_eq!(
        store.take_seat(game(), &late).await.unwrap(),
        Seated::NotFound
    );
    assert!(
        !store.close_challenge(game()).await.unwrap(),
        "it is a game"
    );
}

async fn a_challenge_that_was_closed_becomes_no_game(store: &dyn Store) {
    store.open_challenge(game(), &challenge(FAR)).await.unwrap();
    for _ in 0..2 {
        assert!(store.close_challenge(game()).await.unwrap());
    }
    let wish = both("anna:Anna", Color::Black, "bo:Bo");
    assert_eq!(
        store.take_seat(game(), &wish).await.unwrap(),
        Seated::NotFound
    );
    store.create(game(), &setup("first")).await.unwrap();
    assert!(!store.close_challenge(game()).await.unwrap());
}

async fn a_challenge_that_is_opened_again_stays_open_for_longer(store: &dyn Store) {
    let soon = store.wall_time().0 + 60_000;
    for expires in [soon, FAR, soon] {
        store
            .open_challenge(game(), &challenge(expires))
            .await
            .unwrap();
    }
    let open = store.challenge(game()).await.unwrap().unwrap();
    assert_eq!(open.expires, UnixMillis(FAR));
    let other = Challenge {
        terms: "game1 standard 60+0 casual".to_owned(),
        ..challenge(FAR)
    };
    let refused = store.open_challenge(game(), &other).await;
    assert!(matches!(refused, Err(CreateError::Exists)));
}

async fn a_user_seeks_one_thing(store: &dyn Store) {
    let anna: UserId = "anna".parse().unwrap();
    let text = |note: &str| Some(note.to_owned());
    assert_eq!(store.noted_seek(&anna).await.unwrap(), None);
    assert_eq!(store.note_seek(&anna, Some("one")).await.unwrap(), None);
    assert_eq!(
        store.note_seek(&anna, Some("two")).await.unwrap(),
        text("one")
    );
    assert_eq!(store.noted_seek(&anna).await.unwrap(), text("two"));
    assert_eq!(store.note_seek(&anna, None).await.unwrap(), text("two"));
    assert_eq!(store.note_seek(&anna, None).await.unwrap(), None);
}

async fn the_lobby_shows_what_is_open(store: &dyn Store) {
    for shown in ["one", "two", "one"] {
        store.show_seek(shown, true).await.unwrap();
    }
    let mut shown = store.shown_seeks().await.unwrap();
    shown.sort();
    assert_eq!(shown, ["one", "two"]);
    store.show_seek("one", false).await.unwrap();
    assert_eq!(store.shown_seeks().await.unwrap(), ["two"]);
}

async fn what_nobody_renews_lapses(store: &dyn Store) {
    let (anna, began) = ("anna".parse().unwrap(), std::time::Instant::now());
    store.note_seek(&anna, Some("one")).await.unwrap();
    store.show_seek("one", true).await.unwrap();
    assert_eq!(
        store.meet(POOL, &seeker(1, "anna", None)).await.unwrap(),
        None
    );
    until(async || {
        store.noted_seek(&anna).await.unwrap().is_none()
            && store.shown_seeks().await.unwrap().is_empty()
    })
    .await;
    assert!(began.elapsed() + std::time::Duration::from_millis(100) >= SEEK_LIFETIME);
    until(async || {
        let bo = seeker(2, "bo", None);
        let met = store.meet(POOL, &bo).await.unwrap();
        store.leave_pool(POOL, &bo).await.unwrap();
        met.is_none()
    })
    .await;
}

fn seek(name: &str) -> Seek {
    let line = "game1 standard 420+7 casual white:anna:Anna black:bo:Bo created:1 0 aaaaa";
    Seek {
        player: format!("{name}:{name}").parse().unwrap(),
        terms: Game::begin(line).unwrap().setup().terms.clone(),
        color: None,
        shown: format!(r#"{{"seek":"{name}"}}"#),
    }
}

async fn what_is_left_of_an_old_seek_strands_nobody(store: &dyn Store) {
    let now = store.wall_time();
    let [cy, di] = ["cy", "di"].map(|name| name.parse::<UserId>().unwrap());
    let (_, sought) = Seeking::begin(store, seek("cy"), now).await.unwrap();
    assert_eq!(sought, Sought::Waiting);
    let note = store.noted_seek(&cy).await.unwrap().unwrap();
    let (_, sought) = Seeking::begin(store, seek("di"), now).await.unwrap();
    let Sought::Begun(game) = sought else {
        panic!("{sought:?}")
    };
    // Cy renewed when he was found already. While the game runs, that is the answer.
    store.note_seek(&cy, Some(&note)).await.unwrap();
    let (_, sought) = Seeking::begin(store, seek("cy"), now).await.unwrap();
    assert_eq!(sought, Sought::Begun(game));
    for user in [&cy, &di] {
        store.note_playing(user, game, None).await.unwrap();
    }
    store.note_seek(&cy, Some(&note)).await.unwrap();
    let (_, sought) = Seeking::begin(store, seek("cy"), now).await.unwrap();
    assert_eq!(sought, Sought::Waiting, "the game is over");
    let (_, sought) = Seeking::begin(store, seek("di"), now).await.unwrap();
    assert!(matches!(sought, Sought::Begun(next) if next != game));
}
