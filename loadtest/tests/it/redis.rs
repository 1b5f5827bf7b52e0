//! Redis alone, with a replica, and as a cluster: what a failure leaves.

use std::time::{Duration, Instant};

use zeitnot_loadtest::deployment::{RedisCluster, RedisServer, Reply, SlowDisk};

const KEY: &str = "{b:17}:game:q7ZwA0bX";

fn set(server: &RedisServer, value: &str) {
    assert_eq!(
        server.call(&["SET", KEY, value]).unwrap().text(),
        Some("OK")
    );
}

fn get(server: &RedisServer) -> Option<String> {
    let reply = server.call(&["GET", KEY]).unwrap();
    reply.text().map(str::to_owned)
}

#[test]
fn a_server_keeps_over_a_restart_what_it_was_told_to_keep() {
    let mut forgetful = RedisServer::start().unwrap();
    let mut durable =
        RedisServer::start_on_port(&["--appendonly", "yes", "--appendfsync", "always"]).unwrap();
    let url = durable.url();
    for (server, kept) in [(&mut forgetful, None), (&mut durable, Some("1".to_owned()))] {
        set(server, "1");
        server.kill().unwrap();
        assert!(server.call(&["PING"]).is_err());
        server.start_again().unwrap();
        assert!(server.start_again().is_err(), "it runs");
        assert_eq!(get(server), kept);
    }
    assert_eq!(durable.url(), url);
}

#[test]
fn a_power_cut_takes_what_was_not_synced() {
    for (appendfsync, kept) in [("no", None), ("always", Some("1".to_owned()))] {
        let disk = SlowDisk::new().unwrap();
        let options = ["--appendonly", "yes", "--appendfsync", appendfsync];
        let mut server = RedisServer::start_with_env(&options, &disk.variables()).unwrap();
        // With `no` nothing is synced but this, at the change.
        server
            .call(&["CONFIG", "SET", "appendfsync", "always"])
            .unwrap();
        server.call(&["SET", "first", "1"]).unwrap();
        server
            .call(&["CONFIG", "SET", "appendfsync", appendfsync])
            .unwrap();
        set(&server, "1");
        server.kill().unwrap();
        assert_eq!(disk.lose_power().unwrap() > 0, kept.is_none());
        server.start_again().unwrap();
        assert_eq!(get(&server), kept, "appendfsync {appendfsync}");
        let first = server.call(&["GET", "first"]).unwrap();
        assert_eq!(first.text(), Some("1"));
    }
}

#[test]
fn a_slow_disk_holds_up_who_waits_for_it() {
    let disk = SlowDisk::new().unwrap();
    let options = ["--appendonly", "yes", "--appendfsync", "always"];
    let server = RedisServer::start_with_env(&options, &disk.variables()).unwrap();
    let delay = Duration::from_millis(200);
    disk.set_delay(delay).unwrap();
    let begin = Instant::now();
    set(&server, "1");
    assert!(begin.elapsed() >= delay);
}

#[test]
fn a_replica_follows_until_it_is_promoted() {
    let mut master = RedisServer::start_on_port(&[]).unwrap();
    set(&master, "1");
    let replica = RedisServer::start_replica_of(&master, &[]).unwrap();
    assert_eq!(get(&replica).as_deref(), Some("1"));
    assert!(replica.call(&["SET", KEY, "2"]).is_err(), "it only reads");
    master.kill().unwrap();
    replica.promote().unwrap();
    set(&replica, "2");
    assert!(RedisServer::start_replica_of(&RedisServer::start().unwrap(), &[]).is_err());
}

#[test]
fn the_keys_of_a_cluster_lie_at_their_master_and_a_dead_one_stops_no_other() {
    let mut cluster = RedisCluster::start_with((3, 0), &["--appendonly", "yes"]).unwrap();
    assert_eq!(cluster.url().matches("127.0.0.1:").count(), 3);
    let master = cluster.master_of(KEY).unwrap();
    set(cluster.server(master), "1");
    let other = (master + 1) % 3;
    let refused = cluster.server(other).call(&["GET", KEY]).unwrap_err();
    let moved = format!("MOVED {}", cluster.slot_of(KEY).unwrap());
    assert!(refused.to_string().contains(&moved), "{refused}");

    cluster.kill_master(other).unwrap();
    assert_eq!(get(cluster.server(master)).as_deref(), Some("1"));
    cluster.server_mut(other).start_again().unwrap();
    cluster.wait_until_together().unwrap();
}

#[test]
fn a_slot_moves_with_its_keys() {
    const KEYS: usize = 250;
    let cluster = RedisCluster::start(3).unwrap();
    let slot = cluster.slot_of(KEY).unwrap();
    let from = cluster.master_of(KEY).unwrap();
    for n in 0..KEYS {
        let key = format!("{{b:17}}:{n}");
        cluster.server(from).call(&["SET", &key, "x"]).unwrap();
    }
    let to = (from + 1) % 3;
    cluster.migrate_slot(slot, to).unwrap();
    assert_eq!(cluster.master_of(KEY).unwrap(), to);
    let count = ["CLUSTER", "COUNTKEYSINSLOT", &slot.to_string()];
    for (server, keys) in [(to, 250), (from, 0)] {
        let counted = cluster.server(server).call(&count).unwrap();
        assert_eq!(counted, Reply::Int(keys));
    }
    cluster.migrate_slot(slot, to).unwrap();
    cluster.wait_until_together().unwrap();
}

#[test]
fn a_replica_takes_over_from_a_dead_master() {
    let mut cluster = RedisCluster::start_with((3, 1), &[]).unwrap();
    let slot = cluster.slot_of(KEY).unwrap();
    let dead = cluster.master_of(KEY).unwrap();
    cluster.kill_master(dead).unwrap();
    let new = cluster.wait_for_failover(slot, dead).unwrap();
    assert!(new >= 3, "a replica");
}

#[test]
fn a_cluster_behind_proxies_is_reached_through_them_by_everybody() {
    let mut cluster = RedisCluster::start_with_proxies((3, 1), &[]).unwrap();
    let slot = cluster.slot_of(KEY).unwrap();
    let master = cluster.master_of(KEY).unwrap();
    let proxy = cluster.proxy(master).unwrap();
    assert!(cluster.url().contains(&proxy.address().to_string()));
    let other = cluster.server((master + 1) % 3);
    let refused = other.call(&["GET", KEY]).unwrap_err().to_string();
    let moved = format!("MOVED {slot} {}", proxy.address());
    assert!(refused.contains(&moved), "{refused}");

    // Its replica follows through it, too, and comes back.
    assert!(proxy.connections() > 0);
    proxy.refuse().unwrap();
    proxy.cut().unwrap();
    assert_eq!(proxy.connections(), 0);
    proxy.pass().unwrap();
    cluster.wait_for_replicas().unwrap();
    set(cluster.server(master), "1");
    cluster.kill_master(master).unwrap();
    assert!(cluster.wait_for_failover(slot, master).unwrap() >= 3);
}
