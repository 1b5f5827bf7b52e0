//! Every test that needs more than this process: stores, sockets, servers.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod binary;
mod embedded;
mod harness;
mod healing;
mod http;
mod limits;
mod nodes;
mod relay;
mod serve;
mod store;
mod support;
mod tidy;
