//! The end of a run: every promise as a check. What cannot be judged is skipped and says why; it is never passed.

use super::belief::Over;
use super::campaign::When;
use super::findings::Findings;
use super::liveness::Left;
use super::scene::Window;
use super::seen::flag;
use super::truth::Truth;
use super::{
    Checkers, belief, campaign, conservation, deadline, duplicates, liveness, names, reasons, receipts, reported, truth,
};
use crate::contacts::Contacts;
use crate::outcome::Check;
use cloud_api::time::{Span, Timestamp};
use engine_core::campaign::{Counts, State as CampaignState};
use engine_core::message::Row;
use mock_whatsapp_model::spec::{FaultKind, Kind, Timing};

/// Why a check of a name that stands in the list and nowhere else is skipped.
const NOBODY: &str = "no checker has this name";

/// How a run ended.
#[derive(Clone, Copy, Debug)]
pub struct Ending<'a> {
    /// The time of the last event.
    pub now: Timestamp,
    /// The engine's rows, by message.
    pub rows: &'a [Row],
    /// What became of each message, by WhatsApp's own account.
    pub truths: &'a [Truth],
    /// What the engine says of each campaign; `None` while it is down.
    pub campaigns: &'a [Option<(CampaignState, Counts)>],
    /// From each campaign's start until none of its messages was in progress.
    pub finished: &'a [Option<Span>],
    /// Something was still due.
    pub timed_out: bool,
    /// Who got what.
    pub contacts: &'a Contacts,
    /// How long telephones take.
    pub timing: &'a Timing,
}

/// What is judged message by message at the end.
#[derive(Debug, Default)]
struct EachMessage {
    reported: Findings,
    belief: Findings,
    reasons: Findings,
    truth: Findings,
    receipts: Findings,
    opt_outs: Findings,
}

