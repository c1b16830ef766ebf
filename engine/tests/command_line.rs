//! The program as it is run: output, exit status, and kill -9 in the middle.
#![expect(clippy::unwrap_used, reason = "a test stops where its surroundings fail")]

use mock_whatsapp::MockWhatsApp;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const SIZE: u32 = 150;

fn mock() -> (tokio::runtime::Runtime, MockWhatsApp) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mock = runtime.block_on(MockWhatsApp::builder().throughput(1_000).start()).unwrap();
    (runtime, mock)
}

fn engine(folder: &Path, mock: &MockWhatsApp) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_campaign-engine"));
    command.current_dir(folder).env_clear().envs(mock.env()).env("CAMPAIGN_ENGINE_THROUGHPUT", "150");
    command
}

fn send(folder: &Path, mock: &MockWhatsApp, more: &[&str]) -> Command {
    let mut command = engine(folder, mock);
    command.args(["send", "--contacts", "list.csv", "--template", "spring_sale"]).args(more);
    command
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

fn write_list(folder: &Path) {
    let lines = (0..SIZE).map(|nth| format!("+1415556{nth:04},Name {nth}\n"));
    let list: String = std::iter::once("phone,name\n".to_owned()).chain(lines).collect();
    std::fs::write(folder.join("list.csv"), list + "+14155560000,Again\nhello,Bo\n").unwrap();
}

#[test]
fn send_waits_reports_every_row_and_sends_nothing_a_second_time() {
    let folder = tempfile::tempdir().unwrap();
    write_list(folder.path());
    let (runtime, mock) = mock();
    let first = send(folder.path(), &mock, &["--wait", "--format", "json"]).output().unwrap();
    assert_eq!(first.status.code(), Some(0), "{}", stderr(&first));
    let result: Value = serde_json::from_str(stdout(&first)).unwrap();
    assert_eq!((&result["state"], &result["rows"]), (&"Completed".into(), &(SIZE + 2).into()));
    assert_eq!((&result["accepted"], &result["duplicates"], &result["bad"]), (&SIZE.into(), &1.into(), &1.into()));
    assert_eq!(result["messages"]["Read"], SIZE);
    assert_eq!(result["rejects"][0]["reason"], "the same contact as line 2");
    assert_eq!(result["rejects"][1]["line"], SIZE + 3);

    let second = send(folder.path(), &mock, &["--wait"]).output().unwrap();
    assert_eq!(second.status.code(), Some(0), "{}", stderr(&second));
    assert!(stdout(&second).contains("is finished already; nothing is sent"), "{}", stdout(&second));
    assert_eq!(runtime.block_on(mock.messages()).unwrap().len(), SIZE as usize);

    let name = result["campaign"].as_str().unwrap();
    let export = engine(folder.path(), &mock).args(["export", name, "--state", "Read"]).output().unwrap();
    assert_eq!(stdout(&export).lines().count(), SIZE as usize + 1);
    assert!(stdout(&export).starts_with("id,phone,state,reason,code,error,attempts,line,wamid\n"));
    let status = engine(folder.path(), &mock).args(["status", "--format", "json"]).output().unwrap();
    let status: Value = serde_json::from_str(stdout(&status)).unwrap();
    assert_eq!((&status["state"], &status["size"]), (&"Completed".into(), &SIZE.into()));
    let check = engine(folder.path(), &mock).args(["check", name]).output().unwrap();
    assert_eq!(check.status.code(), Some(0), "{}", stderr(&check));
}

#[test]
fn killed_and_started_again_it_goes_on_and_nobody_gets_it_twice() {
    let folder = tempfile::tempdir().unwrap();
    write_list(folder.path());
    let (runtime, mock) = mock();
    let sent = || runtime.block_on(mock.messages()).unwrap();
    for least in [20, 60] {
        let mut engine =
            send(folder.path(), &mock, &["--wait"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while sent().len() < least {
            assert_eq!(engine.try_wait().unwrap(), None, "ended early");
            std::thread::yield_now();
        }
        // SIGKILL: no last words.
        engine.kill().unwrap();
        engine.wait().unwrap();
    }
    // Without --wait it ends when all is handed over: what the kill caught in flight is followed by a later run.
    let last = send(folder.path(), &mock, &[]).output().unwrap();
    assert_eq!(last.status.code(), Some(0), "{}", stderr(&last));
    assert!(stdout(&last).starts_with("continuing campaign list-spring_sale-"), "{}", stdout(&last));
    let mut copies = BTreeMap::<String, u32>::new();
    for message in sent() {
        *copies.entry(message.to).or_default() += 1;
    }
    assert!(copies.values().all(|count| *count == 1), "{copies:?}");

    let export = engine(folder.path(), &mock).args(["export", &name_of(&last), "--format", "jsonl"]).output().unwrap();
    let rows: Vec<Value> = stdout(&export).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), SIZE as usize);
    for row in rows {
        let got = copies.contains_key(row["phone"].as_str().unwrap().trim_start_matches('+'));
        assert!(got || row["reason"] == "outcome_unknown", "lost: {row}");
    }
}

fn name_of(output: &Output) -> String {
    let line = stdout(output).lines().next().unwrap();
    line.split([' ', ':']).nth(2).unwrap().to_owned()
}

#[test]
fn what_is_wrong_with_the_call_is_said_and_exits_with_two() {
    let folder = tempfile::tempdir().unwrap();
    write_list(folder.path());
    std::fs::write(folder.path().join("bad.csv"), "phone,name\nhello,Bo\n").unwrap();
    let (_runtime, mock) = mock();
    let mut no_token = send(folder.path(), &mock, &[]);
    no_token.env_remove("WHATSAPP_TOKEN");
    let mut no_contact = engine(folder.path(), &mock);
    no_contact.args(["send", "--contacts", "bad.csv", "--template", "spring_sale"]);
    let mut no_file = engine(folder.path(), &mock);
    no_file.args(["send", "--contacts", "none.csv", "--template", "spring_sale"]);
    let mut no_campaign = engine(folder.path(), &mock);
    no_campaign.args(["export", "none"]);
    for (mut command, says) in [
        (no_token, "WHATSAPP_TOKEN"),
        (no_contact, "line 2: `hello` is not a phone number"),
        (no_file, "none.csv"),
        (no_campaign, "there is no campaign `none`"),
    ] {
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains(says), "{}", stderr(&output));
        assert!(!stderr(&output).contains("mock-token"), "a secret is shown");
    }
}

