//! Documents that say which test holds what they promise: each such test is there.

use std::collections::BTreeSet;
use std::fs;

use super::{Source, check, root, sources};

/// The documents with such tables.
const DOCUMENTS: [&str; 2] = ["SECURITY.md", "RELIABILITY.md"];

/// How the last column of such a table is called.
const HELD_BY: &str = "held by";

/// A row of a table: what stands first in it, and the tests that it names.
#[derive(Debug, PartialEq, Eq)]
struct Promise<'a> {
    name: &'a str,
    tests: Vec<&'a str>,
}

/// The rows of all tables whose last column is [`HELD_BY`]. What stands in backticks there is a test: a Rust function, or,
/// with spaces in it, the title of a browser's.
fn promises(document: &str) -> Vec<Promise<'_>> {
    let mut promises = Vec::new();
    let mut is_within = false;
    for line in document.lines() {
        let Some(row) = line
            .trim()
            .strip_prefix('|')
            .and_then(|row| row.strip_suffix('|'))
        else {
            is_within = false;
            continue;
        };
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let (Some(name), Some(last)) = (cells.first(), cells.last()) else {
            continue;
        };
        if *last == HELD_BY {
            is_within = true;
        } else if is_within && !last.starts_with("--") {
            let tests = last.split('`').skip(1).step_by(2).collect();
            promises.push(Promise { name, tests });
        }
    }
    promises
}

/// Whether a line is the attribute of a test: `#[test]`, `#[tokio::test(flavor = "current_thread")]`.
fn is_attribute_of_test(line: &str) -> bool {
    let attribute = line.trim().strip_prefix("#[").unwrap_or_default();
    let name = attribute.split(['(', ']']).next().unwrap_or_default();
    name == "test" || name.ends_with("::test")
}

/// The tests of a file: functions behind such an attribute, or titles in calls of `test`.
fn tests_in(source: &Source) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    if source.has_extension(&["rs"]) {
        let mut is_next = false;
        for line in source.text.lines() {
            if is_attribute_of_test(line) {
                is_next = true;
            } else if is_next && let Some((_, name)) = line.split_once("fn ") {
                found.extend(name.split(['(', '<']).next().map(str::to_owned));
                is_next = false;
            }
        }
    } else if source.path.ends_with(".spec.ts") || source.path.ends_with(".test.ts") {
        for after in source.text.split("test('").skip(1) {
            found.extend(after.split('\'').next().map(str::to_owned));
        }
    }
    found
}

#[test]
fn every_test_that_a_document_names_is_there() {
    let known: BTreeSet<String> = sources().iter().flat_map(tests_in).collect();
    assert!(known.len() > 300, "{}", known.len());
    check(DOCUMENTS.into_iter().flat_map(|document| {
        let text = fs::read_to_string(root().join(document)).expect(document);
        let promises = promises(&text);
        assert!(promises.len() > 5, "{document} has its table");
        let complaints = promises.into_iter().flat_map(|promise| {
            let name = promise.name.to_owned();
            let none = promise.tests.is_empty();
            let none = none.then(|| format!("{document}: {name} names no test"));
            let missing = promise
                .tests
                .into_iter()
                .filter(|test| !known.contains(*test));
            let missing: Vec<String> = missing
                .map(|test| format!("{document}: {name} names `{test}`, which is no test"))
                .collect();
            none.into_iter().chain(missing)
        });
        complaints.collect::<Vec<_>>()
    }));
}

#[test]
fn promises_are_read_from_tables() {
    let document = "\
| a | b |\n|---|---|\n| x | `no_promise` |\n\n\
| rule | what | held by |\n|---|---|---|\n| S1 | of `it` | `one_test`, `two words` |\n| S2 | else | nobody |\n\n| S3 | `other` |\n";
    let expected = [
        Promise {
            name: "S1",
            tests: vec!["one_test", "two words"],
        },
        Promise {
            name: "S2",
            tests: Vec::new(),
        },
    ];
    assert_eq!(promises(document), expected);
    let source = |path: &str, text: &str| Source {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    let rust = source(
        "a.rs",
        "#[tokio::test]\nasync fn one() {\n}\n#[test]\nfn two() {}\nfn three() {}\n\
         #[tokio::test(flavor = \"multi_thread\", worker_threads = 2)]\nasync fn apart() {\n}\n",
    );
    assert_eq!(Vec::from_iter(tests_in(&rust)), ["apart", "one", "two"]);
    let page = source("a.spec.ts", "test('two words', async () => {");
    assert_eq!(Vec::from_iter(tests_in(&page)), ["two words"]);
}
