//! Messages between nodes that are lost, where nobody acts afterwards: no later message shows the gap.

use std::time::Instant;

use super::{entrance, index_of, three_nodes};
use crate::support::log;
use crate::support::records::short_game;
use crate::support::trio::{Seating, Trio};

/// Plies before the game ends.
const PLIES: usize = 6;

/// One side resigns; the answer is the version, and when it was asked for.
async fn resign(trio: &mut Trio) -> (u64, Instant) {
    let asked = Instant::now();
    let end = trio.seats[0].resign().await;
    println!("who resigned got the answer after {:?}", asked.elapsed());
    (end, asked)
}

/// All see the end, on the sockets that they have.
async fn see_the_end(trio: &mut Trio, (end, asked): (u64, Instant)) {
    trio.until(end).await;
    println!("all had seen the end after {:?}", asked.elapsed());
    for one in trio.everyone() {
        assert_eq!(one.status(), "resign");
        assert_eq!(one.snapshots(), 1, "it came as an entry");
    }
}

#[tokio::test]
async fn the_last_entry_is_found_though_every_subscription_was_gone() {
    let deployment = three_nodes().with_proxies().start().unwrap();
    let record = short_game();
    let mut trio = Trio::sit_down(&entrance(&deployment), &record.terms(), Seating::Apart).await;
    record.play(&mut trio, 0..PLIES).await;
    // What commands go by stays as it is; subscriptions end, and nobody can subscribe again for now.
    let proxies = || (0..3).map(|node| deployment.proxy(node).unwrap());
    proxies().for_each(|proxy| proxy.refuse().unwrap());
    let killed = deployment
        .redis()
        .unwrap()
        .command("CLIENT KILL TYPE pubsub");
    assert_eq!(killed.unwrap(), ":3");
    let end = resign(&mut trio).await;
    proxies().for_each(|proxy| proxy.pass().unwrap());
    see_the_end(&mut trio, end).await;
    let lines = log::lines(&deployment, trio.game);
    log::assert_is(&lines, &trio.acknowledged());
}

#[tokio::test]
async fn the_last_entry_is_found_though_its_messages_were_dropped() {
    let deployment = three_nodes().with_proxies().start().unwrap();
    let record = short_game();
    let mut trio = Trio::sit_down(&entrance(&deployment), &record.terms(), Seating::Apart).await;
    record.play(&mut trio, 0..PLIES).await;
    let channel = log::key(trio.game).into_bytes();
    let others = [trio.seats[1].node(), trio.spectator.node()].map(index_of);
    let dropped = others.map(|node| {
        let channel = channel.clone();
        let proxy = deployment.proxy(node).unwrap();
        proxy.drop_pushes(move |other| other == channel)
    });
    let end = resign(&mut trio).await;
    for pushes in &dropped {
        pushes.wait_for(1).unwrap();
    }
    see_the_end(&mut trio, end).await;
    let lines = log::lines(&deployment, trio.game);
    log::assert_is(&lines, &trio.acknowledged());
}
