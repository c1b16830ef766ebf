//! Counts that a file expects: a number, a range, or a share of a campaign.
//!
//! `20_000`, `"20_000"`, `"19_000..21_000"`, `"60%..80%"`, `"..5%"`; both ends belong to a range. No floating point: a share
//! is compared in whole numbers.

use std::fmt;
use std::str::FromStr;

/// How many there should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// At least.
    pub low: Option<Bound>,
    /// At most.
    pub high: Option<Bound>,
}

/// One end of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// So many.
    Number(u64),
    /// So many millionths of the whole.
    Share(u32),
}

/// Why a text is no count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotACount(pub &'static str);

impl Count {
    /// This number and no other.
    pub fn exactly(number: u64) -> Self {
        Self { low: Some(Bound::Number(number)), high: Some(Bound::Number(number)) }
    }

    /// Whether `count` of `size` is in it.
    pub fn holds(&self, count: u64, size: u64) -> bool {
        let scaled = |bound: Bound| match bound {
            Bound::Number(number) => (u128::from(count), u128::from(number)),
            Bound::Share(share) => (u128::from(count) * 1_000_000, u128::from(share) * u128::from(size)),
        };
        self.low.map(scaled).is_none_or(|(count, low)| count >= low)
            && self.high.map(scaled).is_none_or(|(count, high)| count <= high)
    }

    /// Whether it is in numbers other than none, which mean something for one size only.
    pub fn is_absolute(&self) -> bool {
        let absolute = |bound: Option<Bound>| matches!(bound, Some(Bound::Number(1..)));
        absolute(self.low) || absolute(self.high)
    }

    /// Whether it says the same of any number of messages: of none, or of all, that they are so.
    pub fn is_of_each(&self) -> bool {
        let of_each = |bound: Option<Bound>| {
            matches!(bound, None | Some(Bound::Number(0) | Bound::Share(0) | Bound::Share(1_000_000)))
        };
        of_each(self.low) && of_each(self.high)
    }

    /// The same of `size` messages, with "all" where it says their number.
    pub fn of_all(self, size: u64) -> Self {
        let all = |bound: Bound| if bound == Bound::Number(size) { Bound::Share(1_000_000) } else { bound };
        if size == 0 { self } else { Self { low: self.low.map(all), high: self.high.map(all) } }
    }

    /// The largest number that it names.
    pub fn largest_number(&self) -> Option<u64> {
        let number = |bound: Option<Bound>| match bound {
            Some(Bound::Number(number)) => Some(number),
            Some(Bound::Share(_)) | None => None,
        };
        number(self.low).max(number(self.high))
    }
}

impl FromStr for Count {
    type Err = NotACount;

    fn from_str(text: &str) -> Result<Self, NotACount> {
        let end = |text: &str| if text.trim().is_empty() { Ok(None) } else { bound(text.trim()).map(Some) };
        let count = match text.split_once("..") {
            Some((low, high)) => Self { low: end(low)?, high: end(high)? },
            None => {
                let both = Some(bound(text.trim())?);
                Self { low: both, high: both }
            }
        };
        match (count.low, count.high) {
            (None, None) => Err(NotACount("it has neither end")),
            (Some(Bound::Number(low)), Some(Bound::Number(high))) if low > high => {
                Err(NotACount("its ends are the wrong way round"))
            }
            (Some(Bound::Share(low)), Some(Bound::Share(high))) if low > high => {
                Err(NotACount("its ends are the wrong way round"))
            }
            _ => Ok(count),
        }
    }
}

fn bound(text: &str) -> Result<Bound, NotACount> {
    let digits = |text: &str| {
        let plain = text.replace('_', "");
        let fits = !plain.is_empty()
            && plain.bytes().all(|byte| byte.is_ascii_digit())
            && !text.starts_with('_')
            && !text.ends_with('_');
        fits.then_some(plain).and_then(|plain| plain.parse::<u64>().ok())
    };
    let Some(percent) = text.strip_suffix('%') else {
        return digits(text).map(Bound::Number).ok_or(NotACount("a count is made of digits, `_` between them"));
    };
    let (whole, part) = percent.trim_end().split_once('.').unwrap_or((percent.trim_end(), "0"));
    let share = match (digits(whole), digits(part)) {
        (Some(whole), Some(_)) if whole <= 100 && part.len() <= 4 => {
            whole * 10_000 + format!("{part:0<4}").parse::<u64>().unwrap_or(0)
        }
        _ => return Err(NotACount("a share is a number from 0% to 100%, at most four digits behind the point")),
    };
    if share > 1_000_000 {
        return Err(NotACount("a share is at most 100%"));
    }
    Ok(Bound::Share(share as u32))
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => f.write_str(&grouped(*number)),
            Self::Share(share) => {
                let part = format!("{:04}", share % 10_000);
                let part = part.trim_end_matches('0');
                let point = if part.is_empty() { "" } else { "." };
                write!(f, "{}{point}{part}%", share / 10_000)
            }
        }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.low, self.high) {
            (Some(low), Some(high)) if low == high => low.fmt(f),
            (low, high) => {
                let end = |bound: Option<Bound>| bound.map_or_else(String::new, |bound| bound.to_string());
                write!(f, "{}..{}", end(low), end(high))
            }
        }
    }
}

/// A number as files write it: 1_000_000.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push('_');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_and_written_in_the_same_form() {
        for text in ["0", "20_000", "19_000..21_000", "60%..80%", "..5%", "7..", "0.5%", "99.9999%..100%"] {
            assert_eq!(text.parse::<Count>().unwrap().to_string(), text);
        }
        assert_eq!("20000".parse::<Count>(), Ok(Count::exactly(20_000)));
        assert_eq!("10 .. 20 %".parse::<Count>().unwrap().to_string(), "10..20%");
    }

    #[test]
    fn what_is_no_count_is_refused() {
        for text in ["", "..", "x", "-1", "1..x", "9..3", "80%..60%", "101%", "100.1%", "1.5", "_1", "1%2", "0.12345%"]
        {
            assert!(matches!(text.parse::<Count>(), Err(NotACount(_))), "{text}");
        }
    }

    #[test]
    fn both_ends_belong_to_a_range_and_shares_are_compared_exactly() {
        let range: Count = "60%..80%".parse().unwrap();
        let holds: Vec<u64> = (0..=10).filter(|count| range.holds(*count, 10)).collect();
        assert_eq!(holds, [6, 7, 8]);
        assert!(
            "33.3333%..".parse::<Count>().unwrap().holds(1, 3) && !"33.3334%..".parse::<Count>().unwrap().holds(1, 3)
        );
        assert!(Count::exactly(3).holds(3, 10) && !Count::exactly(3).holds(4, 10));
    }
}
