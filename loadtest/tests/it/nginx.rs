//! nginx as we ship it: each node in its turn, around a dead one, reloaded, and gone with its value.

use std::collections::BTreeSet;
use std::net::{TcpListener, TcpStream};
use std::process::Command;

use zeitnot_loadtest::deployment::Nginx;

use crate::http::{Named, request};

/// The names that answer when they are asked so often.
fn names(nginx: &Nginx, line: &str) -> BTreeSet<String> {
    let name = |_| {
        let (status, body) = request(nginx.address(), line);
        assert_eq!(status, 200, "{body}");
        body.lines().next().unwrap().to_owned()
    };
    (0..12).map(name).collect()
}

fn set<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

#[test]
fn each_node_has_its_turn_and_is_told_who_asks() {
    let nodes = [Named::start("one"), Named::start("two")];
    let nginx = Nginx::start(&[nodes[0].address(), nodes[1].address()]).unwrap();
    assert_eq!(names(&nginx, "GET /"), set(["one", "two"]));
    let (_, body) = request(nginx.address(), "GET /");
    let host = format!("Host: {}", nginx.address());
    for header in [
        &host,
        "X-Forwarded-For: 127.0.0.1",
        "X-Forwarded-Proto: http",
    ] {
        assert!(body.contains(header), "{body}");
    }
    assert!(!body.contains("6.6.6.6"), "{body}");
}

#[test]
fn who_cannot_be_reached_is_passed_over_also_for_posts() {
    let node = Named::start("alive");
    let dead = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().to_string()
    };
    let nginx = Nginx::start(&[&dead, node.address()]).unwrap();
    assert_eq!(names(&nginx, "GET /"), set(["alive"]));
    assert_eq!(names(&nginx, "POST /api/challenge/open"), set(["alive"]));
}

#[test]
fn a_full_node_is_passed_over_for_sockets_and_full_nodes_still_answer_requests() {
    let full = [(); 2].map(|()| Named::answering(503, "full"));
    let node = Named::start("one");
    let mut nginx = Nginx::start(&[full[0].address(), node.address()]).unwrap();
    assert_eq!(names(&nginx, "GET /ws"), set(["one"]));
    let all = [full[0].address(), full[1].address()];
    nginx.set_nodes(&all).unwrap();
    for path in ["/ws", "/ws", "/"] {
        let (status, body) = request(nginx.address(), &format!("GET {path}"));
        assert!(
            status == 503 && body.starts_with("full"),
            "{path}: {status} {body}"
        );
    }
}

#[test]
fn nodes_can_be_changed_and_nginx_be_killed() {
    let nodes = [Named::start("one"), Named::start("two")];
    let mut nginx = Nginx::start(&[nodes[0].address()]).unwrap();
    assert_eq!(names(&nginx, "GET /"), set(["one"]));
    nginx.set_nodes(&[nodes[1].address()]).unwrap();
    assert_eq!(names(&nginx, "GET /"), set(["two"]));

    let address = nginx.address().to_owned();
    let pid = nginx.pid().to_string();
    let killed = Command::new("kill").args(["-KILL", &pid]).status();
    assert!(killed.unwrap().success());
    while nginx.is_running() {
        std::thread::yield_now();
    }
    nginx.restart().unwrap();
    assert_eq!(nginx.address(), address);
    assert_eq!(names(&nginx, "GET /"), set(["two"]));

    // Its workers had the socket too: one that is left would take connections for ever.
    drop(nginx);
    while TcpStream::connect(&address).is_ok() {
        std::thread::yield_now();
    }
}