#[test]
fn plan_says_when_it_would_end_and_what_would_not_fit_and_sends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    write_list(folder.path());
    let (runtime, mock) = mock();
    let plan = |more: &[&str], vars: &[(&str, &str)]| {
        let mut command = engine(folder.path(), &mock);
        // No secret is needed to plan.
        command.env_remove("WHATSAPP_TOKEN").env_remove("WHATSAPP_APP_SECRET").envs(vars.iter().copied());
        command.args(["plan", "--contacts", "list.csv", "--template", "spring_sale"]).args(more);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stdout(&output).to_owned()
    };
    let json = |more: &[&str], vars: &[(&str, &str)]| -> Value {
        serde_json::from_str(&plan(&[more, &["--format", "json"]].concat(), vars)).unwrap()
    };
    let start = ["--start", "2030-01-01T00:00:00Z"];
    let whole = json(&start, &[]);
    let rows = ["contacts", "duplicates", "bad", "suppressed", "fits", "does_not_fit"].map(|key| &whole[key]);
    assert_eq!(rows.map(|rows| rows.as_u64().unwrap()), [SIZE.into(), 1, 1, 0, SIZE.into(), 0]);
    assert_eq!((&whole["first"], &whole["last"]), (&"2030-01-01T00:00:00Z".into(), &"2030-01-01T00:00:01Z".into()));
    let limited = json(&start, &[("CAMPAIGN_ENGINE_MESSAGING_LIMIT", "20")]);
    assert_eq!((&limited["fits"], &limited["does_not_fit"]), (&60.into(), &(SIZE - 60).into()));
    assert_eq!(limited["binds"], "messaging_limit");
    // The list's numbers are of the United States, where it is between 14:00 and 20:00 then.
    let quiet = json(&[&start[..], &["--quiet-hours", "19:00-08:00"]].concat(), &[]);
    assert!(quiet["first"].as_str().unwrap() > "2030-01-01T10:00:00Z", "{quiet}");
    let text = plan(&start, &[]);
    assert!(text.contains("150 fit into 72 h, 0 do not"), "{text}");
    assert!(!folder.path().join("campaign-engine.db").exists());
    for command in ["plan", "send"] {
        let mut command = {
            let mut it = engine(folder.path(), &mock);
            it.arg(command);
            it
        };
        command.args(["--contacts", "list.csv", "--template", "spring_sale", "--start", "2020-01-01T00:00:00Z"]);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", stdout(&output));
        assert!(stderr(&output).contains("--start: that is"), "{}", stderr(&output));
    }
    assert!(runtime.block_on(mock.messages()).unwrap().is_empty());
}

