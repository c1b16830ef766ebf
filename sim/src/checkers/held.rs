//! What could hold a campaign's messages back at its deadline, as the engine was told: halts and the messaging limit.
//!
//! It judges nothing: `belief` and `reasons` ask it. Where it cannot be known whether a hold still stood, it says that it may.

use super::scene::Scene;
use cloud_api::catalogue::{Class, CodeIndex};
use cloud_api::time::{Span, Timestamp};

/// Halts are probed this often: the last word of one that stands at its deadline is no older, and a probe's answer takes at
/// most half a minute.
const PROBE: Span = Span::secs(5 * 60 + 45);

/// An attempt that was under way when the error was told is answered by then, whatever becomes of it.
const UNDER_WAY: Span = Span::secs(60);

#[derive(Clone, Copy, Debug)]
struct Told {
    code: CodeIndex,
    /// By which sender it met this: a template is halted, and probed, for each by itself.
    sender: u16,
    at: Timestamp,
    /// It came by webhook, after acceptance.
    late: bool,
}

/// What may have held a campaign's messages at its deadline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// The codes that may have.
    pub codes: Vec<CodeIndex>,
    /// The only code did, for sure.
    pub certain: bool,
    /// The ledger of the messaging limit may have, which has no code.
    pub ledger: bool,
}

/// What was told and not taken back.
#[derive(Clone, Debug)]
pub struct Holds {
    senders: Vec<Vec<Told>>,
    campaigns: Vec<Vec<Told>>,
    portfolios: Vec<Vec<Told>>,
    /// Whether anything stands anywhere.
    any: bool,
    /// When an operator or a crash last made halts uncertain.
    doubtful: Timestamp,
    at_deadline: Vec<Option<Held>>,
}

impl Holds {
    /// Nothing holds.
    pub fn new(scene: &Scene) -> Self {
        let portfolios = scene.senders.iter().map(|sender| usize::from(sender.portfolio) + 1).max().unwrap_or(0);
        Self {
            senders: vec![Vec::new(); scene.senders.len()],
            campaigns: vec![Vec::new(); scene.campaigns.len()],
            portfolios: vec![Vec::new(); portfolios],
            any: false,
            doubtful: Timestamp(0),
            at_deadline: vec![None; scene.campaigns.len()],
        }
    }

    /// The engine was told of an error.
    pub fn refused(
        &mut self,
        scene: &Scene,
        now: Timestamp,
        (sender, campaign): (u16, u16),
        code: CodeIndex,
        (late, retry_after): (bool, bool),
    ) {
        let list = match code.class() {
            Class::TemplateWide => &mut self.campaigns[usize::from(campaign)],
            Class::NumberWide | Class::AccountWide => &mut self.senders[usize::from(sender)],
            Class::Throttled if code.code() == 131_057 || retry_after => &mut self.senders[usize::from(sender)],
            Class::MessagingLimit => &mut self.portfolios[usize::from(scene.senders[usize::from(sender)].portfolio)],
            Class::Throttled
            | Class::Transient
            | Class::Pair
            | Class::MarketingCap
            | Class::InvalidContact
            | Class::Blocked
            | Class::Refused
            | Class::Generic => return,
        };
        self.any = true;
        // A hold whose error came late ends by a status only, whatever it is told anew.
        let late = late || list.iter().any(|told| told.sender == sender && told.late);
        match list.iter_mut().find(|told| told.code == code && told.sender == sender) {
            Some(told) => (told.at, told.late) = (now, told.late || late),
            None => list.push(Told { code, sender, at: now, late }),
        }
    }

    /// WhatsApp took a message that became under way at `since` (or, `by_status`, was taken then): what was told long enough
    /// before stands no more. That does not go for a message of before a crash: an engine that started since does not know
    /// that it was a probe.
    /// Nor for statuses where some contradict what was told: which of them ended anything hangs on their order.
    #[inline]
    pub fn passed(&mut self, scene: &Scene, (sender, campaign): (u16, u16), since: Timestamp, by_status: bool) {
        if !self.any || since <= self.doubtful || (by_status && scene.arms.oddities) {
            return;
        }
        let portfolio = usize::from(scene.senders[usize::from(sender)].portfolio);
        let stands = |told: &Told| told.at + UNDER_WAY >= since || (told.late && !by_status);
        self.senders[usize::from(sender)].retain(stands);
        self.campaigns[usize::from(campaign)].retain(|told| told.sender != sender || stands(told));
        self.portfolios[portfolio].retain(stands);
        self.any =
            [&self.senders, &self.campaigns, &self.portfolios].iter().any(|all| all.iter().any(|one| !one.is_empty()));
    }

