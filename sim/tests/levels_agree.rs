//! A scenario whose agreement is exact ends the same at every level: on the pure cores, and on the real programs.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

use serde_json::Value;
use std::path::Path;
use std::process::Command;

fn run(level: &str) -> Value {
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/first-campaign.toml");
    let output = Command::new(env!("CARGO_BIN_EXE_campaign-sim"))
        .arg("run")
        .arg(scenario)
        .args(["--level", level, "--time-scale", "60", "--format", "json"])
        .output()
        .unwrap();
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "level {level}: {said}{complained}");
    serde_json::from_str(&said).unwrap()
}

#[test]
fn the_first_campaign_ends_the_same_at_both_levels_down_to_the_number_of_attempts() {
    let (model, live) = (run("model"), run("live"));
    assert_eq!((&model["verdict"], &live["verdict"]), (&Value::from("pass"), &Value::from("pass")));
    assert_eq!(model["campaigns"][0]["messages"], live["campaigns"][0]["messages"]);
    assert_eq!(model["attempts"], live["attempts"]);
    assert_eq!(live["duplicates"], 0);
    let judged = |outcome: &Value| outcome["checks"].as_array().unwrap().len();
    assert!(judged(&live) >= 20 && judged(&model) >= judged(&live), "level live watches less of what crosses the wire");
}
