//! What the tests run against.

pub(crate) mod app;
pub(crate) mod client;
pub(crate) mod entrance;
pub(crate) mod socket;
pub(crate) mod table;
