//! A result that a person takes in within ten seconds: how it ended, what failed, how to see it again.

use crate::cli::RunOptions;
use crate::outcome::{CampaignOutcome, Check, Outcome, Quantiles, Verdict};
use crate::scenario::{Level, Scenario};
use cloud_api::time::Span;
use engine_core::message::State as MessageState;
use std::fmt::Display;
use std::io::{self, Write};

/// Characters of the longest bar.
const BAR: usize = 30;
/// Characters of a line of prose.
const LINE: usize = 100;
/// Failed checks are shown in full, but a detail may hold a list: so much of it.
const DETAIL_MOST: usize = 2_000;

/// Writes one result. Colours only where a terminal shows them.
///
/// # Errors
/// If the output does not take it.
pub fn write(
    out: &mut dyn Write,
    scenario: &Scenario,
    options: &RunOptions,
    outcome: &Outcome,
    colours: bool,
) -> io::Result<()> {
    let paint = Paint(colours);
    writeln!(
        out,
        "{}",
        paint.bold(format_args!("{} · level {} · seed {}", outcome.scenario, outcome.level, outcome.seed))
    )?;
    for line in wrapped(&scenario.story, LINE) {
        writeln!(out, "{}", paint.dim(line))?;
    }
    for campaign in &outcome.campaigns {
        writeln!(out)?;
        chart(out, campaign, paint)?;
    }
    writeln!(out)?;
    totals(out, outcome)?;
    writeln!(out)?;
    checks(out, &outcome.checks, paint)?;
    if let Some(fingerprint) = &outcome.fingerprint {
        writeln!(out, "fingerprint  {fingerprint}")?;
    }
    writeln!(out, "replay       {}", replay(scenario, options, outcome))?;
    let verdict = match outcome.verdict {
        Verdict::Fail => paint.red(paint_text("FAIL")),
        Verdict::Pass | Verdict::Skipped => paint.green(paint_text("PASS")),
    };
    let failed = outcome.checks.iter().filter(|check| check.verdict == Verdict::Fail).count();
    let why = if failed == 0 { String::new() } else { format!(": {failed} of {} checks failed", outcome.checks.len()) };
    writeln!(out, "{verdict} {} at level {}{why}\n", outcome.scenario, outcome.level)
}

/// The command that runs this again.
pub fn replay(scenario: &Scenario, options: &RunOptions, outcome: &Outcome) -> String {
    let mut command =
        format!("campaign-sim run {} --level {} --seed {}", quoted(&scenario.file), outcome.level, outcome.seed);
    if let Some(contacts) = options.contacts {
        command.push_str(&format!(" --contacts {contacts}"));
    }
    if outcome.level == Level::Live {
        command.push_str(&format!(" --time-scale {}", options.time_scale));
    }
    command
}

/// As a shell takes it.
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:=@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

fn chart(out: &mut dyn Write, campaign: &CampaignOutcome, paint: Paint) -> io::Result<()> {
    let finished = match campaign.finished_seconds {
        Some(seconds) => format!("finished after {}", duration(seconds)),
        None => "messages are still in progress".to_owned(),
    };
    let size = u64::from(campaign.size);
    writeln!(
        out,
        "{} {} · {} messages, {finished}",
        paint.bold(&campaign.name),
        paint.bold(campaign.state),
        grouped(size)
    )?;
    let most = campaign.messages.0.iter().copied().max().unwrap_or(0);
    for state in MessageState::ALL {
        let count = campaign.messages.of(state);
        if count > 0 {
            let bar = format!("{:BAR$}", bar(count, most));
            let bar = if state.is_failure() || state.is_in_progress() { paint.red(bar) } else { paint.green(bar) };
            let share = count as f64 * 100.0 / size.max(1) as f64;
            writeln!(out, "  {:<14} {bar} {:>12} {share:>6.2} %", state.name(), grouped(count))?;
        }
    }
    Ok(())
}

