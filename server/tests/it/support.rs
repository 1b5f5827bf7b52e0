//! What the tests run against.

pub(crate) mod app;
pub(crate) mod client;
pub(crate) mod entrance;
pub(crate) mod log;
pub(crate) mod player;
pub(crate) mod record;
pub(crate) mod table;
pub(crate) mod trio;
