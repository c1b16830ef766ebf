//! The schema knows exactly the keys and words that the reader knows.

use super::sections::{
    campaign_keys, contacts_keys, expect_of_campaign, expect_of_run, fault_keys, handset, operator_keys, sender_keys,
    top,
};
use super::words::{CONTACTS, FAULTS, STATES};
use super::*;
use crate::scenario::{campaigns, expect, faults, parse};
use engine_core::message::State;
use std::collections::BTreeSet;

fn same<'a>(what: &str, schema: impl IntoIterator<Item = &'a str>, reader: impl IntoIterator<Item = &'a str>) {
    let all: Vec<&str> = schema.into_iter().collect();
    let names: BTreeSet<&str> = all.iter().copied().collect();
    assert_eq!(names.len(), all.len(), "{what}: a key stands twice");
    assert_eq!(names, reader.into_iter().collect(), "{what}");
}

fn names(keys: &[Key]) -> Vec<&'static str> {
    keys.iter().map(|(key, _)| *key).collect()
}

#[test]
fn every_section_has_the_keys_that_the_reader_knows_and_no_other() {
    same("the file", names(&top()), parse::TOP);
    same("[[sender]]", names(&sender_keys()), parse::SENDER);
    same("[[campaign]]", names(&campaign_keys()), campaigns::KEYS);
    same("[[contacts]]", names(&contacts_keys()), parse::CONTACTS);
    same("[handset]", names(&handset()), faults::TIMING);
    same("[[operator]]", names(&operator_keys()), parse::OPERATOR);
    same("[expect.NAME]", names(&expect_of_campaign()), expect::OF_CAMPAIGNS);
    same("[expect]", names(&expect_of_run()), expect::OF_RUN);
    let all: BTreeSet<&str> =
        faults::KINDS.iter().flat_map(|(_, _, own)| own.iter()).chain(&faults::COMMON).copied().collect();
    same("[[fault]]", names(&fault_keys()), all);
}

#[test]
fn every_word_is_explained() {
    same("faults", FAULTS.map(|(word, _)| word), faults::KINDS.map(|(word, ..)| word));
    same("contacts", CONTACTS.map(|(word, _)| word), faults::HANDSETS.map(|(word, _)| word));
    same("states", STATES.map(|(word, _)| word), State::ALL.map(State::name));
}

#[test]
fn every_key_says_what_it_means() {
    fn walk(path: &str, schema: &Value) {
        let Some(properties) = schema["properties"].as_object() else { return };
        for (key, value) in properties.iter().filter(|(_, value)| value.is_object()) {
            let path = format!("{path}.{key}");
            let is_described = value.get("description").is_some();
            assert!(is_described || value["type"] == "object", "{path} has no description");
            walk(&path, value);
            walk(&path, &value["items"]);
        }
    }
    walk("", &schema());
}
