//! Promises about users: what they play, what they are told, which of their tokens are revoked.

use zeitnot::limits::{MAX_PLAYING, USER_QUEUE};
use zeitnot::store::{Store, UserFeed, UserFollow};
use zeitnot_game::id::{GameId, UserId};
use zeitnot_game::time::UnixMillis;

use super::{PATIENCE, on_every_store, until};

on_every_store! {
    a_running_game_is_noted_changed_and_removed
    each_user_has_their_own_notes
    more_running_games_than_allowed_are_not_noted
    every_follower_of_a_user_is_told_each_text_in_order
    a_follower_is_told_nothing_from_before
    a_user_is_not_told_what_is_for_another
    a_follower_who_is_slow_is_told_to_look
    a_revoked_token_is_known_at_once
    a_revoked_token_is_forgotten_when_its_time_has_come
}

fn user(id: &str) -> UserId {
    id.parse().unwrap()
}

fn game(n: usize) -> GameId {
    format!("game{n:04}").parse().unwrap()
}

/// The user's games, sorted.
async fn playing(store: &dyn Store, user: &UserId) -> Vec<(GameId, String)> {
    let mut games = store.playing(user).await.unwrap();
    games.sort_unstable();
    games
}

async fn note(store: &dyn Store, user: &UserId, (n, note): (usize, Option<&str>)) {
    store.note_playing(user, game(n), note).await.unwrap();
}

fn noted(n: usize, note: &str) -> (GameId, String) {
    (game(n), note.to_owned())
}

async fn a_running_game_is_noted_changed_and_removed(store: &dyn Store) {
    let anna = user("anna");
    assert_eq!(playing(store, &anna).await, []);
    note(store, &anna, (1, Some("white bo:Bo 180+2"))).await;
    note(store, &anna, (2, Some(""))).await;
    let both = [noted(1, "white bo:Bo 180+2"), noted(2, "")];
    assert_eq!(playing(store, &anna).await, both);
    note(store, &anna, (2, Some("black"))).await;
    let changed = [noted(1, "white bo:Bo 180+2"), noted(2, "black")];
    assert_eq!(playing(store, &anna).await, changed);
    for _ in 0..2 {
        note(store, &anna, (1, None)).await;
        assert_eq!(playing(store, &anna).await, [noted(2, "black")]);
    }
}

async fn each_user_has_their_own_notes(store: &dyn Store) {
    let (anna, ann) = (user("anna"), user("ann"));
    note(store, &anna, (1, Some("white"))).await;
    note(store, &ann, (1, Some("black"))).await;
    note(store, &anna, (1, None)).await;
    assert_eq!(playing(store, &anna).await, []);
    assert_eq!(playing(store, &ann).await, [noted(1, "black")]);
}

async fn more_running_games_than_allowed_are_not_noted(store: &dyn Store) {
    let (anna, bo) = (user("anna"), user("bo"));
    for n in 0..=MAX_PLAYING {
        note(store, &anna, (n, Some("white"))).await;
    }
    let first: Vec<_> = (0..MAX_PLAYING).map(|n| noted(n, "white")).collect();
    assert_eq!(playing(store, &anna).await, first);
    // What is noted can be changed; another user is not concerned; and there is room again after one is removed.
    note(store, &anna, (0, Some("black"))).await;
    assert_eq!(playing(store, &anna).await[0], noted(0, "black"));
    note(store, &bo, (MAX_PLAYING, Some("black"))).await;
    assert_eq!(playing(store, &bo).await.len(), 1);
    note(store, &anna, (0, None)).await;
    note(store, &anna, (MAX_PLAYING, Some("white"))).await;
    let games = playing(store, &anna).await;
    assert_eq!(games.len(), MAX_PLAYING);
    assert_eq!(games.last(), Some(&noted(MAX_PLAYING, "white")));
}

async fn follow(store: &dyn Store, id: &str) -> UserFollow {
    store.follow_user(&user(id)).await.unwrap()
}