impl Checkers {
    /// Every promise, judged, in the order of [`names::NAMES`]; and the copies that handsets got beyond the first.
    pub fn verdict(&self, end: &Ending<'_>) -> (Vec<Check>, u64) {
        let each = self.each_message(end);
        let never = self.scene.never;
        let seen = &self.seen;
        let duplicates = duplicates::judge(end.truths, |id| duplicates::is_allowed(&seen[id], never));
        let mut conserved = self.looks.counts.clone();
        let mut past_deadline = self.deadline.clone();
        let mut throughput = self.throughput.clone();
        let mut by_definition = Findings::default();
        let mut liveness = Findings::default();
        let left = self.left(end);
        for (place, own) in self.scene.campaigns.iter().enumerate() {
            let rows = &end.rows[own.first as usize..own.end as usize];
            if let Some((state, counts)) = &end.campaigns[place] {
                conserved.extend(conservation::judge(&own.name, own.end - own.first, rows, counts));
                let when = |now: Timestamp| match now {
                    now if now < own.start => When::Before,
                    now if now < own.deadline => When::Within,
                    _ => When::After,
                };
                let judge = |now| campaign::judge(&own.name, &conservation::recount(rows), when(now), *state);
                // By the engine's clock, which may be off, it is earlier or later.
                let clock = self.scene.arms.clock;
                let found = judge(end.now);
                if [end.now - clock, end.now + clock].into_iter().all(|now| !judge(now).is_clean()) {
                    by_definition.extend(found);
                }
            }
            deadline::judge(&self.scene, end.now, place, rows, &mut past_deadline);
            let settled = end.finished[place].map(|after| own.start + after);
            // What a silence before the last attempt, or one that it ended, prolonged was right to wait.
            let last = self.work.last_intent() + Span::mins(10);
            let wait = |until: Timestamp| {
                let until = until.max(last);
                let each = self.channels.iter().map(|channel| channel.patience(self.scene.start, until));
                each.max().unwrap_or(super::silence::WAIT)
            };
            liveness::judge(&self.scene, place, rows, settled, left, wait, &mut liveness);
        }
        throughput.finish(&self.scene, end.now, self.restarts());
        let mut opt_outs = self.opt_outs.findings.clone();
        opt_outs.extend(each.opt_outs);
        let paused = self.paused.finish(&self.scene);
        let (scene, arms) = (&self.scene, &self.scene.arms);
        let down = end.campaigns.iter().any(Option::is_none).then_some("the engine is down at the end");
        let crashes = (self.restarts() == 0).then_some("the engine is never started anew");
        let unarmed = |is_armed: bool, why: &'static str| (!is_armed).then_some(why);
        let quiet = unarmed(arms.quiet, "no campaign has quiet hours");
        let clock = scene.has(FaultKind::ClockStep).then_some("the engine's clock is off");
        let check = |name: &str| match name {
            "no-duplicates" => duplicates.check(),
            "unknown-reported" => each.reported.check(name),
            "no-blind-resend" => self.resend.check(name),
            "conservation" => unless(down, &conserved, name),
            "legal-transitions" => self.transitions.check(name),
            "attempts" => self.attempts.check(name),
            "retry-spacing" => self.spacing.check(name),
            "receipts-off" => each.receipts.check(name),
            "campaign-state" => unless(down, &by_definition, name),
            "belief" => unless(clock, &each.belief, name),
            "reasons" => unless(clock, &each.reasons, name),
            "acknowledged-facts-survive" => unless(crashes, &self.durable.findings, name),
            "states-equal-truth" => each.truth.check(name),
            "throughput" => throughput.findings.check(name),
            "pair-limit" => self.pairs.check(name),
            "messaging-limit" => unless(unarmed(arms.limits, "no portfolio has a limit"), &self.limit.findings, name),
            "opt-out" => unless(unarmed(arms.opt_outs, "nobody can opt out"), &opt_outs, name),
            "paused-and-cancelled" => unless(unarmed(arms.operators, "nobody acts"), &paused, name),
            "quiet-hours" if clock.is_some() => Check::skipped(name, "the engine's clock is off"),
            "quiet-hours" => unless(quiet, &self.quiet, name),
            "priority" => {
                let armed = arms.priorities || arms.shares;
                unless(unarmed(armed, "no sender has two campaigns"), &self.priority.findings, name)
            }
            "breaker" => {
                let armed = self.breaker.is_armed();
                unless(unarmed(armed, "no outage is total and alone"), &self.breaker.findings, name)
            }
            "halts" => unless(unarmed(self.halts.is_armed(), "nothing is halted for all"), &self.halts.findings, name),
            "deadline" => past_deadline.check(name),
            "work-conserving" => unless(clock, &self.work.findings, name),
            "liveness" => liveness.check(name),
            "bounded" => self.looks.bounded.check(name),
            "comes-to-rest" if end.timed_out => {
                Check::fail(name, "something is still due seven days after the last deadline")
            }
            "comes-to-rest" => Check::pass(name, ""),
            _ => Check::skipped(name, NOBODY),
        };
        (names::NAMES.iter().map(|(name, _)| check(name)).collect(), duplicates.copies)
    }

    fn each_message(&self, end: &Ending<'_>) -> EachMessage {
        let mut found = EachMessage::default();
        // What hangs when the run ends is not dropped yet, and was not told either.
        let hangs = |window: &Window| window.kind == FaultKind::WebhookOutage && window.until == Timestamp::NEVER;
        let hangs = self.scene.windows.iter().any(hangs);
        for place in 0..self.scene.campaigns.len() {
            let (first, last) = (self.scene.campaigns[place].first, self.scene.campaigns[place].end);
            let audience = end.contacts.audience(place);
            let held = self.holds.at_deadline(place);
            let over = self.over(end.now, place, &held);
            let asked = self.scene.asked_to_end(place, self.scene.campaigns[place].deadline);
            let kinds = end.contacts.has_kind(Kind::ReceiptsOff);
            for id in first..last {
                let (row, truth) = (&end.rows[id as usize], &end.truths[id as usize]);
                let mut seen = self.seen[id as usize];
                seen.flags |= if hangs { flag::LOST } else { 0 };
                if self.scene.arms.opt_outs && self.opt_outs.has(audience.contact(id - first)) {
                    let deadline = self.scene.campaigns[place].deadline;
                    if !self.opt_outs.is_after(audience.contact(id - first), deadline) {
                        seen.flags |= flag::OPTED_OUT;
                    }
                    opted_out(id, row, &mut found.opt_outs);
                }
                // A cancellation that was asked for in time may have become durable after the deadline.
                let as_asked = || row.reason().name == "cancelled" || !belief::states(&seen, over).has(row.state());
                let late = !over.cancelled && asked && as_asked();
                let over = Over { cancelled: over.cancelled || late, ..over };
                reported::judge(id, row, &seen, truth, &mut found.reported);
                // An old store may remember an opt-out that the new one was not told of, and one that started anew what nobody
                // acknowledged.
                let may_be_out = self.scene.arms.stale || self.opt_outs.may_have(audience.contact(id - first));
                if !(may_be_out && row.reason().name == "opted_out") {
                    belief::judge(id, row, &seen, over, &mut found.belief);
                    reasons::judge(id, row, &seen, over, &mut found.reasons);
                }
                truth::judge(id, row, truth, &seen, &mut found.truth);
                if kinds && end.contacts.kind(audience.contact(id - first)) == Kind::ReceiptsOff {
                    receipts::judge_one(id, row, &mut found.receipts);
                }
            }
        }
        found
    }

