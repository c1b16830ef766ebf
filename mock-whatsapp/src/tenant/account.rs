//! A tenant's WhatsApp Business Account: its settings, its subscription, where its webhooks go, and its quota of management
//! calls.

use super::Tenant;
use super::dispatch::Webhook;
use super::numbers::{NewNumber, Quality};
use crate::limits::PORTFOLIOS;
use cloud_api::limits::{MESSAGING_LIMITS, UPGRADED_THROUGHPUT};
use cloud_api::time::{Span, Timestamp};
use mock_whatsapp_model::input::{NumberId, PortfolioId};
use mock_whatsapp_model::spec::MessagingLimit;
use serde_json::{Map, Value, json};
use std::collections::VecDeque;

/// Over which time management calls are counted (section 5.5).
const QUOTA_WINDOW: Span = Span::hours(1);

/// Management calls of an account within it, once it has a registered number.
const QUOTA: usize = 5_000;

/// The same before.
const QUOTA_BEFORE: usize = 200;

/// The account.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// What was set of it.
    pub settings: Map<String, Value>,
    /// Whether the app is unsubscribed from its webhooks.
    pub unsubscribed: bool,
    /// Where its messages' webhooks go, if elsewhere than the app's.
    pub webhook: Option<Webhook>,
    calls: VecDeque<Timestamp>,
    /// Portfolios that numbers were put into, by name, beside the account's own.
    portfolios: Vec<(String, PortfolioId)>,
    /// When its portfolio has the next messaging limit.
    pub(super) upgrade: Option<Timestamp>,
}

/// How much of a quota is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// In percent; above 100, the call is refused.
    pub percent: usize,
    /// Until a call is taken again, in minutes.
    pub minutes: u64,
}

impl Account {
    /// Counts a management call at `now`.
    pub fn count(&mut self, now: Timestamp, registered: bool) -> Usage {
        let quota = if registered { QUOTA } else { QUOTA_BEFORE };
        while self.calls.front().is_some_and(|first| *first + QUOTA_WINDOW <= now || *first > now) {
            self.calls.pop_front();
        }
        if self.calls.len() >= quota {
            let first = self.calls.front().map_or(Span::default(), |first| (*first + QUOTA_WINDOW).since(now));
            // Percents are whole, and a quota that is used up is refused above 100.
            return Usage { percent: 101, minutes: first.as_secs().div_ceil(60).max(1) };
        }
        self.calls.push_back(now);
        Usage { percent: self.calls.len() * 100 / quota, minutes: 0 }
    }

    /// Forgets the calls, and what is to come.
    pub fn forget(&mut self) {
        self.calls.clear();
        self.upgrade = None;
    }
}

/// How long a raise takes (section 5.3).
const UPGRADE_WAIT: Span = Span::hours(6);

/// The limit after a limit.
fn next_limit(limit: MessagingLimit) -> Option<MessagingLimit> {
    let MessagingLimit::Contacts(most) = limit else { return None };
    let next = MESSAGING_LIMITS.into_iter().find(|level| *level > most);
    Some(next.map_or(MessagingLimit::Unlimited, MessagingLimit::Contacts))
}

/// A limit as the API names it.
pub fn tier(limit: MessagingLimit) -> String {
    match limit {
        MessagingLimit::Unlimited => "TIER_UNLIMITED".to_owned(),
        MessagingLimit::Contacts(most) if most >= 1_000 && most % 1_000 == 0 => format!("TIER_{}K", most / 1_000),
        MessagingLimit::Contacts(most) => format!("TIER_{most}"),
    }
}

