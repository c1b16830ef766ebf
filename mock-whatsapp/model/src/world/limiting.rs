//! What numbers, pairs and portfolios may send, and which service windows are open. How each is counted is in `limits`, `pair`
//! and `portfolio`.

use super::World;
use crate::input::{Form, HandsetId, NumberId, PortfolioId, Post};
use crate::limits::Bucket;
use crate::output::Why;
use crate::portfolio::Portfolio;
use crate::spec::{LimitTold, MessagingLimit};
use cloud_api::catalogue::{self, CodeIndex};
use cloud_api::limits::SERVICE_WINDOW;
use cloud_api::time::{Span, Timestamp};

/// A business number.
#[derive(Clone, Debug)]
pub(super) struct Number {
    bucket: Bucket,
    portfolio: PortfolioId,
    /// When each contact last wrote to it, by its place; long ago where it never did. Empty until anybody does.
    heard: Vec<Timestamp>,
}

/// What the limits say of a message.
#[derive(Clone, Copy, Debug)]
pub(super) enum Within {
    /// It is within all of them, and counted by them.
    All,
    /// It is taken, and fails: it goes beyond the messaging limit, of which a webhook tells.
    Taken(CodeIndex),
    /// It is refused.
    Not(CodeIndex, Why),
}

impl Number {
    /// When a contact last wrote to it.
    pub(super) fn heard_from(&self, handset: HandsetId) -> Option<Timestamp> {
        self.heard.get(handset.0 as usize).copied().filter(|heard| *heard > Timestamp(0))
    }
}

impl World {
    /// Registers a portfolio with its limit; numbers are put into it by [`Self::add_number_in`]. Number 0 is there from the
    /// start, without a limit.
    pub fn add_portfolio(&mut self, limit: MessagingLimit) -> PortfolioId {
        self.portfolios.push(Portfolio { limit, ..Portfolio::default() });
        PortfolioId((self.portfolios.len() - 1) as u16)
    }

    /// Registers a business number of a portfolio that WhatsApp allows `throughput` messages a second.
    ///
    /// # Panics
    /// If there is no such portfolio.
    pub fn add_number_in(&mut self, throughput: u32, portfolio: PortfolioId) -> NumberId {
        assert!(usize::from(portfolio.0) < self.portfolios.len(), "there is no portfolio {}", portfolio.0);
        self.numbers.push(Number { bucket: Bucket::new(throughput), portfolio, heard: Vec::new() });
        NumberId((self.numbers.len() - 1) as u16)
    }

    /// The messages a second that WhatsApp allows a number, and tells it.
    pub fn throughput(&self, number: NumberId) -> u32 {
        self.numbers[usize::from(number.0)].bucket.rate()
    }

    /// Sets the messages a second that WhatsApp allows a number.
    pub fn set_throughput(&mut self, number: NumberId, throughput: u32) {
        self.numbers[usize::from(number.0)].bucket.set_rate(throughput);
    }

    /// The portfolio of a number.
    pub fn portfolio_of(&self, number: NumberId) -> PortfolioId {
        self.numbers[usize::from(number.0)].portfolio
    }

    /// Puts a number into another portfolio. The contacts that it wrote to count where they counted.
    ///
    /// # Panics
    /// If there is no such portfolio.
    pub fn move_number(&mut self, number: NumberId, portfolio: PortfolioId) {
        assert!(usize::from(portfolio.0) < self.portfolios.len(), "there is no portfolio {}", portfolio.0);
        self.numbers[usize::from(number.0)].portfolio = portfolio;
    }

    /// Sets the limit of a portfolio. Contacts are counted from then on, unless they were already.
    pub fn set_messaging_limit(&mut self, portfolio: PortfolioId, limit: MessagingLimit) {
        self.portfolios[usize::from(portfolio.0)].limit = limit;
    }

    /// Sets how it is told that a message goes beyond the messaging limit; the answer refuses it, unless said.
    pub fn tell_messaging_limit(&mut self, told: LimitTold) {
        self.limit_told = told;
    }

    /// Counts contacts of a portfolio although it has no limit, so that one that comes later knows them.
    pub fn count_contacts(&mut self, portfolio: PortfolioId) {
        self.portfolios[usize::from(portfolio.0)].counts = true;
    }

    /// The messaging limit that holds for a portfolio at `now`: its own, or that of the first `tier` fault that is about it.
    pub fn limit_of(&self, portfolio: PortfolioId, now: Timestamp) -> MessagingLimit {
        let is_about = |number| self.portfolio_of(number) == portfolio;
        let mut tiers = self.tiers.iter().filter_map(|fault| fault.messaging_limit(now, self.config.seed, is_about));
        tiers.next().unwrap_or(self.portfolios[usize::from(portfolio.0)].limit)
    }

    /// How many contacts count towards a portfolio's limit at `now`, which is not before the last time handed in. Nobody
    /// does where there is no limit, unless [`Self::count_contacts`] was asked for.
    pub fn ledger_used(&self, portfolio: PortfolioId, now: Timestamp) -> usize {
        self.portfolios[usize::from(portfolio.0)].ledger.used(now)
    }