async fn tell(store: &dyn Store, id: &str, text: &str) {
    store.tell_user(&user(id), text).await.unwrap();
}

async fn next(follow: &mut UserFollow) -> UserFeed {
    tokio::time::timeout(PATIENCE, follow.next()).await.unwrap()
}

fn told(text: &str) -> UserFeed {
    UserFeed::Told(text.into())
}

async fn every_follower_of_a_user_is_told_each_text_in_order(store: &dyn Store) {
    let mut follows = [follow(store, "anna").await, follow(store, "anna").await];
    let texts = ["one", "", "two words", "ünï ♞ \"quoted\"", "5"];
    // As many at once as wait for a follower.
    for texts in texts.chunks(USER_QUEUE) {
        for text in texts {
            tell(store, "anna", text).await;
        }
        for follow in &mut follows {
            for text in texts {
                assert_eq!(next(follow).await, told(text));
            }
        }
    }
}

async fn a_follower_is_told_nothing_from_before(store: &dyn Store) {
    tell(store, "anna", "before anybody").await;
    let mut early = follow(store, "anna").await;
    tell(store, "anna", "before the second").await;
    // Once one has been told, it is on its way to nobody any more.
    assert_eq!(next(&mut early).await, told("before the second"));
    let mut late = follow(store, "anna").await;
    tell(store, "anna", "after").await;
    for follow in [&mut early, &mut late] {
        assert_eq!(next(follow).await, told("after"));
    }
}

async fn a_user_is_not_told_what_is_for_another(store: &dyn Store) {
    let (mut anna, mut ann) = (follow(store, "anna").await, follow(store, "ann").await);
    for (id, text) in [("ann", "for ann"), ("anna", "for anna"), ("bo", "for bo")] {
        tell(store, id, text).await;
    }
    for id in ["ann", "anna"] {
        tell(store, id, "end").await;
    }
    for (follow, text) in [(&mut anna, "for anna"), (&mut ann, "for ann")] {
        assert_eq!(next(follow).await, told(text));
        assert_eq!(next(follow).await, told("end"));
    }
}

async fn a_follower_who_is_slow_is_told_to_look(store: &dyn Store) {
    const MORE: usize = 3 * USER_QUEUE;
    let mut slow = follow(store, "anna").await;
    let mut prompt = follow(store, "anna").await;
    for n in 0..MORE {
        let text = n.to_string();
        tell(store, "anna", &text).await;
        assert_eq!(next(&mut prompt).await, told(&text));
    }
    assert_eq!(next(&mut slow).await, UserFeed::Resync);
    let last = told(&(MORE - 1).to_string());
    until(async || next(&mut slow).await == last).await;
}

/// The year 2100.
const LATER: UnixMillis = UnixMillis(4_102_444_800_000);

async fn revoke(store: &dyn Store, jti: &str, until: UnixMillis) {
    store.revoke(jti, until).await.unwrap();
}

async fn a_revoked_token_is_known_at_once(store: &dyn Store) {
    assert!(!store.is_revoked("token-1"));
    for _ in 0..2 {
        revoke(store, "token-1", LATER).await;
        assert!(store.is_revoked("token-1"));
        assert!(!store.is_revoked("token-2"));
    }
    revoke(store, "token-2", LATER).await;
    assert!(store.is_revoked("token-1"));
    assert!(store.is_revoked("token-2"));
}

async fn a_revoked_token_is_forgotten_when_its_time_has_come(store: &dyn Store) {
    revoke(store, "for-long", LATER).await;
    revoke(store, "long-ago", UnixMillis(1)).await;
    assert!(!store.is_revoked("long-ago"));
    let soon = UnixMillis(store.wall_time().0 + 1000);
    revoke(store, "for-now", soon).await;
    until(async || !store.is_revoked("for-now")).await;
    assert!(store.wall_time() >= soon);
    assert!(store.is_revoked("for-long"));
}
