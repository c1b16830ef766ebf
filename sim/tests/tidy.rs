//! The tree keeps its own rules: who depends on whom, what pure crates may name, how long files are and how they begin.
//!
//! Each rule is a function over a file's text or the workspace's manifests, and each has its planted offence below.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// Lines that a source file may have.
const LONGEST: usize = 600;

/// Files that are longer, each with its length: it may only shrink, and the list too.
const LONGER: [(&str, usize); 0] = [];

/// Names that say nothing of what is in a file.
const EMPTY_NAMES: [&str; 8] = ["util", "utils", "common", "helper", "helpers", "manager", "misc", "shared"];

/// What may depend on what inside the workspace: (package, its dependencies, what its tests may use besides).
const EDGES: [(&str, &[&str], &[&str]); 7] = [
    ("cloud-api", &[], &[]),
    ("engine-core", &["cloud-api"], &[]),
    ("mock-whatsapp-model", &["cloud-api"], &[]),
    ("campaign-engine", &["cloud-api", "engine-core"], &["mock-whatsapp"]),
    ("mock-whatsapp", &["cloud-api", "mock-whatsapp-model"], &["mock-whatsapp"]),
    ("campaign-sim", &["campaign-engine", "cloud-api", "engine-core", "mock-whatsapp", "mock-whatsapp-model"], &[]),
    ("benches", &["campaign-sim", "cloud-api", "engine-core", "mock-whatsapp-model"], &["mock-whatsapp"]),
];

/// What the pure crates may depend on from outside.
const PURE: [(&str, &str, &[&str]); 2] = [
    ("engine-core", "engine/core/src", &[]),
    ("mock-whatsapp-model", "mock-whatsapp/model/src", &["serde", "serde_json"]),
];

/// What no line of a pure crate may name.
const IMPURE: [&str; 9] =
    ["std::net", "std::fs", "std::env", "std::thread", "std::process", "Instant", "SystemTime", "async ", "f32"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every tracked or new file that git would take, by its path from the root.
fn files() -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            let name = entry.file_name().into_string().unwrap();
            if entry.file_type().unwrap().is_dir() {
                if name != "target" && name != ".git" && name != "node_modules" {
                    folders.push(path);
                }
            } else {
                found.push(path.to_str().unwrap().replace('\\', "/"));
            }
        }
    }
    found.sort();
    found
}

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(root().join(path)).ok()
}

fn too_long(path: &str, text: &str) -> Option<String> {
    let allowed = LONGER.iter().find(|(name, _)| *name == path).map_or(LONGEST, |(_, lines)| *lines);
    let lines = text.lines().count();
    (lines > allowed).then(|| format!("{path} has {lines} lines; {allowed} are allowed: split it"))
}

fn without_introduction(path: &str, text: &str) -> Option<String> {
    (!text.starts_with("//! ")).then(|| format!("{path} does not open with //! and what it is for"))
}

fn empty_name(path: &str) -> Option<String> {
    let stem = Path::new(path).file_stem()?.to_str()?;
    EMPTY_NAMES.contains(&stem).then(|| format!("{path}: `{stem}` says nothing of what is in it"))
}

fn unfinished(path: &str, text: &str) -> Option<String> {
    // Put together here, so that this file does not name them itself.
    let words = ["todo", "unimplemented", "dbg"].map(|word| format!("{word}!("));
    let word = words.iter().find(|word| text.contains(word.as_str()))?;
    Some(format!("{path} has {word}"))
}

fn allowed_lint(path: &str, text: &str) -> Option<String> {
    let word = format!("#[{}(", "allow");
    text.contains(&word).then(|| format!("{path} silences a lint; expect it, with a reason"))
}

fn sleeping_test(path: &str, text: &str) -> Option<String> {
    let sleeps = ["thread::", "time::"].map(|module| format!("{module}sleep"));
    let is_test = path.contains("/tests/");
    (is_test && sleeps.iter().any(|sleep| text.contains(sleep.as_str())))
        .then(|| format!("{path} sleeps; a test waits for the event"))
}

