//! The parts of a deployment, with the real nginx and the real Redis.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod http;
mod nginx;
mod proxy;
mod redis;
