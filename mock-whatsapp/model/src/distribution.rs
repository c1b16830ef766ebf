//! Delays: a constant, or a log-normal distribution given by its median and its 99th percentile.
//!
//! A distribution is a table of integers, made with integers: no floating point, so that the same draw gives the same
//! microsecond on every machine. It is cut at three times the 99th percentile.

use cloud_api::time::Span;
use serde::{Deserialize, Deserializer, de};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How long something takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distribution(Form);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    Constant(Span),
    /// The quantiles 0/256, 1/256 … 256/256, in microseconds.
    Table(Arc<[u64; 257]>),
}

/// Why two percentiles are no distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotIncreasing;

impl std::fmt::Display for NotIncreasing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a distribution wants 0 < median <= p99, with p99 at most a million times the median")
    }
}

impl std::error::Error for NotIncreasing {}

/// Quantiles 128/256 to 255/256 of the standard normal distribution, over its 99th percentile, times 65,536.
const NORMAL: [u32; 128] = [
    0, 276, 552, 828, 1_104, 1_380, 1_656, 1_932, 2_209, 2_486, 2_763, 3_040, 3_318, 3_596, 3_874, 4_153, 4_432, 4_711,
    4_991, 5_272, 5_553, 5_834, 6_116, 6_399, 6_682, 6_966, 7_251, 7_537, 7_823, 8_110, 8_398, 8_687, 8_976, 9_267,
    9_559, 9_852, 10_145, 10_440, 10_736, 11_033, 11_332, 11_632, 11_933, 12_235, 12_539, 12_844, 13_151, 13_459,
    13_769, 14_081, 14_395, 14_710, 15_027, 15_346, 15_667, 15_990, 16_315, 16_642, 16_972, 17_304, 17_638, 17_975,
    18_314, 18_656, 19_001, 19_349, 19_700, 20_053, 20_410, 20_771, 21_134, 21_502, 21_873, 22_248, 22_626, 23_009,
    23_396, 23_788, 24_185, 24_586, 24_992, 25_403, 25_820, 26_243, 26_672, 27_107, 27_549, 27_997, 28_453, 28_916,
    29_387, 29_867, 30_355, 30_853, 31_360, 31_878, 32_407, 32_947, 33_500, 34_066, 34_647, 35_242, 35_853, 36_482,
    37_130, 37_798, 38_488, 39_201, 39_941, 40_709, 41_509, 42_344, 43_218, 44_135, 45_102, 46_125, 47_213, 48_376,
    49_628, 50_987, 52_475, 54_127, 55_988, 58_132, 60_677, 63_842, 68_106, 74_937,
];

impl Distribution {
    /// Always the same.
    pub const fn constant(span: Span) -> Self {
        Self(Form::Constant(span))
    }

    /// Log-normal.
    ///
    /// # Errors
    /// Unless 0 < `median` <= `p99` <= 10^6 × `median`.
    pub fn log_normal(median: Span, p99: Span) -> Result<Self, NotIncreasing> {
        if median.0 == 0 || p99 < median || p99.0 / median.0 > 1_000_000 || p99.0 > 1 << 60 {
            return Err(NotIncreasing);
        }
        let spread = log2(p99.0, median.0);
        let powers = powers_of_two();
        let mut table = [0; 257];
        for (step, ratio) in NORMAL.iter().enumerate() {
            let exponent = ((u128::from(spread) * u128::from(*ratio)) >> 16) as u64;
            let factor = exp2(exponent, &powers);
            let above = (u128::from(median.0) * factor) >> 62;
            let below = (u128::from(median.0) << 62) / factor;
            table[128 + step] = u64::try_from(above).unwrap_or(u64::MAX).min(p99.0 * 3);
            table[128 - step] = below as u64;
        }
        table[0] = 0;
        table[256] = p99.0 * 3;
        Ok(Self(Form::Table(Arc::new(table))))
    }

    /// Any length between two, all alike.
    ///
    /// # Errors
    /// Unless `min` <= `max`.
    pub fn uniform(min: Span, max: Span) -> Result<Self, NotIncreasing> {
        Self::percentiles(&[(0, min), (100, max)])
    }