#[test]
fn pause_and_cancel_are_kept_for_the_next_engine_and_reach_one_that_runs() {
    let folder = tempfile::tempdir().unwrap();
    write_list(folder.path());
    let (runtime, mock) = mock();
    let run = |arguments: &[&str]| {
        let output = engine(folder.path(), &mock).args(arguments).output().unwrap();
        (output.status.code(), stdout(&output).to_owned() + stderr(&output))
    };
    let status = || -> Value { serde_json::from_str(&run(&["status", "my sale", "--format", "json"]).1).unwrap() };
    assert_eq!(run(&["pause", "my sale"]).0, Some(2), "there is no store");
    let later = ["--name", "my sale", "--start", "2030-01-01T00:00:00Z"];
    let queued = send(folder.path(), &mock, &later).output().unwrap();
    assert_eq!(queued.status.code(), Some(0), "{}", stderr(&queued));
    assert_eq!(run(&["pause", "none"]).0, Some(2));
    assert_eq!(run(&["pause", "my sale"]).0, Some(0));
    assert_eq!(status()["paused"], true);
    assert!(run(&["status"]).1.contains("paused"));

    let port = folder.path().join("port");
    let mut server = engine(folder.path(), &mock);
    server.args(["serve", "--port-file", "port"]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut server = server.spawn().unwrap();
    while !port.exists() {
        assert_eq!(server.try_wait().unwrap(), None, "ended early");
        std::thread::yield_now();
    }
    // It may still be starting, which it says.
    let resumed = loop {
        let (code, said) = run(&["resume", "my sale"]);
        if !said.contains("is starting") {
            break (code, said);
        }
    };
    assert_eq!(resumed, (Some(0), "campaign my sale: resumed\n".to_owned()));
    assert_eq!(status()["paused"], false);
    assert_eq!(run(&["cancel", "my sale"]).0, Some(0));
    let (code, said) = run(&["resume", "my sale"]);
    assert!(code == Some(2) && said.contains("was cancelled"), "{said}");
    server.kill().unwrap();
    server.wait().unwrap();
    let after = status();
    assert_eq!((&after["cancelled"], &after["held_by"]), (&true.into(), &Value::Null));
    let (code, said) = run(&["resume", "my sale"]);
    assert!(code == Some(2) && said.contains("was cancelled"), "{said}");
    assert!(runtime.block_on(mock.messages()).unwrap().is_empty());
    let (code, said) = run(&["export", "my sale", "--outcome-unknown"]);
    assert_eq!((code, said.lines().count()), (Some(0), 1), "{said}");
}

#[test]
fn a_slip_in_the_name_of_a_variable_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (_runtime, mock) = mock();
    let output = engine(folder.path(), &mock).env("CAMPAIGN_ENGINE_TROUGHPUT", "5").arg("status").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("CAMPAIGN_ENGINE_TROUGHPUT: there is no such setting"), "{}", stderr(&output));
}
