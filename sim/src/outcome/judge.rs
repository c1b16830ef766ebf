//! Whether a file's expectations hold.
//!
//! What cannot be judged at a level, or was not measured, is skipped and says why; it is never passed.

use super::{Check, Measured, MeasuredCampaign, Messages, Quantiles, Verdict};
use crate::scenario::{Count, Expectation, Level, Percentile, Scenario, Stretch, Wanted};
use cloud_api::time::Span;
use engine_core::campaign::State as CampaignState;
use engine_core::message::State as MessageState;

/// A check for each expectation of the file, in its order.
pub fn expectations(scenario: &Scenario, measured: &Measured) -> Vec<Check> {
    scenario.expectations.iter().map(|expectation| judge(scenario, measured, expectation)).collect()
}

fn judge(scenario: &Scenario, measured: &Measured, expectation: &Expectation) -> Check {
    let judgement = match expectation.wanted {
        // Every campaign has messages: where none is counted, the run broke off before there was anything to judge.
        _ if about(measured, expectation.campaign).any(|(_, found)| found.messages.total() == 0) => {
            unjudged("the run broke off before any message was counted")
        }
        Wanted::Campaign(state) => campaign_state(scenario, measured, expectation.campaign, state),
        Wanted::FinishedWithin(span) => finished(scenario, measured, expectation.campaign, span),
        Wanted::Duplicates(count) => duplicates(measured, expectation.campaign, &count),
        Wanted::Messages(state, count) => messages(measured, expectation.campaign, state, &count),
        Wanted::Latency(stretch, percentile, span) => at_level_live(measured, || {
            let latency = match stretch {
                Stretch::Accepted => &measured.latency.accepted,
                Stretch::Delivered => &measured.latency.delivered,
            };
            at_most(latency, percentile, span)
        }),
        Wanted::ThroughputMin(least) => at_level_live(measured, || {
            let rate = measured.messages_per_second();
            holds(rate >= least, format!("{rate:.0} messages/s, wanted at least {least}"))
        }),
        Wanted::EngineMemoryMax(most) => at_level_live(measured, || match measured.engine_memory_max {
            None => unjudged("the engine's memory was not measured"),
            Some(bytes) => holds(bytes <= most, format!("{bytes} bytes, wanted at most {most}")),
        }),
        Wanted::WebhookLag(percentile, span) => at_level_live(measured, || match &measured.webhook_lag {
            None => unjudged("the lag of webhooks was not measured"),
            Some(lag) => at_most(lag, percentile, span),
        }),
    };
    Check { name: expectation.name.clone(), verdict: judgement.0, detail: judgement.1, messages: Vec::new() }
}

type Judgement = (Verdict, String);

fn holds(is_so: bool, detail: String) -> Judgement {
    (if is_so { Verdict::Pass } else { Verdict::Fail }, detail)
}

fn unjudged(why: impl Into<String>) -> Judgement {
    (Verdict::Skipped, why.into())
}

/// Wall time and memory are real at one level only.
fn at_level_live(measured: &Measured, judge: impl FnOnce() -> Judgement) -> Judgement {
    match measured.level {
        Level::Live => judge(),
        Level::Model | Level::Stack => unjudged(format!("measured at level live, not at level {}", measured.level)),
    }
}

fn at_most(quantiles: &Quantiles, percentile: Percentile, span: Span) -> Judgement {
    let found = quantiles.at(percentile);
    let most = span.0 as f64 / 1e3;
    holds(found <= most, format!("{found:.1} ms, wanted at most {most} ms"))
}

/// The campaigns that an expectation is about, with their places.
fn about(measured: &Measured, campaign: Option<usize>) -> impl Iterator<Item = (usize, &MeasuredCampaign)> {
    measured.campaigns.iter().enumerate().filter(move |(place, _)| campaign.is_none_or(|only| only == *place))
}

/// Names campaigns where there are several.
fn named(scenario: &Scenario, place: usize, text: String) -> String {
    if scenario.campaigns.len() > 1 { format!("{}: {text}", scenario.campaigns[place].name) } else { text }
}