    /// By percentiles, straight lines between them; below the first it goes down to nothing unless the first is 0, above the
    /// last it does not go.
    ///
    /// # Errors
    /// Unless there is one, and percentiles (0 to 100) and lengths increase.
    pub fn percentiles(points: &[(u8, Span)]) -> Result<Self, NotIncreasing> {
        let increase = points.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1);
        let usable = points.last().is_some_and(|(percent, most)| *percent <= 100 && most.0 <= 1 << 60);
        if !increase || !usable {
            return Err(NotIncreasing);
        }
        let mut table = [0; 257];
        for (step, quantile) in table.iter_mut().enumerate() {
            // In units of 1/25,600.
            let at = step as u64 * 100;
            let above = points.iter().position(|(percent, _)| u64::from(*percent) * 256 >= at);
            let behind =
                |place: usize| place.checked_sub(1).map_or((0, 0), |place| (points[place].0, points[place].1.0));
            let Some(place) = above else {
                *quantile = points.last().map_or(0, |(_, most)| most.0);
                continue;
            };
            let ((low, least), (high, most)) = (behind(place), (points[place].0, points[place].1.0));
            let (low, high) = (u64::from(low) * 256, u64::from(high) * 256);
            let part = u128::from(at - low.min(at));
            let width = u128::from((high - low).max(1));
            *quantile = if at == high { most } else { least + (u128::from(most - least) * part / width) as u64 };
        }
        Ok(Self(Form::Table(Arc::new(table))))
    }

    /// The delay for a draw of 64 uniform bits.
    #[inline]
    pub fn draw(&self, draw: u64) -> Span {
        match &self.0 {
            Form::Constant(span) => *span,
            Form::Table(table) => {
                let step = (draw >> 56) as usize;
                let (low, high) = (table[step], table[step + 1]);
                let part = (draw >> 24) & 0xFFFF_FFFF;
                Span(low + ((u128::from(high - low) * u128::from(part)) >> 32) as u64)
            }
        }
    }

    /// The longest that it can be.
    pub fn longest(&self) -> Span {
        match &self.0 {
            Form::Constant(span) => *span,
            Form::Table(table) => Span(table[256]),
        }
    }
}

/// log2(`a` / `b`) for `a` >= `b`, in units of 2^-32, bit by bit.
fn log2(a: u64, b: u64) -> u64 {
    let mut whole = 0u64;
    let mut ratio = (u128::from(a) << 62) / u128::from(b);
    while ratio >= 2 << 62 {
        ratio >>= 1;
        whole += 1;
    }
    let mut fraction = 0;
    for _ in 0..32 {
        ratio = (ratio * ratio) >> 62;
        fraction <<= 1;
        if ratio >= 2 << 62 {
            ratio >>= 1;
            fraction |= 1;
        }
    }
    whole << 32 | fraction
}

/// 2^(1/2), 2^(1/4) … 2^(1/2^32), in units of 2^-62.
fn powers_of_two() -> [u128; 32] {
    let mut powers = [0; 32];
    let mut power: u128 = 2 << 62;
    for slot in &mut powers {
        power = (power << 62).isqrt();
        *slot = power;
    }
    powers
}

/// 2^(`exponent` / 2^32), in units of 2^-62. The exponent stays below 62: the ratio is at most 10^6, its power at most 1.2.
fn exp2(exponent: u64, powers: &[u128; 32]) -> u128 {
    let mut value: u128 = 1 << 62;
    for (bit, power) in powers.iter().enumerate() {
        if exponent & (1 << (31 - bit)) != 0 {
            value = (value * power) >> 62;
        }
    }
    value << (exponent >> 32)
}