    /// A person lifted a halt, or the engine died: what stands is not certain any more.
    pub fn doubt(&mut self, now: Timestamp) {
        self.doubtful = now;
    }

    /// Whether anything that was told may hold the sender or the campaign back.
    pub fn may_hold(&self, scene: &Scene, sender: u16, campaign: usize) -> bool {
        self.any
            && !(self.senders[usize::from(sender)].is_empty()
                && self.campaigns[campaign].is_empty()
                && self.portfolios[usize::from(scene.senders[usize::from(sender)].portfolio)].is_empty())
    }

    /// Whether the messaging limit may hold the sender's portfolio back.
    pub fn may_limit(&self, scene: &Scene, sender: u16) -> bool {
        self.any && !self.portfolios[usize::from(scene.senders[usize::from(sender)].portfolio)].is_empty()
    }

    /// The deadline of a campaign ends what is in progress; `ledger` says whether the limit's ledger may be full.
    pub fn deadline(&mut self, scene: &Scene, now: Timestamp, campaign: usize, ledger: bool) {
        if self.at_deadline[campaign].is_some() {
            return;
        }
        let own = &scene.campaigns[campaign];
        let mut told = self.campaigns[campaign].clone();
        for sender in &own.senders {
            told.extend(&self.senders[usize::from(*sender)]);
            told.extend(&self.portfolios[usize::from(scene.senders[usize::from(*sender)].portfolio)]);
        }
        let fresh = |told: &Told| now.since(told.at) <= PROBE && told.at > self.doubtful;
        let limit = |told: &Told| told.code.class() == Class::MessagingLimit || told.code.class() == Class::Throttled;
        let certain = own.senders.len() == 1 && told.len() == 1 && told.iter().all(|one| fresh(one) && !limit(one));
        let certain = certain && !ledger && scene.arms.clock == Span::ZERO;
        let codes = told.iter().map(|told| told.code).collect();
        self.at_deadline[campaign] = Some(Held { codes, certain, ledger });
    }

    /// What may have held the campaign at its deadline.
    pub fn at_deadline(&self, campaign: usize) -> Held {
        self.at_deadline[campaign].clone().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::scene::plain;
    use super::*;
    use cloud_api::catalogue::find;

    #[test]
    fn a_halt_that_was_just_told_is_certain_and_one_that_a_probe_ended_is_none() {
        let scene = plain();
        let at = |minutes| scene.start + Span::mins(minutes);
        let revoked = find(190, None);
        let mut holds = Holds::new(&scene);
        holds.refused(&scene, at(1), (0, 0), revoked, (false, false));
        holds.passed(&scene, (0, 0), at(1) + Span::secs(1), false);
        assert!(holds.may_hold(&scene, 0, 0), "it was under way when the error was told");
        let mut ended = holds.clone();
        ended.passed(&scene, (0, 0), at(6), false);
        ended.deadline(&scene, at(6), 0, false);
        assert_eq!(ended.at_deadline(0), Held::default());
        holds.deadline(&scene, at(6), 0, false);
        assert_eq!(holds.at_deadline(0), Held { codes: vec![revoked], certain: true, ledger: false });
    }

    #[test]
    fn a_halt_that_is_told_late_ends_by_a_status_and_an_old_one_is_not_certain() {
        let scene = plain();
        let at = |minutes| scene.start + Span::mins(minutes);
        let mut holds = Holds::new(&scene);
        holds.refused(&scene, at(1), (0, 0), find(131_042, None), (true, false));
        holds.passed(&scene, (0, 0), at(6), false);
        assert!(holds.may_hold(&scene, 0, 0));
        let mut old = holds.clone();
        old.deadline(&scene, at(90), 0, false);
        assert!(!old.at_deadline(0).certain && old.at_deadline(0).codes.len() == 1);
        holds.passed(&scene, (0, 0), at(6), true);
        assert!(!holds.may_hold(&scene, 0, 0));
    }
}
