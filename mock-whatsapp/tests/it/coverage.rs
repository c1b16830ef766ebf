//! What the mock covers, as a table in the documentation: each operation of the Graph API with a test that calls it, and each
//! code of the catalogue with the ways to produce it. The table is written by these tests, and fails them when it is old.

use crate::client::{Mock, text};
use cloud_api::catalogue::{Mode, entries};
use mock_whatsapp::MockWhatsApp;
use mock_whatsapp::clock::Pace;
use mock_whatsapp::graph::route::{Node, ROUTES, Route, Verb};
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn sources(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            found.push((name, std::fs::read_to_string(&path).unwrap()));
        }
    }
    found.sort();
    found
}

/// The tests of this folder: module, name and text.
fn tests() -> Vec<(String, String, String)> {
    let mut tests = Vec::new();
    for (module, text) in sources(&root().join("tests/it")).into_iter().filter(|(module, _)| module != "coverage") {
        // What stands between the functions belongs to the one before; what is shared by a file, to all.
        let mut parts = text.split("#[tokio::test");
        let shared = parts.next().unwrap_or_default();
        let constants: String = shared.lines().filter(|line| line.starts_with("const ")).collect();
        let helpers: Vec<(&str, &str)> =
            shared.split("fn ").skip(1).filter_map(|fun| Some((fun.split_once('(')?.0, fun))).collect();
        for part in parts {
            let name = part.split("async fn ").nth(1).and_then(|rest| rest.split('(').next()).unwrap_or_default();
            let called = helpers.iter().filter(|(name, _)| part.contains(&format!("{name}("))).map(|(_, text)| *text);
            tests.push((module.clone(), name.to_owned(), format!("{constants}\n{part}{}", called.collect::<String>())));
        }
    }
    tests
}

/// How tests write the id of a node.
fn ids(node: Node) -> &'static [&'static str] {
    match node {
        Node::Number => &["100000000000001", "NUMBER", "{NUMBER}", "mock.number", "{id}", "{number}", "{other}"],
        Node::Account => &["200000000000001", "ACCOUNT", "{ACCOUNT}", "{account}", "{waba}"],
        Node::App => &["300000000000001", "APP", "{APP}", "{app}"],
        Node::Media => &["{id}", "{media}", "{media_id}", "{image}"],
        Node::Template => &["{id}", "{template}", "{template_id}"],
        Node::Business => &["6000", "BUSINESS", "{business}"],
        Node::Upload => &["{session}", "upload:", "{upload}"],
        Node::Word(_) | Node::Unknown => &[],
    }
}

/// Whether a test's text has a call of this row, as far as text can tell: method and path in one statement, or, where the one
/// is handed in, in one function.
fn calls(route: &Route, text: &str) -> Option<u8> {
    let verb = match route.verb {
        Verb::Get => ["Method::GET", "\"GET\"", ".get("],
        Verb::Post => ["Method::POST", "\"POST\"", ".post("],
        Verb::Delete => ["Method::DELETE", "\"DELETE\"", ".delete("],
    };
    let path = |text: &str| match (route.edge, route.node) {
        ("", Node::Word(word)) => ["\"", "?", "/"].iter().any(|end| text.contains(&format!("/{word}{end}"))),
        ("", node) => ids(node).iter().any(|id| {
            let ends = ["\"", "?", ","].map(|end| format!("{id}{end}"));
            let begins = ["\"/", "0/", "(", " "].iter();
            begins.into_iter().any(|begin| ends.iter().any(|end| text.contains(&format!("{begin}{end}"))))
        }),
        // Where a file is, clients learn from the answer about it.
        ("attachments", _) => text.contains("[\"url\"]"),
        (edge, _) => text.contains(&format!("/{edge}")),
    };
    let both = |text: &str| path(text) && verb.iter().any(|verb| text.contains(verb));
    let graph = [".graph(", ".raw(", ".exchange("].iter().any(|call| text.contains(call));
    if route.edge == "messages" && text.contains("mock.send(") || graph && text.split(';').any(both) {
        return Some(0);
    }
    (graph && both(text)).then_some(1)
}

/// The test that is named already, if it is one that calls the row; else the one that is about little else.
fn test_of(route: &Route, tests: &[(String, String, String)], named: &str) -> String {
    let found = tests.iter().filter_map(|(module, name, text)| {
        let test = format!("`{module}::{name}`");
        Some((!named.contains(&format!("| {test} |")), calls(route, text)?, text.len(), test))
    });
    found.min().map_or_else(|| "**none**".to_owned(), |(_, _, _, test)| test)
}

fn operations(there: &str) -> String {
    let tests = tests();
    let mut table = "| call | operation | a test that makes it |\n|---|---|---|\n".to_owned();
    for route in ROUTES {
        let row = format!("| `{}` | {:?} |", route.name(), route.operation);
        let named = there.lines().find(|line| line.starts_with(&row)).unwrap_or_default();
        writeln!(table, "{row} {} |", test_of(route, &tests, named)).unwrap();
    }
    table
}

