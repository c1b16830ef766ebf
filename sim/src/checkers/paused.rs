//! Promise: while a campaign is paused, and after it was cancelled, no intent of it becomes durable, but for those that were
//! already on their way to the disk.

use super::findings::Findings;
use super::scene::Scene;
use crate::scenario::Act;
use cloud_api::time::{Span, Timestamp};
use engine_core::engine::Status;
use engine_core::message::State;

/// Intents of paused campaigns that are kept: one that goes on makes thousands.
const SUSPECTS: usize = 4_096;

/// A cancellation sweeps a thousand rows at a time: ten thousand such steps, of milliseconds each.
const SWEPT: Span = Span::mins(2);

/// What operators did to each campaign.
#[derive(Clone, Debug, Default)]
pub struct Paused {
    since: Vec<Option<Timestamp>>,
    cancelled: Vec<Option<Timestamp>>,
    /// It was paused once: an old store may say that it is.
    ever: Vec<bool>,
    /// What stood when the store was put back: it may stand, or not.
    doubtful: Vec<bool>,
    /// Intents that one commit with a resumption would explain: when, of which campaign, and in words.
    suspects: Vec<(Timestamp, usize, u32, Span)>,
    /// What was found.
    pub findings: Findings,
}

impl Paused {
    /// Nothing yet, of this many campaigns.
    pub fn new(campaigns: usize) -> Self {
        Self {
            since: vec![None; campaigns],
            cancelled: vec![None; campaigns],
            ever: vec![false; campaigns],
            doubtful: vec![false; campaigns],
            ..Self::default()
        }
    }

    /// An act is durable.
    pub fn operated(&mut self, now: Timestamp, act: Act) {
        match act {
            Act::Pause(campaign) => {
                self.since[campaign] = self.since[campaign].or(Some(now));
                self.ever[campaign] = true;
            }
            Act::Resume(campaign) => {
                (self.since[campaign], self.doubtful[campaign]) = (None, false);
                // What one commit makes durable is durable at one instant, in whatever order it is told.
                self.suspects.retain(|(at, of, ..)| *of != campaign || *at < now);
            }
            Act::Cancel(campaign) => self.cancelled[campaign] = self.cancelled[campaign].or(Some(now)),
            Act::ResumeSender(_) => {}
        }
    }

    /// Whether it is paused or cancelled.
    pub fn stands(&self, campaign: usize) -> bool {
        self.since[campaign].is_some() || self.cancelled[campaign].is_some()
    }

    /// Whether it may be.
    pub fn may_stand(&self, campaign: usize) -> bool {
        self.stands(campaign) || self.doubtful[campaign]
    }

    /// Whether any campaign may be paused.
    pub fn any_paused(&self) -> bool {
        self.since.iter().any(Option::is_some) || self.doubtful.contains(&true)
    }

    /// Whether it is cancelled.
    pub fn is_cancelled(&self, campaign: usize) -> bool {
        self.cancelled[campaign].is_some()
    }

    /// Whether it was cancelled by then: what is cancelled after its deadline has nothing left that this could end.
    pub fn is_cancelled_by(&self, campaign: usize, deadline: Timestamp) -> bool {
        self.cancelled[campaign].is_some_and(|at| at <= deadline)
    }

    /// An intent became durable.
    pub fn intended(&mut self, scene: &Scene, now: Timestamp, message: u32, campaign: usize) {
        let after = |at: Option<Timestamp>| at.filter(|at| now > *at + scene.slack());
        if let Some(at) = after(self.cancelled[campaign]) {
            self.findings.add(Some(message), || {
                let name = &scene.campaigns[campaign].name;
                format!("message {message} was intended {} after {name} was cancelled", now.since(at))
            });
        } else if let Some(at) = after(self.since[campaign])
            && self.suspects.len() < SUSPECTS
        {
            self.suspects.push((now, campaign, message, now.since(at)));
        }
    }

    /// Once in a minute: what a cancellation ended waits no more.
    pub fn looked(&mut self, scene: &Scene, now: Timestamp, status: &Status) {
        for (part, says) in scene.parts.iter().zip(&status.campaigns) {
            let Some(at) = self.cancelled[part.campaign].filter(|at| now > *at + SWEPT + scene.slack() * 2) else {
                continue;
            };
            let waiting = says.counts.of(State::Queued) + says.counts.of(State::Retrying);
            if waiting > 0 {
                let name = &scene.campaigns[part.campaign].name;
                self.findings.add(None, || {
                    format!("{waiting} messages of {name} wait {} after it was cancelled", now.since(at))
                });
            }
        }
    }

    /// What was found, at the end.
    pub fn finish(&self, scene: &Scene) -> Findings {
        let mut findings = self.findings.clone();
        for (_, campaign, message, after) in &self.suspects {
            findings.add(Some(*message), || {
                let name = &scene.campaigns[*campaign].name;
                format!("message {message} was intended {after} after {name} was paused")
            });
        }
        findings
    }

    /// The store was put back to a time before some acts.
    pub fn went_stale(&mut self) {
        for campaign in 0..self.since.len() {
            self.doubtful[campaign] = self.may_stand(campaign) || self.ever[campaign];
        }
        self.since.fill(None);
        self.cancelled.fill(None);
    }
}

#[cfg(test)]
mod tests {
    use super::super::scene::plain;
    use super::*;

    #[test]
    fn an_intent_of_a_paused_or_cancelled_campaign_is_found_and_one_of_a_resumed_is_not() {
        let scene = plain();
        let at = |seconds| scene.start + Span::secs(seconds);
        let mut paused = Paused::new(1);
        paused.intended(&scene, at(1), 0, 0);
        paused.operated(at(10), Act::Pause(0));
        paused.intended(&scene, at(11), 0, 0);
        assert!(paused.findings.is_clean(), "it was on its way to the disk");
        paused.intended(&scene, at(20), 0, 0);
        assert_eq!(paused.finish(&scene).detail(), "message 0 was intended 10s after sale was paused");
        paused.intended(&scene, at(30), 2, 0);
        paused.operated(at(30), Act::Resume(0));
        paused.intended(&scene, at(40), 0, 0);
        assert_eq!(paused.finish(&scene).count(), 1, "one commit resumed it and claimed message 2");
        paused.operated(at(50), Act::Cancel(0));
        paused.operated(at(51), Act::Resume(0));
        paused.intended(&scene, at(60), 1, 0);
        assert!(paused.finish(&scene).detail().contains("message 1 was intended 10s after sale was cancelled"));
    }
}
