//! What the project is made of: no unsafe code of its own, no dependency that nobody knows the reason for.

use std::collections::BTreeSet;
use std::fs;

use toml::{Table, Value};

use super::{check, root, sources};

/// Crates that are a workspace of their own: a macro of a library is unsafe code in the first; the other is what we are
/// compared with. Nothing of them is shipped.
const OUTSIDE: [&str; 2] = ["server/fuzz", "loadtest/peers/socketioxide"];

fn manifest(folder: &str) -> Table {
    let path = root().join(folder).join("Cargo.toml");
    let text = fs::read_to_string(&path).unwrap();
    text.parse()
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn members() -> Vec<String> {
    let workspace = manifest(".");
    let members = workspace["workspace"]["members"].as_array().unwrap();
    members
        .iter()
        .map(|member| member.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn no_crate_of_ours_has_unsafe_code() {
    let workspace = manifest(".");
    let lints = &workspace["workspace"]["lints"]["rust"];
    assert_eq!(lints["unsafe_code"].as_str(), Some("forbid"));
    let members = members();
    assert!(members.len() >= 4, "{members:?}");
    check(members.iter().filter_map(|member| {
        let lints = manifest(member).get("lints").cloned();
        let is_kept = lints.and_then(|lints| lints.get("workspace")?.as_bool()) == Some(true);
        (!is_kept).then(|| format!("{member}/Cargo.toml: `[lints] workspace = true` is missing"))
    }));
    let sources = sources();
    let folders: BTreeSet<&str> = sources
        .iter()
        .filter_map(|source| source.path.strip_suffix("/Cargo.toml"))
        .collect();
    let members = members.iter().map(String::as_str);
    assert_eq!(
        folders,
        members.chain(OUTSIDE).collect(),
        "each crate is of the workspace"
    );
    let outside = sources.iter().filter(|source| {
        OUTSIDE.iter().any(|folder| source.path.starts_with(folder))
            && source.has_extension(&["rs"])
    });
    let unsafe_code = outside.filter(|source| source.text.contains("unsafe"));
    check(unsafe_code.map(|source| format!("{}: has unsafe code", source.path)));
}

/// The names of everything that we ask for ourselves, in any table of dependencies.
fn direct() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let crates = members().into_iter().chain(OUTSIDE.map(str::to_owned));
    for folder in crates {
        let manifest = manifest(&folder);
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let table = manifest.get(kind).and_then(Value::as_table);
            names.extend(table.into_iter().flat_map(Table::keys).cloned());
        }
    }
    let page = fs::read_to_string(root().join("web/package.json")).unwrap();
    let page: serde_json::Value = serde_json::from_str(&page).unwrap();
    for kind in ["dependencies", "devDependencies"] {
        names.extend(page[kind].as_object().unwrap().keys().cloned());
    }
    names.retain(|name| !name.starts_with("zeitnot"));
    names
}

#[test]
fn each_dependency_is_known_with_what_it_is_for() {
    let map = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let section = map
        .split("\n## Dependencies\n")
        .nth(1)
        .expect("it has its section");
    let section = section.split("\n## ").next().unwrap_or_default();
    let named: BTreeSet<String> = section
        .split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect();
    let direct = direct();
    assert!(direct.len() > 40, "{direct:?}");
    let missing = direct.difference(&named);
    let missing = missing.map(|name| format!("ARCHITECTURE.md, Dependencies: `{name}` is missing"));
    let gone = named.difference(&direct);
    let gone = gone.map(|name| format!("ARCHITECTURE.md, Dependencies: `{name}` is none any more"));
    check(missing.chain(gone));
}

/// Words by which text becomes a statement, a script or a key, and the only files that may say them.
const MAKES_STATEMENTS: [(&str, &[&str]); 5] = [
    ("AssertSqlSafe", &[]),
    ("QueryBuilder", &[]),
    ("loadstring", &[]),
    ("\"{b:", &["server/src/store/redis/keys.rs"]),
    ("from_lua(", &["server/src/store/redis/scripts.rs"]),
];

#[test]
fn statements_scripts_and_keys_are_made_of_nothing_that_people_write() {
    let sources = sources();
    let server = || {
        let is_server = |path: &str| path.starts_with("server/src/");
        sources
            .iter()
            .filter(move |source| is_server(&source.path) && !source.is_test())
    };
    check(MAKES_STATEMENTS.iter().flat_map(|(word, homes)| {
        let elsewhere = server()
            .filter(move |source| source.text.contains(word) && !homes.contains(&&*source.path));
        elsewhere.map(move |source| format!("{}: says {word}", source.path))
    }));
}