impl Tenant {
    /// Gives its first number, and those of the configuration.
    pub(super) fn found(&mut self, now: Timestamp) {
        let identity = self.identity.clone();
        let first = NewNumber {
            digits: identity.display_phone_number.clone(),
            verified_name: format!("Mock Business {}", identity.name),
            throughput: self.config.throughput,
            on_app: false,
            ready: true,
        };
        self.numbers.add(&identity, self.number, first, now);
        for number in &self.config.clone().numbers {
            let new = NewNumber {
                digits: number.digits(),
                verified_name: number
                    .verified_name
                    .clone()
                    .unwrap_or_else(|| format!("Mock Business {}", identity.name)),
                throughput: number.throughput.unwrap_or(self.config.throughput),
                on_app: number.coexistence,
                ready: true,
            };
            let added = self.add_number(new, now);
            if added.is_none() {
                tracing::info!(tenant = %identity.name, "a number of the configuration is one too many");
            }
            if let (Some(id), Some(portfolio)) = (added, &number.portfolio) {
                self.move_number(&id, portfolio);
            }
        }
    }

    /// Adds a number to its account. Its id, or `None` if there are too many.
    pub fn add_number(&mut self, new: NewNumber, now: Timestamp) -> Option<String> {
        if !self.numbers.has_room() {
            return None;
        }
        let portfolio = self.own_portfolio;
        let number = self.world.add_number_in(new.throughput, portfolio);
        let (identity, on_app) = (self.identity.clone(), new.on_app);
        let id = self.numbers.add(&identity, number, new, now);
        if on_app && let Some(known) = self.numbers.get(&id) {
            self.world.set_throughput(number, known.throughput);
        }
        Some(id)
    }

    /// The portfolio of a number: the id of the account's own, or the name that it was given.
    pub fn portfolio_of(&self, number: NumberId) -> String {
        let portfolio = self.world.portfolio_of(number);
        let named = self.account.portfolios.iter().find(|(_, known)| *known == portfolio);
        named.map_or_else(|| self.identity.business_id(), |(name, _)| name.clone())
    }

    /// Puts a number into a portfolio, which is made with the usual limit when it is first named. Whether there is such a
    /// number, and room for such a portfolio.
    pub fn move_number(&mut self, id: &str, portfolio: &str) -> bool {
        let Some(number) = self.numbers.get(id).map(|number| number.number) else { return false };
        let known = self.account.portfolios.iter().find(|(name, _)| name == portfolio).map(|(_, known)| *known);
        let portfolio = match known {
            _ if portfolio == self.identity.business_id() => self.own_portfolio,
            Some(known) => known,
            None if self.account.portfolios.len() == PORTFOLIOS => return false,
            None => {
                let made = self.world.add_portfolio(self.config.messaging_limit);
                self.world.count_contacts(made);
                self.account.portfolios.push((portfolio.to_owned(), made));
                made
            }
        };
        self.world.move_number(number, portfolio);
        true
    }

    /// The limit of the account's own portfolio, at its present moment.
    pub fn messaging_limit(&self) -> MessagingLimit {
        self.world.limit_of(self.own_portfolio, self.time)
    }

    /// The limit of a number's portfolio, at its present moment.
    pub fn messaging_limit_of(&self, number: NumberId) -> MessagingLimit {
        self.world.limit_of(self.world.portfolio_of(number), self.time)
    }

    /// Gives a portfolio another limit, and tells it so.
    fn change_limit(&mut self, portfolio: PortfolioId, limit: MessagingLimit) -> u64 {
        if portfolio == self.own_portfolio {
            // What was to rise was the limit of before.
            self.account.upgrade = None;
        }
        self.world.set_messaging_limit(portfolio, limit);
        self.announce(
            "business_capability_update",
            json!({ "max_daily_conversations_per_business": tier(limit), "max_phone_numbers_per_business": crate::limits::NUMBERS }),
        )
    }

    /// Gives a number's portfolio another limit, and tells it so.
    pub fn change_messaging_limit(&mut self, number: NumberId, limit: MessagingLimit) -> u64 {
        self.change_limit(self.world.portfolio_of(number), limit)
    }