/// A bar in eighths of a character; never empty, since the count is not 0.
fn bar(count: u64, most: u64) -> String {
    const PARTS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    let eighths = (u128::from(count) * BAR as u128 * 8 / u128::from(most.max(1))).max(1) as usize;
    let mut bar = "█".repeat(eighths / 8);
    if !eighths.is_multiple_of(8) {
        bar.push(PARTS[eighths % 8]);
    }
    bar
}

fn totals(out: &mut dyn Write, outcome: &Outcome) -> io::Result<()> {
    let (attempts, events) = (grouped(outcome.attempts), grouped(outcome.events));
    writeln!(out, "attempts     {attempts}, duplicates {}, events {events}", grouped(outcome.duplicates))?;
    let (virtual_time, wall) = (duration(outcome.virtual_seconds), duration(outcome.wall_seconds));
    writeln!(out, "time         {virtual_time} in {wall}: {} messages/s", grouped(outcome.messages_per_second as u64))?;
    let mut rows = vec![("accepted", &outcome.latency_ms.accepted), ("delivered", &outcome.latency_ms.delivered)];
    rows.extend(outcome.webhook_lag_ms.iter().map(|lag| ("webhook lag", lag)));
    writeln!(out, "latency      {:>10} {:>10} {:>10} {:>10} {:>10}", "p50", "p90", "p99", "p99.9", "max")?;
    for (name, quantiles) in rows {
        let Quantiles { p50, p90, p99, p999, max } = quantiles;
        write!(out, "  {name:<11}")?;
        for value in [p50, p90, p99, p999, max] {
            write!(out, "{:>11}", duration(value / 1e3))?;
        }
        writeln!(out)?;
    }
    match outcome.engine_memory_max {
        Some(bytes) => writeln!(out, "memory       {:.1} MB at most, of the engine", bytes as f64 / 1e6),
        None => Ok(()),
    }
}

fn checks(out: &mut dyn Write, checks: &[Check], paint: Paint) -> io::Result<()> {
    let of = |verdict| checks.iter().filter(move |check| check.verdict == verdict);
    let passed: Vec<&str> = of(Verdict::Pass).map(|check| check.name.as_str()).collect();
    let failed = of(Verdict::Fail).count();
    let skipped = of(Verdict::Skipped).count();
    let mut counts = vec![format!("{} passed", passed.len())];
    counts.extend((failed > 0).then(|| format!("{failed} failed")));
    counts.extend((skipped > 0).then(|| format!("{skipped} skipped")));
    writeln!(out, "checks       {}", counts.join(", "))?;
    for check in of(Verdict::Fail) {
        let detail: String = check.detail.chars().take(DETAIL_MOST).collect();
        let detail = detail.replace('\n', "\n      ");
        writeln!(out, "  {} {}: {detail}", paint.red("✗".to_owned()), paint.bold(&check.name))?;
    }
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for check in of(Verdict::Skipped) {
        match reasons.iter_mut().find(|(reason, _)| *reason == check.detail) {
            Some((_, names)) => names.push(&check.name),
            None => reasons.push((&check.detail, vec![&check.name])),
        }
    }
    for (reason, names) in reasons {
        for (number, line) in wrapped(&format!("{}: {reason}", names.join(", ")), LINE).into_iter().enumerate() {
            let mark = if number == 0 { paint.dim("–").to_string() } else { " ".to_owned() };
            writeln!(out, "  {mark} {line}")?;
        }
    }
    if !passed.is_empty() {
        for (number, line) in wrapped(&passed.join(", "), LINE).into_iter().enumerate() {
            let mark = if number == 0 { paint.green("✓".to_owned()) } else { " ".to_owned() };
            writeln!(out, "  {mark} {line}")?;
        }
    }
    Ok(())
}

/// `1_234_567` as `1,234,567`.
fn grouped(number: u64) -> String {
    crate::scenario::count::grouped(number).replace('_', ",")
}

