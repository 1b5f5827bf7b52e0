//! The parts of a deployment, with the real nginx and the real Redis, and each scenario of the load tool.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod chaos;
mod http;
mod nginx;
mod proxy;
mod redis;
mod scenarios;
mod tls;
