//! Builds the page with npm and lays it into `$OUT_DIR/web`, from where `src/lib.rs` carries it.
//!
//! A machine without npm still gets a server: then the page is a stub that says what is missing. Only
//! `WEB_DIST=require` turns that into a failed build. It compresses nothing itself; `scripts/precompress.mjs` does.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;
use std::{env, fs, io};

/// Whatever the built page is made from.
const SOURCES: [&str; 8] = [
    "src",
    "public",
    "scripts",
    "index.html",
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "vite.config.ts",
];

/// What a browser sees when the page could not be built.
const STUB: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Zeitnot</title>\
<h1>The page is not in this build</h1>\
<p>The server works, but it was built without its page: npm (Node.js 20 or newer) was missing or failed.</p>\
<p>Install Node.js, then build again: <code>touch web/build.rs &amp;&amp; cargo build</code>. \
The build's warnings say what went wrong.</p></html>\n";

fn main() -> io::Result<()> {
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    let out = PathBuf::from(variable("OUT_DIR")).join("web");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=WEB_DIST");
    for source in SOURCES {
        println!("cargo:rerun-if-changed={source}");
    }

    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    let wish = env::var("WEB_DIST").unwrap_or_default();
    match built(&root, &wish) {
        Ok(dist) => copy(&dist, &out),
        Err(problem) if wish == "require" => Err(io::Error::other(problem)),
        Err(problem) => {
            println!("cargo:warning=the page is only a stub: {problem}");
            fs::create_dir_all(&out)?;
            fs::write(out.join("index.html"), STUB)
        }
    }
}

/// The folder of the built page, built now unless it is newer than all its sources or `WEB_DIST` is `skip`.
fn built(root: &Path, wish: &str) -> Result<PathBuf, String> {
    let dist = root.join("dist");
    let shell = dist.join("index.html");
    if shell.exists() && (wish == "skip" || is_newer(&shell, root)) {
        return Ok(dist);
    }
    if wish == "skip" {
        return Err("WEB_DIST=skip, and web/dist is not there".to_owned());
    }
    let modules = root.join("node_modules/.package-lock.json");
    if modified(&modules) < modified(&root.join("package-lock.json")) {
        npm(root, &["ci", "--no-progress"])?;
    }
    npm(root, &["run", "build"])?;
    Ok(dist)
}

fn npm(root: &Path, arguments: &[&str]) -> Result<(), String> {
    let shown = arguments.join(" ");
    let output = Command::new("npm")
        .args(arguments)
        .current_dir(root)
        .output()
        .map_err(|error| format!("npm {shown} cannot be run: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let lines = said
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.contains("complete log"));
    let last: Vec<&str> = lines.collect();
    let last = last[last.len().saturating_sub(3)..].join(" / ");
    Err(format!("npm {shown} failed: {last}"))
}

/// Whether `file` is younger than everything the page is made from.
fn is_newer(file: &Path, root: &Path) -> bool {
    let youngest = SOURCES
        .iter()
        .map(|source| youngest(&root.join(source)))
        .max();
    modified(file) > youngest.flatten()
}

fn youngest(path: &Path) -> Option<SystemTime> {
    let inner = fs::read_dir(path).into_iter().flatten().flatten();
    inner
        .filter_map(|entry| youngest(&entry.path()))
        .chain(modified(path))
        .max()
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|data| data.modified()).ok()
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"))
}