fn impure(path: &str, text: &str) -> Option<String> {
    let is_pure = PURE.iter().any(|(_, folder, _)| path.starts_with(folder));
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let offence = code.flat_map(|line| IMPURE.iter().filter(move |word| line.contains(**word))).next();
    offence.filter(|_| is_pure).map(|word| format!("{path} names {word}; this crate is pure"))
}

fn foreign_dependency(package: &str, dependency: &str) -> Option<String> {
    let (_, _, allowed) = PURE.iter().find(|(name, ..)| *name == package)?;
    let inside = EDGES.iter().any(|(name, ..)| *name == dependency);
    (!inside && !allowed.contains(&dependency)).then(|| format!("{package} is pure and depends on {dependency}"))
}

fn foreign_edge(package: &str, dependency: &str, is_dev: bool) -> Option<String> {
    let (_, normal, dev) = EDGES.iter().find(|(name, ..)| *name == package)?;
    let inside = EDGES.iter().any(|(name, ..)| *name == dependency);
    let drawn = normal.contains(&dependency) || (is_dev && dev.contains(&dependency));
    (inside && !drawn).then(|| format!("{package} depends on {dependency}, which is not drawn in ARCHITECTURE.md"))
}

fn assert_none(problems: Vec<String>) {
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn every_source_file_keeps_the_rules() {
    let mut problems = Vec::new();
    let mut seen = 0;
    for path in files().iter().filter(|path| path.ends_with(".rs")) {
        let text = read(path).unwrap();
        seen += 1;
        let rules = [too_long, without_introduction, unfinished, allowed_lint, sleeping_test, impure];
        problems.extend(rules.iter().filter_map(|rule| rule(path, &text)));
        problems.extend(empty_name(path));
    }
    assert!(seen > 50, "only {seen} source files found");
    assert_none(problems);
}

#[test]
fn packages_depend_on_each_other_as_drawn() {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let mut problems = Vec::new();
    let packages = metadata["packages"].as_array().unwrap();
    assert_eq!(packages.len(), EDGES.len());
    for package in packages {
        let name = package["name"].as_str().unwrap();
        assert!(EDGES.iter().any(|(known, ..)| *known == name), "{name} is not in the picture");
        for dependency in package["dependencies"].as_array().unwrap() {
            let is_dev = dependency["kind"].as_str() == Some("dev");
            let dependency = dependency["name"].as_str().unwrap();
            problems.extend(foreign_edge(name, dependency, is_dev));
            problems.extend(foreign_dependency(name, dependency).filter(|_| !is_dev));
        }
    }
    assert_none(problems);
}

#[test]
fn each_rule_catches_its_offence() {
    let long = "//! x\n".repeat(LONGEST + 1);
    assert!(too_long("a.rs", &long).is_some() && too_long("a.rs", "//! x\n").is_none());
    assert!(without_introduction("a.rs", "use x;\n").is_some());
    assert!(empty_name("engine/src/utils.rs").is_some() && empty_name("engine/src/driver.rs").is_none());
    assert!(unfinished("a.rs", &format!("{}!()", "todo")).is_some());
    assert!(allowed_lint("a.rs", &format!("#[{}(dead_code)]", "allow")).is_some());
    assert!(sleeping_test("engine/tests/a.rs", &format!("std::thread::{}(x)", "sleep")).is_some());
    assert!(impure("engine/core/src/a.rs", "use std::time::Instant;").is_some());
    assert!(impure("engine/core/src/a.rs", "// an Instant is not read here").is_none());
    assert!(foreign_edge("engine-core", "mock-whatsapp-model", false).is_some());
    assert!(foreign_edge("campaign-engine", "mock-whatsapp", false).is_some());
    assert!(foreign_edge("campaign-engine", "mock-whatsapp", true).is_none());
    assert!(foreign_dependency("engine-core", "tokio").is_some());
    assert!(foreign_dependency("mock-whatsapp-model", "serde").is_none());
}
