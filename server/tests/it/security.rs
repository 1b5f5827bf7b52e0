//! What somebody tries who means harm: `SECURITY.md` says which rule each of these tests holds.

mod bodies;
mod cheats;
mod commands;
mod frames;
mod internal;
mod names;
mod origins;
mod redis;
mod rotation;
mod secrets;

use std::path::Path;
use std::process::{Command, Output};

use crate::support::binary;

/// Runs the binary to its end, in a folder.
fn run(dir: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(binary());
    command.args(args).current_dir(dir).env_clear();
    command.env("RUST_LOG", "off").output().unwrap()
}

/// What the protocol's manual shows of clients' messages: a message of each kind, several of some.
fn examples() -> impl Iterator<Item = &'static str> {
    const MANUAL: &str = include_str!("../../../PROTOCOL.md");
    let blocks = MANUAL.split("```json client\n").skip(1);
    blocks.flat_map(|rest| rest.split("```").next().unwrap().lines())
}
