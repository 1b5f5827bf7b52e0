//! What the tests run against.

pub(crate) mod client;
pub(crate) mod node;
pub(crate) mod redis;
