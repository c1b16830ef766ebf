//! Promise: never more different contacts in 24 hours than the portfolio's limit; so WhatsApp never says that it was reached,
//! while the limit stands that the engine was configured with. Where WhatsApp says so all the same, what waits on that
//! portfolio is held for 12 hours, and then one probe goes.

use super::findings::Findings;
use super::scene::Scene;
use super::seen::hundredths;
use cloud_api::catalogue::Class;
use cloud_api::time::{Span, Timestamp};
use engine_core::event::Answer;
use mock_whatsapp_model::spec::FaultKind;
use std::collections::VecDeque;

/// The stretch that a limit is about, and how long a contact's own message opens the service window.
const DAY: Span = Span::hours(24);

/// How long the portfolio is held.
const HOLD: Span = Span::hours(12);

/// What is left when a message was sent before the error was told.
const UNDER_WAY: Span = Span::secs(60);

#[derive(Clone, Copy, Debug)]
struct Held {
    told: Timestamp,
    late: bool,
    /// The one that went after the wait, and is not answered.
    probe: Option<u32>,
}

#[derive(Clone, Debug, Default)]
struct Portfolio {
    limit: Option<u32>,
    /// Acceptances of the last day: when, in hundredths, and to whom.
    accepted: VecDeque<(u32, u32)>,
    /// When each contact was last accepted, plus one; 0 for never.
    last: Vec<u32>,
    /// When each contact last wrote, plus one; 0 for never.
    wrote: Vec<u32>,
    contacts: u32,
    held: Option<Held>,
}

/// What each portfolio sends.
#[derive(Clone, Debug, Default)]
pub struct MessagingLimit {
    portfolios: Vec<Portfolio>,
    /// An old copy of the store has an old ledger: nothing is judged from then on.
    is_stale: bool,
    /// What was found.
    pub findings: Findings,
}

impl MessagingLimit {
    /// Nothing yet.
    pub fn new(scene: &Scene) -> Self {
        let count = scene.senders.iter().map(|sender| usize::from(sender.portfolio) + 1).max().unwrap_or(0);
        let mut portfolios = vec![Portfolio::default(); count];
        for sender in &scene.senders {
            let own = &mut portfolios[usize::from(sender.portfolio)];
            own.limit = own.limit.or(sender.limit);
        }
        for own in portfolios.iter_mut().filter(|own| own.limit.is_some()) {
            own.last = vec![0; scene.contacts as usize];
            own.wrote = vec![0; scene.contacts as usize];
        }
        Self { portfolios, is_stale: false, findings: Findings::default() }
    }

    /// The store was put back to an old copy.
    pub fn went_stale(&mut self) {
        self.is_stale = true;
    }

    /// What is only in the engine's memory may be gone.
    pub fn crashed(&mut self) {
        self.portfolios.iter_mut().for_each(|own| own.held = None);
    }

    /// An operator lets a sender go on.
    pub fn resumed(&mut self, scene: &Scene, sender: usize) {
        self.portfolios[usize::from(scene.senders[sender].portfolio)].held = None;
    }

    /// The contact wrote, and the engine was handed the webhook.
    pub fn wrote(&mut self, scene: &Scene, at: Timestamp, sender: u16, contact: u32) {
        let own = &mut self.portfolios[usize::from(scene.senders[usize::from(sender)].portfolio)];
        if let Some(wrote) = own.wrote.get_mut(contact as usize) {
            *wrote = (*wrote).max(hundredths(at.since(scene.start)) + 1);
        }
    }