    /// Raises the limit of its own portfolio by rule: 6 h after half of it was used, as long as no number is of bad quality.
    pub(super) fn raise_limit(&mut self) {
        let portfolio = self.own_portfolio;
        let limit = self.world.limit_of(portfolio, self.time);
        match (self.account.upgrade, limit) {
            (Some(at), _) if at <= self.time => {
                // Gone even where a fault lets nothing rise: what stayed due would keep time from ever settling.
                self.account.upgrade = None;
                if let Some(next) = next_limit(limit) {
                    self.change_limit(portfolio, next);
                }
            }
            (Some(_), _) | (None, MessagingLimit::Unlimited) => {}
            (None, MessagingLimit::Contacts(most)) => {
                let good = self.numbers.all().iter().all(|number| number.quality == Quality::Green);
                if good && self.world.ledger_used(portfolio, self.time) * 2 >= most as usize {
                    self.account.upgrade = Some(self.time + UPGRADE_WAIT);
                }
            }
        }
    }

    /// Gives a number another quality, and tells of it where WhatsApp does: when it becomes bad, and when it is no more.
    pub fn change_quality(&mut self, id: &str, quality: Quality) -> Option<u64> {
        let limit = tier(self.messaging_limit_of(self.numbers.get(id)?.number));
        let number = self.numbers.get_mut(id)?;
        let before = std::mem::replace(&mut number.quality, quality);
        let event = match (before, quality) {
            (Quality::Red, Quality::Red) => return None,
            (Quality::Green | Quality::Yellow | Quality::Unknown, Quality::Red) => "FLAGGED",
            (Quality::Red, Quality::Green | Quality::Yellow | Quality::Unknown) => "UNFLAGGED",
            (
                Quality::Green | Quality::Yellow | Quality::Unknown,
                Quality::Green | Quality::Yellow | Quality::Unknown,
            ) => {
                return None;
            }
        };
        let digits = number.digits.clone();
        let value = json!({ "display_phone_number": digits, "event": event, "current_limit": limit,
                            "max_daily_conversations_per_business": limit });
        Some(self.announce("phone_number_quality_update", value))
    }

    /// Gives a number another throughput, and tells of an upgrade.
    pub fn change_throughput(&mut self, id: &str, throughput: u32) -> Option<u64> {
        let limit = tier(self.messaging_limit_of(self.numbers.get(id)?.number));
        let number = self.numbers.get_mut(id)?;
        let before = std::mem::replace(&mut number.throughput, throughput);
        let (model, digits) = (number.number, number.digits.clone());
        self.world.set_throughput(model, throughput);
        if before >= UPGRADED_THROUGHPUT || throughput < UPGRADED_THROUGHPUT {
            return None;
        }
        let value = json!({ "display_phone_number": digits, "event": "THROUGHPUT_UPGRADE", "old_limit": limit,
                            "current_limit": "TIER_UNLIMITED", "max_daily_conversations_per_business": limit });
        Some(self.announce("phone_number_quality_update", value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quota_is_a_window_that_moves() {
        let mut account = Account::default();
        let start = Timestamp::from_unix_seconds(1_000_000);
        for call in 1..=QUOTA_BEFORE {
            assert_eq!(account.count(start, false), Usage { percent: call * 100 / QUOTA_BEFORE, minutes: 0 });
        }
        assert_eq!(account.count(start + Span::mins(50), false), Usage { percent: 101, minutes: 10 });
        assert_eq!(account.count(start + Span::mins(50), true).percent, 4, "a registered number allows more");
        assert_eq!(account.count(start + Span::mins(60), false).percent, 1);
    }

    #[test]
    fn limits_have_levels() {
        let after = [0, 250, 2_000, 100_000].map(|most| next_limit(MessagingLimit::Contacts(most)));
        let wanted = [MessagingLimit::Contacts(250), MessagingLimit::Contacts(2_000), MessagingLimit::Contacts(10_000)];
        assert_eq!(after, [Some(wanted[0]), Some(wanted[1]), Some(wanted[2]), Some(MessagingLimit::Unlimited)]);
        assert_eq!(next_limit(MessagingLimit::Unlimited), None);
    }

    #[test]
    fn limits_have_names() {
        let names = [250, 2_000, 100_000, 1_500].map(|most| tier(MessagingLimit::Contacts(most)));
        assert_eq!(names, ["TIER_250", "TIER_2K", "TIER_100K", "TIER_1500"]);
        assert_eq!(tier(MessagingLimit::Unlimited), "TIER_UNLIMITED");
    }
}