    /// Whether a contact's service window with a number is open at `now`: its last message to it is less than 24 h old. It is
    /// known where contacts are counted, and said to be shut elsewhere.
    pub fn is_window_open(&self, handset: HandsetId, number: NumberId, now: Timestamp) -> bool {
        let heard = self.numbers[usize::from(number.0)].heard.get(handset.0 as usize);
        heard.is_some_and(|heard| now < *heard + SERVICE_WINDOW)
    }

    /// Sets whether throughput is refused or only counted.
    pub fn limit_throughput(&mut self, limit: bool) {
        self.config.limit_throughput = limit;
    }

    /// Sets whether a number may send only so many messages to one contact; it may send any, unless said.
    pub fn limit_pairs(&mut self, limit: bool) {
        self.pairs = limit.then(|| self.pairs.take().unwrap_or_default());
    }

    /// How long it takes until a number may write to a contact again.
    pub fn pair_wait(&self, handset: HandsetId, number: NumberId, now: Timestamp) -> Span {
        self.pairs.as_ref().map_or(Span::ZERO, |pairs| pairs.wait(now, handset, number))
    }

    /// Whether a fault lowers the throughput of a number at `now`.
    pub fn is_throttled(&self, number: NumberId, now: Timestamp) -> bool {
        self.post_faults.iter().any(|fault| fault.throttles(now, number))
    }

    /// Whether a `tier` fault sets the limit of a portfolio at `now`.
    pub fn is_limit_lowered(&self, portfolio: PortfolioId, now: Timestamp) -> bool {
        self.limit_of(portfolio, now) != self.portfolios[usize::from(portfolio.0)].limit
    }

    /// Sets whether what is no template reaches a contact only inside its service window; it reaches it always, unless said.
    /// Windows are known from then on, unless contacts were counted before.
    pub fn limit_windows(&mut self, limit: bool) {
        self.windows = limit;
    }

    /// The error of a message that is no template and comes outside the contact's service window.
    #[inline]
    pub(super) fn outside_window(&self, post: &Post, always_open: bool) -> Option<CodeIndex> {
        let is_free = match post.form {
            Form::Template => false,
            Form::Free | Form::Reaction => true,
        };
        let shut = is_free && self.windows && !always_open && !self.is_window_open(post.handset, post.number, self.now);
        shut.then(|| catalogue::find(131_047, None))
    }

    /// Whether the contacts of a portfolio are counted.
    #[inline]
    fn is_counted(&self, portfolio: PortfolioId) -> bool {
        self.portfolios[usize::from(portfolio.0)].keeps_ledger() || !self.tiers.is_empty()
    }

    /// A contact writes to a number: its service window opens.
    pub(super) fn hear(&mut self, handset: HandsetId, number: NumberId) {
        if !self.windows && !self.is_counted(self.portfolio_of(number)) {
            return;
        }
        let (now, handsets, place) = (self.now, self.handsets.len(), handset.0 as usize);
        let heard = &mut self.numbers[usize::from(number.0)].heard;
        if heard.len() <= place {
            heard.resize(handsets, Timestamp(0));
        }
        heard[place] = now;
    }

    /// Whether a message is within the limits; if it is, it is counted by all of them. `rate` is the number's throughput,
    /// where a fault lowers it.
    pub(super) fn within_limits(&mut self, post: &Post, rate: Option<u32>) -> Within {
        let now = self.now;
        let portfolio = self.numbers[usize::from(post.number.0)].portfolio;
        let counts = self.is_counted(portfolio) && !self.is_window_open(post.handset, post.number, now);
        let mut beyond = false;
        if counts {
            let limit = self.limit_of(portfolio, now);
            beyond = !self.portfolios[usize::from(portfolio.0)].ledger.admits(now, post.handset, limit);
            if beyond && self.limit_told == LimitTold::Answer {
                return Within::Not(catalogue::find(131_048, None), Why::MessagingLimit);
            }
        }
        if !self.numbers[usize::from(post.number.0)].bucket.take(now, rate) && self.config.limit_throughput {
            return Within::Not(catalogue::find(130_429, None), Why::Throughput);
        }
        if let Some(pairs) = &mut self.pairs
            && !pairs.take(now, post.handset, post.number)
        {
            return Within::Not(catalogue::find(131_056, None), Why::Pair);
        }
        if beyond {
            return Within::Taken(catalogue::find(131_048, None));
        }
        if counts {
            self.portfolios[usize::from(portfolio.0)].ledger.count(now, post.handset);
        }
        Within::All
    }

    /// Forgets what was used of every limit, and which windows are open.
    pub(super) fn forget_use(&mut self) {
        for number in &mut self.numbers {
            number.bucket.reset();
            number.heard = Vec::new();
        }
        for portfolio in &mut self.portfolios {
            portfolio.ledger.clear();
        }
        if let Some(pairs) = &mut self.pairs {
            pairs.clear();
        }
    }
}
