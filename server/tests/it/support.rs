//! What the tests run against.

pub(crate) mod app;
pub(crate) mod client;
pub(crate) mod entrance;
pub(crate) mod listener;
pub(crate) mod log;
pub(crate) mod player;
pub(crate) mod raw;
pub(crate) mod records;
pub(crate) mod socket;
pub(crate) mod table;
pub(crate) mod trio;
pub(crate) mod wait;