/// Three digits are enough for a person.
fn duration(seconds: f64) -> String {
    if seconds >= 60.0 {
        return Span::secs(seconds.round() as u64).to_string();
    }
    match seconds {
        s if s >= 10.0 => format!("{s:.1} s"),
        s if s >= 1.0 => format!("{s:.2} s"),
        s if s >= 0.01 || s == 0.0 => format!("{:.0} ms", s * 1e3),
        s => format!("{:.2} ms", s * 1e3),
    }
}

/// Lines of at most `width` characters, broken at spaces.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut room = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        match lines.last_mut() {
            Some(line) if length < room => {
                line.push(' ');
                line.push_str(word);
                room -= length + 1;
            }
            _ => {
                lines.push(word.to_owned());
                room = width.saturating_sub(length);
            }
        }
    }
    lines
}

fn paint_text(text: &str) -> String {
    format!(" {text} ")
}

/// Colours, or none.
#[derive(Clone, Copy)]
struct Paint(bool);

impl Paint {
    fn with(self, code: &str, text: impl Display) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
    }

    fn bold(self, text: impl Display) -> String {
        self.with("1", text)
    }

    fn dim(self, text: impl Display) -> String {
        self.with("2", text)
    }

    fn red(self, text: String) -> String {
        self.with("31", text)
    }

    fn green(self, text: String) -> String {
        self.with("32", text)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::outcome::{Latencies, Measured, MeasuredCampaign, Messages};
    use engine_core::campaign::State;
    use std::path::Path;
    use std::time::Duration;

    pub(in crate::report) fn scenario() -> Scenario {
        let text = "name = \"black-friday\"\nstory = \"One day of sales.\"\n[[campaign]]\nname = \"sale\"\ncontacts = 1_000\n\
                    [expect]\nmessages.Failed = 0\nmessages.InvalidContact = 20\nthroughput_min = 5\n";
        Scenario::parse(text, "scenarios/black friday.toml", Path::new("")).unwrap()
    }

    pub(in crate::report) fn finished(scenario: &Scenario) -> Outcome {
        let mut messages = Messages::default();
        for (state, count) in [("Delivered", 300), ("Read", 600), ("Failed", 80), ("InvalidContact", 20)] {
            let place = MessageState::ALL.iter().position(|known| known.name() == state).unwrap();
            messages.0[place] = count;
        }
        let accepted = Quantiles { p50: 10.0, p90: 80.0, p99: 1_500.0, p999: 61_000.0, max: 7_200_000.0 };
        let measured = Measured {
            level: Level::Model,
            seed: 42,
            resized: false,
            fingerprint: Some(0xDEAD_BEEF),
            campaigns: vec![MeasuredCampaign {
                state: State::Completed,
                messages,
                finished_after: Some(Span::hours(3)),
                duplicates: Some(0),
            }],
            duplicates: 0,
            attempts: 1_043,
            events: 8_123,
            virtual_time: Span::hours(72),
            wall: Duration::from_millis(500),
            latency: Latencies { accepted, delivered: Quantiles::default() },
            engine_memory_max: None,
            webhook_lag: None,
        };
        Outcome::new(scenario, &measured, vec![Check::pass("no-duplicates", "")])
    }

    #[test]
    fn a_result_reads_from_the_story_to_the_verdict() {
        let scenario = scenario();
        let mut text = Vec::new();
        let options = RunOptions { contacts: Some(1_000), ..RunOptions::default() };
        write(&mut text, &scenario, &options, &finished(&scenario), false).unwrap();
        insta::assert_snapshot!(String::from_utf8(text).unwrap());
    }

    #[test]
    fn the_smallest_count_has_a_bar_and_the_largest_the_whole_one() {
        assert_eq!(bar(1, 1_000_000), "▏");
        assert_eq!(bar(7, 7), "█".repeat(BAR));
        assert_eq!(bar(1, 60), "▌");
    }

    #[test]
    fn colours_are_there_only_when_asked_for() {
        assert_eq!(Paint(true).bold("x"), "\x1b[1mx\x1b[0m");
        assert_eq!(Paint(false).red("x".to_owned()), "x");
    }
}
