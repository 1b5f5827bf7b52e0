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

use std::path::Path;

/// The server as it was built for these tests.
pub(crate) fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_zeitnot"))
}