    fn left(&self, end: &Ending<'_>) -> Left {
        let unknown = self.seen.iter().any(|seen| seen.has(flag::UNKNOWN | flag::BLIND)) || self.restarts() > 0;
        let told = end.timing.sent_after.longest().max(end.timing.failed_after.longest());
        // Numbers with a meaning may stand for any error, halts and limits among them.
        let slow = end.contacts.has_kind(Kind::MarketingCapped) || end.contacts.has_meanings();
        let acted = self.operated_at.max(self.started.unwrap_or(self.scene.start));
        Left {
            disturbed: acted,
            lost: self.seen.iter().any(|seen| seen.has(flag::LOST | flag::STALE)),
            slow_contacts: slow || self.paused.any_paused() || self.scene.campaigns.len() > super::pairs::BURST,
            unknown,
            told_after: told + end.timing.answer_after.longest(),
        }
    }
}

/// What is left waiting of one who wants no more.
fn opted_out(message: u32, row: &Row, findings: &mut Findings) {
    let state = row.state();
    if matches!(state, engine_core::State::Queued | engine_core::State::Retrying) {
        findings.add(Some(message), || format!("message {message} is {} and its contact opted out", state.name()));
    }
}

/// The findings, unless there is a reason why they cannot be judged. What was found all the same counts.
fn unless(why: Option<&str>, findings: &Findings, name: &str) -> Check {
    match why {
        Some(why) if findings.is_clean() || name == "belief" || name == "reasons" => Check::skipped(name, why),
        _ => findings.check(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::RunOptions;
    use crate::levels::model::run;
    use crate::outcome::Verdict;
    use crate::progress::Progress;
    use crate::scenario::Scenario;
    use std::path::Path;

    #[test]
    fn every_name_has_its_checker_and_what_is_not_armed_is_skipped_with_the_reason() {
        let text = "name = \"t\"\nseed = 5\n[[campaign]]\nname = \"a\"\ncontacts = 400\n";
        let scenario = Scenario::parse(text, "t.toml", Path::new("")).unwrap();
        let outcome = run(&scenario, &RunOptions::default(), &Progress::hidden()).unwrap();
        let names: Vec<&str> = outcome.checks.iter().map(|check| check.name.as_str()).collect();
        assert_eq!(names, names::NAMES.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        for check in &outcome.checks {
            let reason = check.detail.as_str();
            let fits = check.verdict == Verdict::Pass || (check.verdict == Verdict::Skipped && reason != NOBODY);
            assert!(fits && (check.verdict == Verdict::Pass || !reason.is_empty()), "{check:?}");
        }
        let quiet = outcome.checks.iter().find(|check| check.name == "quiet-hours").unwrap();
        assert_eq!((quiet.verdict, quiet.detail.as_str()), (Verdict::Skipped, "no campaign has quiet hours"));
    }

    #[test]
    fn what_was_found_counts_even_where_not_all_can_be_judged() {
        let mut findings = Findings::default();
        assert_eq!(unless(Some("why"), &findings, "halts").verdict, Verdict::Skipped);
        assert_eq!(unless(None, &findings, "halts").verdict, Verdict::Pass);
        findings.add(Some(1), || "x".to_owned());
        assert_eq!(unless(Some("why"), &findings, "halts").verdict, Verdict::Fail);
        assert_eq!(unless(Some("the engine's clock is off"), &findings, "belief").verdict, Verdict::Skipped);
    }
}
