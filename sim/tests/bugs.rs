//! Every checker is worth its place: each bug that is planted in the engine is found by the check that is there for it, within
//! a bounded number of seeds of a swarm. docs/planted-bugs.md is what came of it.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

use campaign_sim::scenario::{Level, Scenario};
use campaign_sim::swarm::{self, Request};
use engine_core::planted::{Bug, plant};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Seeds that are tried for one bug: a minute of one core.
const SEEDS_MOST: u64 = 4_000;
/// Messages of one run.
const MESSAGES_MOST: u32 = 2_000;
/// Of those that hunt for a bug of turns, which shows over pages of messages.
const MESSAGES_FOR_TURNS: u32 = 6_000;

/// Which check is there for a bug.
fn check_for(bug: Bug) -> &'static str {
    use Bug::*;
    match bug {
        Canary | CountsDrift => "conservation",
        FailedBeatsDelivered | ClaimWithoutNeed => "legal-transitions",
        ReadNeedsDelivered => "belief",
        RecoveryForgets | IdleIsSilence => "liveness",
        TransientUnspent | ThrottleSpends | HaltSpends => "attempts",
        FinalRetried | QuickRetryTooEarly | LimitRetryTooEarly | CapRetryTooEarly | PairRetryTooEarly => {
            "retry-spacing"
        }
        TimeoutIsFailure | RecoveryResends => "no-duplicates",
        UnknownWaitShort | SilenceIgnored | SilenceForgotten | HeardForgotten | ProofNotNeeded | NeverResends => {
            "no-blind-resend"
        }
        ReportForgets => "unknown-reported",
        UnknownLeaksItsPlace => "bounded",
        HaltNeverProbed | HaltProbeOverslept | LateWordDefersProbe | BreakerNeverCloses | PaceNeverGrows
        | ResumeForgotten | PutBackForgotten | DuePageDrops => "work-conserving",
        HaltEndsByAnyAnswer | OldAttemptProbes | HaltProbesFast => "halts",
        BreakerNeverOpens | BreakerProbesFast => "breaker",
        ThrottleIgnored | PaceTooFast => "throughput",
        DeadlineIgnored | DeadlineSweepStops | DeadlineOfOpenOnly => "deadline",
        LimitHoldShort | LedgerIgnored | LedgerEndsEarly => "messaging-limit",
        OptOutIgnored | OptOutOfOneMessage => "opt-out",
        CancelRetries | PresumedForgetsDecision | PauseIgnored => "paused-and-cancelled",
        PairsIgnored | PairsForgetThrottled => "pair-limit",
        QuietIgnored | QuietByUtc => "quiet-hours",
        PriorityIgnored | UnfairTurns => "priority",
        AcknowledgedEarly => "acknowledged-facts-survive",
        ReasonWrong | DeadlineForgetsHold => "reasons",
        DeliveredIsRead => "receipts-off",
        NeverRests => "comes-to-rest",
        CampaignStateWrong => "campaign-state",
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The scenarios of the repository, and those beside this file for what they seldom meet.
fn files() -> Vec<Scenario> {
    let folders = [root().join("scenarios"), root().join("sim/tests/bugs")];
    let mut paths: Vec<PathBuf> = folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    paths.sort();
    paths.iter().map(|path| Scenario::load(path).unwrap()).collect()
}

/// The checks that fail with this seed, and how many messages it had.
fn failing(files: &[Scenario], seed: u64, messages_most: u32) -> (Vec<String>, u64) {
    let request = Request {
        from: seed,
        seeds: 1,
        shard: (0, 1),
        jobs: 1,
        time_most: None,
        level: Level::Model,
        messages_most,
        crashes: None,
    };
    let report = swarm::run(files, &request, &|_| {});
    (report.by_check.into_keys().collect(), report.messages)
}

/// The messages of the run of this seed with the bug, if the bug's own check fails then and not without it.
fn tried(files: &[Scenario], bug: Bug, seed: u64) -> Option<u64> {
    let most = if matches!(bug, Bug::UnfairTurns | Bug::PriorityIgnored) { MESSAGES_FOR_TURNS } else { MESSAGES_MOST };
    let is_red = |checks: &[String]| checks.iter().any(|check| check == check_for(bug));
    plant(Some(bug));
    let (checks, messages) = failing(files, seed, most);
    plant(None);
    (is_red(&checks) && !is_red(&failing(files, seed, most).0)).then_some(messages)
}

/// The first seed at which the bug is found, and the messages of that run; `None` if it is not found.
fn found(files: &[Scenario], bug: Bug) -> Option<(u64, u64)> {
    (0..SEEDS_MOST).find_map(|seed| tried(files, bug, seed).map(|messages| (seed, messages)))
}

/// Something about every bug, from two threads.
fn of_each<T: Send>(what: impl Fn(Bug) -> T + Sync) -> Vec<(Bug, T)> {
    let halves: Vec<Vec<Bug>> = (0..2).map(|half| Bug::ALL.iter().copied().skip(half).step_by(2).collect()).collect();
    let mut rows: Vec<(Bug, T)> = std::thread::scope(|scope| {
        let what = &what;
        let hunts = halves
            .into_iter()
            .map(|bugs| scope.spawn(move || bugs.into_iter().map(|bug| (bug, what(bug))).collect::<Vec<_>>()));
        let hunts: Vec<_> = hunts.collect();
        hunts.into_iter().flat_map(|hunt| hunt.join().unwrap()).collect()
    });
    rows.sort_by_key(|(bug, _)| *bug);
    rows
}

/// The table, of where each bug is found.
fn table(rows: Vec<(Bug, Option<(u64, u64)>)>) -> String {
    let mut text = String::from(
        "# Planted bugs\n\nEach of these is put into the engine on purpose, one at a time, by a test-only feature \
         (`engine_core::planted`); a swarm over `scenarios/` then has to find it by the check that is there for it. This \
         table is written by `cargo test -p campaign-sim --test bugs -- --ignored`; the test of that name tries the last seed \
         of every row again, and fails where the table is out of date.\n\n\
         | bug | what it does | found by | seeds tried | messages |\n|---|---|---|---|---|\n",
    );
    for (bug, found) in rows {
        let (seeds, messages) = found.map_or(("NOT FOUND".to_owned(), String::new()), |(seed, messages)| {
            ((seed + 1).to_string(), messages.to_string())
        });
        writeln!(text, "{} {seeds} | {messages} |", begin(bug)).unwrap();
    }
    text
}

/// How a bug's row begins.
fn begin(bug: Bug) -> String {
    format!("| `{}` | {} | `{}` |", bug.name(), bug.text().trim_end_matches('.'), check_for(bug))
}

fn document() -> PathBuf {
    root().join("docs/planted-bugs.md")
}

#[test]
fn every_planted_bug_is_found_by_its_check_and_the_table_says_so() {
    let written = std::fs::read_to_string(document()).unwrap_or_default();
    let files = files();
    let rows = of_each(|bug| {
        let row = written.lines().find_map(|line| line.strip_prefix(begin(bug).as_str()))?;
        let seed = row.split('|').next()?.trim().parse::<u64>().ok()?.checked_sub(1)?;
        Some((seed, tried(&files, bug, seed)?))
    });
    let missed: Vec<_> = rows.iter().filter(|(_, found)| found.is_none()).map(|(bug, _)| bug.name()).collect();
    assert!(missed.is_empty(), "not found by the seeds of docs/planted-bugs.md: {}", missed.join(", "));
    assert!(
        table(rows) == written,
        "docs/planted-bugs.md is out of date; write it anew: cargo test -p campaign-sim --test bugs -- --ignored"
    );
}

#[test]
#[ignore = "it is no test: it searches a minute and writes docs/planted-bugs.md, which the test above tries again"]
fn write_the_table() {
    let files = files();
    std::fs::write(document(), table(of_each(|bug| found(&files, bug)))).unwrap();
}

#[test]
fn the_canary_is_found_by_the_very_first_seed_and_without_it_that_seed_is_green() {
    let files = files();
    assert_eq!(failing(&files, 0, MESSAGES_MOST).0, [""; 0]);
    assert_eq!(found(&files, Bug::Canary).map(|(seed, _)| seed), Some(0));
}

#[test]
fn every_check_has_a_bug_that_is_there_for_it() {
    // Judged by the plants of tests/planted.rs, which are the driver's and not the engine's.
    let elsewhere = ["states-equal-truth"];
    for (check, _) in campaign_sim::checkers::NAMES {
        let own = Bug::ALL.iter().any(|bug| check_for(*bug) == *check);
        assert!(own || elsewhere.contains(check), "no planted bug shows that `{check}` can fail");
    }
}