    /// WhatsApp took a message.
    pub fn accepted(&mut self, scene: &Scene, now: Timestamp, message: u32, sender: u16, contact: u32) {
        let place = scene.senders[usize::from(sender)].portfolio;
        let own = &mut self.portfolios[usize::from(place)];
        let Some(last) = own.last.get(contact as usize).copied() else { return };
        let at = hundredths(now.since(scene.start)) + 1;
        let day = hundredths(DAY);
        while let Some((when, whom)) = own.accepted.front().copied().filter(|(when, _)| when + day <= at) {
            own.accepted.pop_front();
            own.contacts -= u32::from(own.last[whom as usize] == when);
        }
        let wrote = own.wrote[contact as usize];
        if wrote > 0 && at < wrote + day {
            return;
        }
        let counts = last > 0 && at < last + day;
        own.contacts += u32::from(!counts);
        // An entry of the same hundredth of a second stands for this one too.
        if last != at {
            own.accepted.push_back((at, contact));
            own.last[contact as usize] = at;
        }
        let contacts = own.contacts;
        if let Some(most) = most(scene, own.limit, now)
            && contacts > most
            && !self.is_stale
            && scene.arms.clock == Span::ZERO
        {
            self.findings.add(Some(message), || {
                format!(
                    "message {message} makes {contacts} contacts in 24 h of portfolio {place}, and its limit is {most}"
                )
            });
        }
    }

    /// WhatsApp refused a POST since the limit was reached.
    pub fn refused(&mut self, scene: &Scene, now: Timestamp, message: u32, sender: u16) {
        // What a lower limit finds used up, and what a raised one left behind.
        let portfolio = scene.senders[usize::from(sender)].portfolio;
        let shares = |other: u16| scene.senders[usize::from(other)].portfolio == portfolio;
        let changed =
            (0..scene.senders.len() as u16).any(|other| shares(other) && scene.acts(FaultKind::Tier, other, now, DAY));
        // By a clock that is off a day is over too early.
        if !changed && !self.is_stale && scene.arms.clock == Span::ZERO {
            self.findings.add(Some(message), || {
                let limit = scene.senders[usize::from(sender)].limit;
                let limit = limit.map_or("of no number".to_owned(), |limit| format!("of {limit}"));
                format!("message {message} came when the limit {limit} was reached")
            });
        }
    }

    /// The engine was told of the limit, in a reply or (`late`) by webhook.
    pub fn told(&mut self, scene: &Scene, now: Timestamp, sender: u16, late: bool) {
        let own = &mut self.portfolios[usize::from(scene.senders[usize::from(sender)].portfolio)];
        let late = late || own.held.is_some_and(|held| held.late);
        own.held = Some(Held { told: now, late, probe: None });
    }

    /// The engine was told how a POST ended, other than by the limit.
    pub fn answered(&mut self, scene: &Scene, message: u32, sender: u16, answer: &Answer) {
        let own = &mut self.portfolios[usize::from(scene.senders[usize::from(sender)].portfolio)];
        if let Some(held) = &mut own.held
            && held.probe == Some(message)
        {
            held.probe = None;
            if *answer == Answer::Accepted && !held.late {
                own.held = None;
            }
        }
    }

    /// The engine was told that a message was sent, or failed for a reason of its own, which it was told of last at `since`.
    pub fn proven(&mut self, scene: &Scene, since: Timestamp, sender: u16) {
        let own = &mut self.portfolios[usize::from(scene.senders[usize::from(sender)].portfolio)];
        if own.held.is_some_and(|held| since > held.told + UNDER_WAY) {
            own.held = None;
        }
    }

    /// An intent became durable.
    pub fn intended(&mut self, scene: &Scene, now: Timestamp, message: u32, sender: u16) {
        let place = scene.senders[usize::from(sender)].portfolio;
        let own = &mut self.portfolios[usize::from(place)];
        let Some(held) = &mut own.held else { return };
        let waited = now.since(held.told);
        if waited <= scene.slack() {
            return;
        }
        let told = held.told;
        let raised = |window: &&super::scene::Window| window.kind == FaultKind::Tier;
        if scene
            .windows
            .iter()
            .filter(raised)
            .any(|tier| (tier.until > told && tier.until <= now) || (tier.from > told && tier.from <= now))
        {
            own.held = None;
            return;
        }
        if waited + scene.arms.clock < HOLD {
            self.findings.add(Some(message), || {
                format!("message {message} was intended {waited} after the limit of portfolio {place} was told; the hold is 12h")
            });
        } else if held.probe.is_some_and(|probe| probe != message) && !self.is_stale {
            self.findings.add(Some(message), || {
                format!("message {message} was intended while the probe of portfolio {place} was not answered")
            });
        }
        held.probe = Some(message);
    }
}