fn campaign_state(
    scenario: &Scenario,
    measured: &Measured,
    campaign: Option<usize>,
    wanted: CampaignState,
) -> Judgement {
    let wrong: Vec<String> = about(measured, campaign)
        .filter(|(_, found)| found.state != wanted)
        .map(|(place, found)| named(scenario, place, found.state.name().to_owned()))
        .collect();
    if wrong.is_empty() {
        return holds(true, wanted.name().to_owned());
    }
    holds(false, format!("{}, wanted {}", wrong.join(", "), wanted.name()))
}

/// What ends at a moment is durable a moment later: whoever is done by the deadline is not late.
const COMMIT_SLACK: Span = Span::secs(1);

fn finished(scenario: &Scenario, measured: &Measured, campaign: Option<usize>, within: Span) -> Judgement {
    let late: Vec<String> = about(measured, campaign)
        .filter(|(_, found)| found.finished_after.is_none_or(|span| span > within + COMMIT_SLACK))
        .map(|(place, found)| {
            let what = match found.finished_after {
                None => "messages are still in progress".to_owned(),
                Some(span) => format!("finished after {span}"),
            };
            named(scenario, place, what)
        })
        .collect();
    if late.is_empty() {
        let longest =
            about(measured, campaign).filter_map(|(_, found)| found.finished_after).max().unwrap_or(Span::ZERO);
        return holds(true, format!("finished after {longest}"));
    }
    holds(false, format!("{}, wanted within {within}", late.join(", ")))
}

fn duplicates(measured: &Measured, campaign: Option<usize>, wanted: &Count) -> Judgement {
    let found = match campaign {
        None => Some(measured.duplicates),
        Some(place) => measured.campaigns.get(place).and_then(|campaign| campaign.duplicates),
    };
    match found {
        None => unjudged("copies were not counted by campaign"),
        Some(found) => counted(measured, found, size(measured, campaign), wanted),
    }
}

fn messages(measured: &Measured, campaign: Option<usize>, state: MessageState, wanted: &Count) -> Judgement {
    let found = about(measured, campaign).map(|(_, found)| found.messages.of(state)).sum();
    counted(measured, found, size(measured, campaign), wanted)
}

fn size(measured: &Measured, campaign: Option<usize>) -> u64 {
    let mut all = Messages::default();
    about(measured, campaign).for_each(|(_, found)| all += found.messages);
    all.total()
}

