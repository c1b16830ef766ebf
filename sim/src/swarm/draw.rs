//! Chance for swarms: everything that a seed decides is drawn from here, in whole numbers, the same on every machine.
//!
//! The model's own chance is keyed and not drawn in order (`mock_whatsapp_model::fate`); here one thread draws one scenario.

use cloud_api::time::Span;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A stream of numbers that hangs on a seed alone.
#[derive(Clone, Debug)]
pub struct Draw(ChaCha8Rng);

impl Draw {
    /// The stream with this number of a seed.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(stream);
        Self(generator)
    }

    /// A number below `end`; 0 where there is none.
    pub fn below(&mut self, end: u64) -> u64 {
        // The high half of a product: no bias that a swarm could see, and no loop.
        ((u128::from(self.0.next_u64()) * u128::from(end)) >> 64) as u64
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low).saturating_add(1))
    }

    /// As [`Draw::between`], with each order of magnitude as likely as the next: mostly small.
    pub fn mostly_small(&mut self, low: u64, high: u64) -> u64 {
        let (low, high) = (low.max(1), high.max(low).max(1));
        let octaves = u64::from((high / low).max(1).ilog2());
        let floor = low << self.between(0, octaves);
        let ceiling = floor.saturating_mul(2).saturating_sub(1).min(high);
        self.between(floor, ceiling.max(floor))
    }

    /// True in so many of a thousand draws.
    pub fn chance(&mut self, per_mille: u32) -> bool {
        self.below(1_000) < u64::from(per_mille)
    }

    /// One of a list that is not empty.
    pub fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }

    /// A length of time, mostly short, in whole milliseconds.
    pub fn span(&mut self, low: Span, high: Span) -> Span {
        Span::millis(self.mostly_small(low.as_millis(), high.as_millis()))
    }

    /// A length of time up to `high`, none more likely than another, in whole milliseconds.
    pub fn moment(&mut self, high: Span) -> Span {
        Span::millis(self.between(0, high.as_millis()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_pinned_since_every_seed_of_every_swarm_hangs_on_it() {
        let mut draw = Draw::new(42, 0);
        let drawn: Vec<u64> = (0..4).map(|_| draw.below(1_000_000)).collect();
        assert_eq!(drawn, [681_896, 950_275, 427_516, 627_360]);
        assert_ne!(Draw::new(42, 1).below(1 << 60), Draw::new(42, 0).below(1 << 60));
    }

    #[test]
    fn draws_stay_within_their_bounds_and_reach_them() {
        let mut draw = Draw::new(1, 0);
        let drawn: Vec<u64> = (0..2_000).map(|_| draw.between(3, 6)).collect();
        assert!((3..=6).all(|number| drawn.contains(&number)) && drawn.iter().all(|number| (3..=6).contains(number)));
        let drawn: Vec<u64> = (0..20_000).map(|_| draw.mostly_small(1, 10_000)).collect();
        assert!(drawn.iter().all(|number| (1..=10_000).contains(number)));
        assert!(drawn.contains(&1) && drawn.iter().any(|number| *number > 9_000));
        assert!(drawn.iter().filter(|number| **number <= 100).count() > drawn.len() / 3, "mostly small");
        assert_eq!((draw.below(0), draw.between(5, 5), draw.mostly_small(7, 7)), (0, 5, 7));
        assert!(!draw.chance(0) && draw.chance(1_000));
    }
}