impl<'de> Deserialize<'de> for Distribution {
    /// `"300ms"` or `{ median = "2s", p99 = "5m" }`.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Distribution;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a delay: \"300ms\", or { median = \"2s\", p99 = \"5m\" }")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Distribution, E> {
                text.parse().map(Distribution::constant).map_err(E::custom)
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Distribution, A::Error> {
                #[derive(Deserialize)]
                #[serde(deny_unknown_fields)]
                struct Parts {
                    median: Option<String>,
                    p99: Option<String>,
                    min: Option<String>,
                    max: Option<String>,
                    percentiles: Option<BTreeMap<u8, String>>,
                }
                let span = |text: String| text.parse::<Span>().map_err(de::Error::custom);
                let parts = Parts::deserialize(de::value::MapAccessDeserializer::new(map))?;
                match (parts.median, parts.p99, parts.min, parts.max, parts.percentiles) {
                    (Some(median), Some(p99), None, None, None) => {
                        Distribution::log_normal(span(median)?, span(p99)?).map_err(de::Error::custom)
                    }
                    (None, None, Some(min), Some(max), None) => {
                        Distribution::uniform(span(min)?, span(max)?).map_err(|_| de::Error::custom("wants min <= max"))
                    }
                    (None, None, None, None, Some(points)) => {
                        let points = points.into_iter().map(|(percent, text)| Ok((percent, span(text)?)));
                        let points = points.collect::<Result<Vec<_>, A::Error>>()?;
                        let wants = "percentiles are numbers from 0 to 100, and lengths increase with them";
                        Distribution::percentiles(&points).map_err(|_| de::Error::custom(wants))
                    }
                    _ => Err(de::Error::invalid_value(de::Unexpected::Map, &self)),
                }
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_normal_has_the_percentiles_that_it_was_given() {
        for (median, p99) in [(1_500_000, 30_000_000), (600_000_000, 72_000_000_000), (50, 50), (1_000, 1_000_000)] {
            let delays = Distribution::log_normal(Span(median), Span(p99)).unwrap();
            let mut drawn: Vec<u64> = (0..100_000).map(|n| delays.draw(n * (u64::MAX / 100_000)).0).collect();
            drawn.sort_unstable();
            let near = |got: u64, wanted: u64| got.abs_diff(wanted) * 20 <= wanted;
            assert!(near(drawn[50_000], median), "median {} for {median}", drawn[50_000]);
            assert!(near(drawn[99_000], p99), "p99 {} for {p99}", drawn[99_000]);
            assert!(drawn[99_999] <= p99 * 3);
        }
    }

    #[test]
    fn tables_are_pinned_since_every_fingerprint_hangs_on_them() {
        let delays = Distribution::log_normal(Span::millis(1_500), Span::secs(30)).unwrap();
        let drawn: Vec<u64> = [1 << 56, 1 << 62, 1 << 63, 3 << 62, u64::MAX].map(|draw| delays.draw(draw).0).to_vec();
        assert_eq!(drawn, [48_801, 629_333, 1_500_000, 3_575_212, 89_999_999]);
    }

    #[test]
    fn percentiles_are_met_and_between_them_it_is_a_straight_line() {
        let points = [(50, Span(1_000)), (90, Span(2_000)), (99, Span(5_000))];
        let delays = Distribution::percentiles(&points).unwrap();
        let at = |percent: u64| delays.draw(u64::MAX / 100 * percent).0;
        for (percent, wanted) in [(0, 0), (25, 500), (50, 1_000), (70, 1_500), (90, 2_000), (99, 5_000), (100, 5_000)] {
            assert!(at(percent).abs_diff(wanted) <= 60, "{percent}: {}", at(percent));
        }
        let even = Distribution::uniform(Span(100), Span(200)).unwrap();
        assert_eq!((even.draw(0).0, even.draw(1 << 63).0, even.longest()), (100, 150, Span(200)));
        assert_eq!(Distribution::uniform(Span(2), Span(1)), Err(NotIncreasing));
        assert_eq!(Distribution::percentiles(&[]), Err(NotIncreasing));
    }

    #[test]
    fn what_does_not_increase_is_refused() {
        for (median, p99) in [(0, 1), (2, 1), (1, 2_000_000_000)] {
            assert_eq!(Distribution::log_normal(Span(median), Span(p99)), Err(NotIncreasing));
        }
    }
}