fn counted(measured: &Measured, found: u64, size: u64, wanted: &Count) -> Judgement {
    if measured.resized && wanted.is_absolute() {
        return unjudged(format!("{found} of {size}; {wanted} is meant for the file's own number of contacts"));
    }
    let detail = format!("{found} of {size}");
    if wanted.holds(found, size) { holds(true, detail) } else { holds(false, format!("{detail}, wanted {wanted}")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Latencies;
    use std::path::Path;
    use std::time::Duration;

    const FILE: &str =
        "name = \"t\"\n[[campaign]]\nname = \"a\"\ncontacts = 100\n[[campaign]]\nname = \"b\"\ncontacts = 50\n";

    fn measured(level: Level) -> Measured {
        let campaign = |state, read, failed, hours: Option<u64>| {
            let mut messages = Messages::default();
            messages.0[MessageState::Read as usize] = read;
            messages.0[MessageState::Failed as usize] = failed;
            MeasuredCampaign { state, messages, finished_after: hours.map(Span::hours), duplicates: Some(1) }
        };
        let quantiles = Quantiles { p50: 10.0, p90: 20.0, p99: 300.0, p999: 400.0, max: 500.0 };
        Measured {
            level,
            seed: 1,
            resized: false,
            fingerprint: None,
            campaigns: vec![
                campaign(CampaignState::Completed, 80, 20, Some(3)),
                campaign(CampaignState::Failed, 0, 50, None),
            ],
            duplicates: 2,
            attempts: 150,
            events: 1_000,
            virtual_time: Span::hours(72),
            wall: Duration::from_millis(1_500),
            latency: Latencies { accepted: quantiles, delivered: quantiles },
            engine_memory_max: None,
            webhook_lag: None,
        }
    }

    fn verdicts(expect: &str, measured: &Measured) -> Vec<String> {
        let scenario = Scenario::parse(&format!("{FILE}{expect}"), "t.toml", Path::new("")).unwrap();
        let checks = expectations(&scenario, measured);
        checks.iter().map(|check| format!("{} {}: {}", check.name, check.verdict.name(), check.detail)).collect()
    }

    #[test]
    fn what_is_expected_of_a_campaign_is_judged_for_that_campaign() {
        let found = verdicts(
            "[expect.a]\ncampaign = \"Completed\"\nfinished_within = \"4h\"\nduplicates = 0\nmessages.Read = \"80%\"\n\
             [expect.b]\ncampaign = \"Completed\"\nfinished_within = \"4h\"\nmessages.Failed = \"..49\"\n",
            &measured(Level::Model),
        );
        assert_eq!(
            found,
            [
                "expect.a.campaign pass: Completed",
                "expect.a.finished_within pass: finished after 3h",
                "expect.a.duplicates fail: 1 of 100, wanted 0",
                "expect.a.messages.Read pass: 80 of 100",
                "expect.b.campaign fail: b: Failed, wanted Completed",
                "expect.b.finished_within fail: b: messages are still in progress, wanted within 4h",
                "expect.b.messages.Failed fail: 50 of 50, wanted ..49",
            ]
        );
    }

    #[test]
    fn what_is_expected_without_a_name_holds_for_all_together() {
        let found = verdicts(
            "[expect]\ncampaign = \"Completed\"\nduplicates = \"..2\"\nmessages.Failed = 70\nmessages.Read = \"50%..53%\"\n",
            &measured(Level::Model),
        );
        assert_eq!(
            found,
            [
                "expect.campaign fail: b: Failed, wanted Completed",
                "expect.duplicates pass: 2 of 150",
                "expect.messages.Read fail: 80 of 150, wanted 50%..53%",
                "expect.messages.Failed pass: 70 of 150",
            ]
        );
    }

    #[test]
    fn what_is_measured_at_level_live_is_skipped_elsewhere_and_when_it_was_not_measured() {
        let expect = "[expect]\nlatency.accepted.p99 = \"200ms\"\nlatency.delivered.max = \"1s\"\nthroughput_min = 100\n\
                      memory.engine_max = \"1MB\"\nwebhook_lag.p99 = \"1s\"\n";
        let model = verdicts(expect, &measured(Level::Model));
        assert!(model.iter().all(|check| check.contains(" skipped: measured at level live")), "{model:?}");
        assert_eq!(
            verdicts(expect, &measured(Level::Live)),
            [
                "expect.latency.accepted.p99 fail: 300.0 ms, wanted at most 200 ms",
                "expect.latency.delivered.max pass: 500.0 ms, wanted at most 1000 ms",
                "expect.throughput_min pass: 100 messages/s, wanted at least 100",
                "expect.memory.engine_max skipped: the engine's memory was not measured",
                "expect.webhook_lag.p99 skipped: the lag of webhooks was not measured",
            ]
        );
    }

    #[test]
    fn a_run_that_broke_off_meets_no_expectation_and_breaks_none() {
        let mut broken_off = measured(Level::Live);
        broken_off.campaigns[1].messages = Messages::default();
        let found = verdicts(
            "[expect]\nduplicates = \"..9\"\nthroughput_min = 1\n[expect.a]\nmessages.Read = 80\n",
            &broken_off,
        );
        let skipped = found.iter().filter(|check| check.contains(" skipped: the run broke off")).count();
        assert!(skipped == 2 && found.contains(&"expect.a.messages.Read pass: 80 of 100".to_owned()), "{found:?}");
    }

    #[test]
    fn counts_of_the_file_are_skipped_when_the_command_line_gave_another_size() {
        let resized = Measured { resized: true, ..measured(Level::Model) };
        let found = verdicts("[expect]\nduplicates = 0\nmessages.Failed = 70\nmessages.Read = \"80%..\"\n", &resized);
        assert!(
            found[0].contains(" fail:") && found[1].contains(" skipped:") == found[1].contains("Failed"),
            "{found:?}"
        );
        let skipped: Vec<&String> = found.iter().filter(|check| check.contains(" skipped:")).collect();
        assert_eq!(skipped.len(), 1, "{found:?}");
    }
}
