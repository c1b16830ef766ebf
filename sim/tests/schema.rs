//! The schema of scenario files: what the reader takes is valid, what it refuses for its keys and words is not.
//!
//! The validator below knows the keywords that the schema uses and no other; one that it does not know is an error, so nothing
//! is passed over. Patterns are left to the reader.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

use campaign_sim::scenario::Scenario;
use campaign_sim::schema::schema;
use campaign_sim::swarm::{Options, vary};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

const GOOD: &str = "name = \"t\"\n[[campaign]]\nname = \"a\"\ncontacts = 100\n";

/// Keywords that say nothing of what is valid, or that the reader judges.
const WORDS: [&str; 8] = ["$schema", "title", "description", "default", "x-taplo", "$defs", "pattern", "then"];

struct Validator {
    root: Value,
}

impl Validator {
    fn mistakes(&self, text: &str) -> Vec<String> {
        let file: Value = toml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let mut mistakes = Vec::new();
        self.check(&self.root, &file, "", &mut mistakes);
        mistakes
    }

    fn holds(&self, schema: &Value, value: &Value) -> bool {
        let mut mistakes = Vec::new();
        self.check(schema, value, "", &mut mistakes);
        mistakes.is_empty()
    }

    fn check(&self, schema: &Value, value: &Value, path: &str, mistakes: &mut Vec<String>) {
        let Some(keywords) = schema.as_object() else {
            if schema != &Value::Bool(true) {
                mistakes.push(format!("{path} may not be there"));
            }
            return;
        };
        for (keyword, wanted) in keywords {
            let all = || wanted.as_array().unwrap().iter();
            let fits = match keyword.as_str() {
                word if WORDS.contains(&word) => true,
                "$ref" => {
                    let name = wanted.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                    self.check(&self.root["$defs"][name], value, path, mistakes);
                    true
                }
                "type" => is_of(wanted.as_str().unwrap(), value),
                "enum" => all().any(|one| one == value),
                "const" => wanted == value,
                "minimum" => value.as_f64().is_none_or(|number| number >= wanted.as_f64().unwrap()),
                "maximum" => value.as_f64().is_none_or(|number| number <= wanted.as_f64().unwrap()),
                "minItems" => value.as_array().is_none_or(|items| items.len() as u64 >= wanted.as_u64().unwrap()),
                "maxItems" => value.as_array().is_none_or(|items| items.len() as u64 <= wanted.as_u64().unwrap()),
                "uniqueItems" => value
                    .as_array()
                    .is_none_or(|items| items.iter().enumerate().all(|(place, item)| !items[..place].contains(item))),
                "anyOf" => all().any(|one| self.holds(one, value)),
                "oneOf" => all().filter(|one| self.holds(one, value)).count() == 1,
                "not" => !self.holds(wanted, value),
                "allOf" => {
                    all().for_each(|one| self.check(one, value, path, mistakes));
                    true
                }
                "if" => {
                    if self.holds(wanted, value) {
                        self.check(&schema["then"], value, path, mistakes);
                    }
                    true
                }
                "required" => {
                    value.as_object().is_none_or(|table| all().all(|key| table.contains_key(key.as_str().unwrap())))
                }
                "propertyNames" => value
                    .as_object()
                    .is_none_or(|table| table.keys().all(|key| self.holds(wanted, &Value::from(key.as_str())))),
                "properties" => {
                    let table = value.as_object().into_iter().flatten();
                    for (key, inner) in table.filter(|(key, _)| wanted.get(key.as_str()).is_some()) {
                        self.check(&wanted[key.as_str()], inner, &format!("{path}.{key}"), mistakes);
                    }
                    true
                }
                "additionalProperties" => {
                    let table = value.as_object().into_iter().flatten();
                    for (key, inner) in table.filter(|(key, _)| schema["properties"].get(key.as_str()).is_none()) {
                        self.check(wanted, inner, &format!("{path}.{key}"), mistakes);
                    }
                    true
                }
                "items" => {
                    for (place, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(wanted, item, &format!("{path}[{place}]"), mistakes);
                    }
                    true
                }
                other => panic!("the validator does not know `{other}`"),
            };
            if !fits {
                mistakes.push(format!("{path}: {keyword} {wanted}"));
            }
        }
    }
}