/// Whether an error that comes by webhook is the message's own: so the limit did not stop it.
pub(super) fn is_own(class: Class) -> bool {
    use Class::{Blocked, InvalidContact, MarketingCap, Pair, Refused};
    matches!(class, InvalidContact | Blocked | Refused | MarketingCap | Pair)
}

/// The highest limit that stood at any time in the last day.
fn most(scene: &Scene, limit: Option<u32>, now: Timestamp) -> Option<u32> {
    let tiers = scene.windows.iter().filter(|window| window.kind == FaultKind::Tier);
    let lately = tiers.filter(|tier| tier.from <= now && (tier.until == Timestamp::NEVER || now < tier.until + DAY));
    lately.map(|tier| tier.limit).chain([limit]).try_fold(0, |most, limit| limit.map(|limit| most.max(limit)))
}

#[cfg(test)]
mod tests {
    use super::super::scene::{Sender, plain, window};
    use super::*;

    fn limited() -> Scene {
        Scene { senders: vec![Sender { portfolio: 0, throughput: 80, limit: Some(2) }], ..plain() }
    }

    #[test]
    fn a_contact_too_many_in_a_day_is_found_by_an_own_count() {
        let scene = limited();
        let at = |hours| scene.start + Span::hours(hours);
        let mut limit = MessagingLimit::new(&scene);
        for (hours, contact) in [(0, 1), (1, 2), (2, 1), (3, 2)] {
            limit.accepted(&scene, at(hours), 0, 0, contact);
        }
        assert!(limit.findings.is_clean(), "the same two");
        limit.accepted(&scene, at(26), 0, 0, 3);
        assert!(limit.findings.is_clean(), "contact 1 counts no more since hour 26");
        limit.wrote(&scene, at(26), 0, 4);
        limit.accepted(&scene, at(26), 0, 0, 4);
        assert!(limit.findings.is_clean(), "who wrote does not count for a day");
        limit.accepted(&scene, at(26), 8, 0, 5);
        assert!(limit.findings.detail().contains("message 8 makes 3 contacts in 24 h"), "{:?}", limit.findings);
    }

    #[test]
    fn a_refusal_while_the_configured_limit_stands_is_found() {
        let mut scene = limited();
        let mut limit = MessagingLimit::new(&scene);
        scene.windows = vec![window(FaultKind::Tier, scene.start, scene.start + Span::hours(1))];
        limit.refused(&scene, scene.start, 1, 0);
        assert!(limit.findings.is_clean());
        scene.windows.clear();
        limit.refused(&scene, scene.start, 1, 0);
        assert_eq!(limit.findings.detail(), "message 1 came when the limit of 2 was reached");
    }

    #[test]
    fn an_intent_in_the_hold_is_found_and_a_single_probe_after_it_is_not() {
        let scene = limited();
        let at = |minutes| scene.start + Span::mins(minutes);
        let mut limit = MessagingLimit::new(&scene);
        limit.told(&scene, at(0), 0, false);
        limit.intended(&scene, at(0) + Span::millis(500), 1, 0);
        limit.intended(&scene, at(720), 2, 0);
        assert!(limit.findings.is_clean());
        limit.intended(&scene, at(720), 3, 0);
        assert!(limit.findings.detail().contains("while the probe of portfolio 0"));
        let mut limit = MessagingLimit::new(&scene);
        limit.told(&scene, at(0), 0, false);
        limit.intended(&scene, at(60), 2, 0);
        assert!(limit.findings.detail().contains("intended 1h after the limit"));
        let mut limit = MessagingLimit::new(&scene);
        limit.told(&scene, at(0), 0, false);
        limit.intended(&scene, at(720), 2, 0);
        limit.answered(&scene, 2, 0, &Answer::Accepted);
        limit.intended(&scene, at(721), 3, 0);
        limit.intended(&scene, at(721), 4, 0);
        assert!(limit.findings.is_clean(), "the probe passed");
    }
}
