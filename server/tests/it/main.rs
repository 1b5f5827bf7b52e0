//! Every test that needs more than this process: stores, sockets, servers.

#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(
    clippy::print_stdout,
    reason = "a test prints the figures that it does not judge"
)]

mod autobahn;
mod binary;
mod embedded;
mod events;
mod faults;
mod harness;
mod healing;
mod http;
mod identity;
mod json_log;
mod limits;
mod nodes;
mod operating;
mod readme;
mod refusals;
mod relay;
mod requests;
mod security;
mod seeks;
mod serve;
mod store;
mod support;
mod tidy;
