//! Crowds, told here and by the thread.

use std::time::Duration;

use zeitnot_game::wire::{CrowdFrame, ServerMsg};

use super::*;
use crate::outbox::{Form, OutboxReader, outbox};

/// A message by which its place can be told.
fn texts(n: u32) -> Texts {
    let msg = ServerMsg::Crowd(CrowdFrame {
        game: "q7ZwA0bX".parse().unwrap(),
        watchers: n,
    });
    Texts::new(&msg, None)
}

fn entry(n: u32) -> News {
    News::Entry(Version(n), texts(n))
}

fn join(crowd: &Crowd, number: u64, version: u32) -> OutboxReader {
    let (tx, rx) = outbox(Form::Json);
    crowd.join(number, tx, Version(version));
    rx
}

/// A crowd too large to be told here and now.
fn many() -> (Arc<Crowd>, Vec<OutboxReader>) {
    let crowd = Arc::<Crowd>::default();
    let numbers = 0..2 * FANOUT_CHUNK as u64 + 7;
    let readers = numbers.map(|number| join(&crowd, number, 1)).collect();
    (crowd, readers)
}

fn heard(reader: &mut OutboxReader) -> Vec<u64> {
    let mut heard = Vec::new();
    while let Some(frame) = reader.try_next().unwrap() {
        let frame: serde_json::Value = serde_json::from_str(&frame).unwrap();
        heard.push(frame["watchers"].as_u64().unwrap());
    }
    heard
}

fn wait_until_told(crowd: &Crowd) {
    while crowd.queued.load(Ordering::Acquire) > 0 {
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn every_spectator_of_a_large_crowd_is_told_everything_in_order() {
    let fanout = Fanout::start();
    let (crowd, mut readers) = many();
    for version in 2..12 {
        fanout.tell(&crowd, entry(version));
    }
    let mut late = join(&crowd, 1_000_000, 11);
    crowd.leave(3);
    wait_until_told(&crowd);
    for (number, reader) in readers.iter_mut().enumerate() {
        if number != 3 {
            assert_eq!(heard(reader), (2..12).collect::<Vec<_>>(), "{number}");
        }
    }
    assert_eq!(heard(&mut late), [0; 0], "it came with all of them");
    assert_eq!(crowd.size(), readers.len());
    assert!(!crowd.may_be_behind());
}

#[test]
fn a_crowd_that_shrinks_is_still_told_in_order() {
    let fanout = Fanout::start();
    let (crowd, mut readers) = many();
    for version in 2..12 {
        fanout.tell(&crowd, entry(version));
    }
    (1..readers.len() as u64).for_each(|number| crowd.leave(number));
    for version in 12..22 {
        fanout.tell(&crowd, entry(version));
    }
    wait_until_told(&crowd);
    assert_eq!(heard(&mut readers[0]), (2..22).collect::<Vec<_>>());
}

#[test]
fn a_crowd_for_which_the_thread_has_no_room_skips_to_a_snapshot() {
    let fanout = Fanout::start();
    let (crowd, mut readers) = many();
    let version = {
        // Who holds the crowd holds up the thread.
        let _spectators = crowd.lock();
        let mut version = 2;
        while !crowd.has_missed.load(Ordering::Relaxed) {
            fanout.tell(&crowd, entry(version));
            version += 1;
        }
        version
    };
    wait_until_told(&crowd);
    assert!(crowd.may_be_behind());
    readers.iter_mut().for_each(|reader| drop(heard(reader)));
    fanout.tell(&crowd, entry(version));
    fanout.tell(&crowd, News::Snapshot(texts(version)));
    fanout.tell(&crowd, entry(version + 1));
    wait_until_told(&crowd);
    for reader in &mut readers {
        let expected = [version, version + 1].map(u64::from);
        assert_eq!(heard(reader), expected, "the snapshot, and on from there");
    }
    assert!(!crowd.may_be_behind());
}

#[test]
fn a_reset_begins_again_for_everybody() {
    let fanout = Fanout::start();
    let crowd = Arc::<Crowd>::default();
    let mut reader = join(&crowd, 1, 9);
    fanout.tell(&crowd, entry(9));
    fanout.tell(&crowd, News::Reset(Version(5), texts(5)));
    fanout.tell(&crowd, entry(6));
    assert_eq!(heard(&mut reader), [5, 6]);
    drop(reader);
    fanout.tell(&crowd, entry(7));
    assert_eq!(crowd.size(), 1, "its own task takes it out");
}
