//! Tiny sizes, tried directly: a run of twenty messages costs a fifty-thousandth of one of a million, so many guesses are free.
//!
//! In a smaller run less happens at a time, groups round to nobody and windows meet nothing. So each guess also says what
//! becomes of those: pace, windows and shares are kept, scaled or raised.

use super::Search;
use crate::scenario::{Campaign, Scenario};
use crate::swarm::vary::resize;
use cloud_api::time::Span;

/// The sizes, with the number of guesses at each.
const SIZES: [(u64, u32); 12] = [
    (1, 300),
    (2, 300),
    (4, 300),
    (8, 400),
    (20, 600),
    (60, 200),
    (200, 80),
    (1_000, 24),
    (5_000, 10),
    (20_000, 5),
    (100_000, 3),
    (300_000, 2),
];

impl Search<'_> {
    /// Tries sizes from one message on; the first that fails is taken.
    pub(super) fn tiny(&mut self) {
        let whole = self.best.clone();
        for (size, guesses) in SIZES {
            if size >= whole.messages() {
                return;
            }
            for number in 0..guesses {
                if self.is_over() {
                    return;
                }
                let guess = self.guess(&whole, size, number);
                let seeds = u32::from(number < 4 && size <= 1_000) * 3;
                if self.attempt(guess, seeds) {
                    return;
                }
            }
        }
    }

    /// A guess: the first four say only what becomes of pace and windows, the others also raise and drop parts by chance.
    fn guess(&mut self, whole: &Scenario, size: u64, number: u32) -> Scenario {
        let mut guess = whole.clone();
        if number >= 4 {
            guess.seed = self.draw.below(1_000_000);
            self.drop_parts(&mut guess);
        }
        let before = guess.messages();
        resize(&mut guess.campaigns, size);
        let after = guess.messages();
        let scaled = |span: Span| Span((u128::from(span.0) * u128::from(after) / u128::from(before.max(1))) as u64);
        match number % 4 {
            0 => {}
            1 => slow_down(&mut guess, before, after),
            2 => {
                for fault in &mut guess.faults {
                    fault.from = scaled(fault.from);
                    fault.until = fault.until.map(|until| scaled(until).max(fault.from + Span::millis(1)));
                }
                guess.operators.iter_mut().for_each(|operator| operator.at = scaled(operator.at));
                guess.campaigns.iter_mut().for_each(|campaign: &mut Campaign| campaign.start = scaled(campaign.start));
            }
            _ => {
                for fault in &mut guess.faults {
                    fault.until = fault.until.map(|until| until - fault.from);
                    fault.from = Span::ZERO;
                }
            }
        }
        if number >= 4 {
            self.raise_shares(&mut guess, after);
        }
        guess
    }

    fn drop_parts(&mut self, guess: &mut Scenario) {
        let keep = |draw: &mut crate::swarm::draw::Draw| !draw.chance(250);
        let draw = &mut self.draw;
        guess.faults.retain(|_| keep(draw));
        guess.groups.retain(|_| keep(draw));
        guess.operators.retain(|_| keep(draw));
        while guess.campaigns.len() > 1 && draw.chance(500) {
            let place = draw.below(guess.campaigns.len() as u64) as usize;
            *guess = super::reduce::without_campaign(guess, place);
        }
    }

    /// In a tiny run a share of one in a hundred hits nobody.
    fn raise_shares(&mut self, guess: &mut Scenario, messages: u64) {
        let draw = &mut self.draw;
        for fault in guess.faults.iter_mut().filter(|fault| fault.share < 1_000_000) {
            let factor = draw.one_of(&[1, 1, 5, 25, 1_000_000]);
            fault.share = (u64::from(fault.share.max(1)) * factor).min(1_000_000) as u32;
        }
        let one = (1_000_000 / messages.max(1)) as u32;
        for group in &mut guess.groups {
            if draw.chance(500) {
                group.share = group.share.max(one).saturating_mul(draw.one_of(&[1, 1, 2, 4])).min(1_000_000);
            }
        }
    }
}

/// As many messages as before in proportion to the time: what took an hour takes an hour.
fn slow_down(guess: &mut Scenario, before: u64, after: u64) {
    for sender in &mut guess.senders {
        let slower = u64::from(sender.throughput) * after / before.max(1);
        sender.throughput = slower.max(1) as u32;
    }
}