fn is_of(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        other => panic!("the validator does not know type `{other}`"),
    }
}

fn validator() -> Validator {
    Validator { root: schema() }
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

#[test]
fn the_program_prints_the_schema() {
    let output = Command::new(env!("CARGO_BIN_EXE_campaign-sim")).arg("schema").output().unwrap();
    assert!(output.status.success());
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap(), schema());
}

#[test]
fn every_shipped_scenario_is_valid() {
    let validator = validator();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let mistakes = validator.mistakes(&std::fs::read_to_string(&path).unwrap());
            assert!(mistakes.is_empty(), "{}: {mistakes:?}", path.display());
        }
    }
}

#[test]
fn whatever_a_swarm_draws_is_valid() {
    let validator = validator();
    let base = Scenario::load(&folder().join("bad-gateway.toml")).unwrap_or_else(|mistake| panic!("{mistake}"));
    for seed in 0..300 {
        let (scenario, _) = vary::vary(&base, seed, &Options::from_seed(seed, 1, 500), 500);
        let text = scenario.written().text;
        let mistakes = validator.mistakes(&text);
        assert!(mistakes.is_empty(), "seed {seed}: {mistakes:?}\n{text}");
    }
}

#[test]
fn what_the_reader_refuses_for_its_keys_and_words_is_not_valid() {
    let validator = validator();
    assert_eq!(validator.mistakes(GOOD), [""; 0]);
    for text in [
        "[faults]\n",
        "[[sender]]\nname = \"m\"\nthroughputt = 80\n",
        "[[sender]]\nthroughput = 80\n",
        "[[sender]]\nname = \"m\"\nthroughput = 0\n",
        "[[sender]]\nname = \"m\"\nthroughput = \"80\"\n",
        "[[campaign]]\nname = \"b\"\n",
        "[[campaign]]\nname = \"b\"\ncontacts = 3\ncontacts_file = \"x\"\n",
        "[[campaign]]\nname = \"b\"\ncontacts = 3\nsender = \"m\"\nsenders = [\"m\"]\n",
        "[handset]\nread_shar = 0.5\n",
        "[handset]\nread_share = 1.5\n",
        "[[contacts]]\nkind = \"blocked\"\nshares = 0.5\n",
        "[[contacts]]\nkind = \"blockd\"\nshare = 0.5\n",
        "[[contacts]]\nkind = \"blocked\"\nshare = 0.5\nfor = \"1h\"\n",
        "[[contacts]]\nkind = \"offline\"\nshare = 0.5\n",
        "[[fault]]\nkind = \"outag\"\n",
        "[[fault]]\nkind = \"outage\"\nrate = 3\n",
        "[[fault]]\nkind = \"throttle\"\n",
        "[[fault]]\nkind = \"error\"\ncode = 7\n",
        "[[fault]]\nkind = \"garbled_reply\"\nform = \"delivered_and_failed\"\n",
        "[[operator]]\nat = \"2h\"\ndo = \"pause\"\ncampain = \"a\"\n",
        "[[operator]]\nat = \"2h\"\ndo = \"pause\"\nsender = \"main\"\n",
        "[expect]\nmessages.Raed = 1\n",
        "[expect]\nduplicate = 0\n",
        "[expect.a]\nthroughput_min = 5\n",
    ] {
        let text = format!("{GOOD}{text}");
        assert!(!validator.mistakes(&text).is_empty(), "{text}");
        assert!(Scenario::parse(&text, "t.toml", Path::new("")).is_err(), "{text}");
    }
}