fn grouped(code: u32) -> String {
    if code < 1_000 { code.to_string() } else { format!("{}_{:03}", code / 1_000, code % 1_000) }
}

fn codes() -> String {
    let mut rules: Vec<_> = sources(&root().join("src"));
    rules.extend(sources(&root().join("model/src")));
    let mut table =
        "| code | where it shows | a fault | a number | a rule or a state |\n|---|---|---|---|---|\n".to_owned();
    for (_, entry) in entries() {
        let code = match entry.subcode {
            Some(subcode) => format!("{}/{subcode}", entry.code),
            None if entry.last > entry.code => format!("{}–{}", entry.code, entry.last),
            None => entry.code.to_string(),
        };
        let shows = match entry.mode {
            Mode::Synchronous => "in the answer",
            Mode::Webhook => "in a webhook",
            Mode::Either => "in either",
        };
        let fault = if entry.subcode.is_none() { "`error`" } else { "" };
        let by_number = (131_000..133_000).contains(&entry.code);
        let number = if by_number { format!("`+1 AAA 555 {}`", entry.code - 130_000) } else { String::new() };
        let written = [grouped(entry.code), entry.code.to_string()];
        let is_there = |text: &str| {
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
            let mut words = lines.flat_map(|line| line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'));
            entry.code >= 1_000 && words.any(|word| written.iter().any(|written| word == written))
        };
        let by_rule = if rules.iter().any(|(name, text)| name != "magic" && is_there(text)) { "yes" } else { "" };
        writeln!(table, "| {code} | {shows} | {fault} | {number} | {} |", by_rule).unwrap();
    }
    table
}

fn document(there: &str) -> String {
    format!(
        "# What the mock covers\n\nWritten by the test `coverage` from the code, which fails when this is old; \
         `UPDATE_COVERAGE=1 cargo test -p mock-whatsapp --test it coverage` writes it again.\n\n\
         ## Operations of the Graph API\n\nEvery call that is answered; all others get the error of an object that is not there \
         (100/33), as from the real API.\n\n{}\n\
         ## Codes of the error catalogue\n\nEvery code can be produced on any send: `POST /_mock/faults \
         {{\"kind\":\"error\",\"code\":N}}`; that is tried by `coverage::every_code_of_the_catalogue_can_be_produced`. \
         Some come by a number of their own, and those with a yes also by themselves, where a rule is broken or a \
         state asks for it.\n\n{}",
        operations(there),
        codes()
    )
}

#[test]
fn the_table_of_coverage_is_up_to_date() {
    let file = root().join("../docs/mock-coverage.md");
    let there = std::fs::read_to_string(&file).unwrap_or_default();
    let wanted = document(&there);
    #[expect(clippy::disallowed_methods, reason = "whoever wants the file written again says so there")]
    if std::env::var_os("UPDATE_COVERAGE").is_some() {
        std::fs::write(&file, &wanted).unwrap();
    }
    let there = std::fs::read_to_string(&file).unwrap_or_default();
    let differs = there.lines().zip(wanted.lines()).find(|(there, wanted)| there != wanted);
    assert!(
        there == wanted,
        "docs/mock-coverage.md is old: UPDATE_COVERAGE=1 cargo test -p mock-whatsapp --test it coverage writes it; {differs:?}"
    );
    assert!(!wanted.contains("**none**"), "an operation has no test:\n{wanted}");
}

#[tokio::test]
async fn every_code_of_the_catalogue_can_be_produced() {
    let mock = Mock::of(MockWhatsApp::builder().clock(Pace::Frozen)).await;
    mock.done("POST", "/handsets/4915112345678/messages", json!({ "type": "text", "text": "hi" })).await;
    for (_, entry) in entries().filter(|(_, entry)| entry.subcode.is_none()) {
        let fault = mock.done("POST", "/faults", json!({ "kind": "error", "code": entry.code })).await;
        let answer = mock.send(&text("+4915112345678", "hello")).await;
        let code = if answer.status == 200 {
            let wamid = answer.wamid();
            mock.done("POST", "/clock/settle", json!({ "quiet": "0s" })).await;
            let list = mock.done("GET", "/messages?limit=10000", Value::Null).await;
            let messages = list["items"].as_array().unwrap();
            messages.iter().find(|message| message["wamid"] == wamid.as_str()).unwrap()["error"]["code"].clone()
        } else {
            answer.body["error"]["code"].clone()
        };
        assert_eq!(code, entry.code, "{}", entry.title);
        mock.done(
            "DELETE",
            &format!("/faults/{}", fault["id"].as_str().unwrap_or(&fault["id"].to_string())),
            Value::Null,
        )
        .await;
    }
}
