//! Fingerprints on the way: where two runs of the same seed first differ.

use crate::outcome::Outcome;

/// Checkpoints that a failure file keeps: a week of minutes.
const KEPT_MOST: usize = 10_000;

/// The checkpoints of a run: each virtual minute in which something happened, and the hash after it.
fn of(outcome: &Outcome) -> &[(u32, u64)] {
    &outcome.checkpoints
}

/// The checkpoints of a run as a failure file keeps them: the first ones.
pub fn kept(outcome: Option<&Outcome>) -> Vec<(u32, String)> {
    let all = outcome.map_or(&[][..], of);
    all.iter().take(KEPT_MOST).map(|(minute, hash)| (*minute, format!("{hash:016x}"))).collect()
}

/// The first minute in which two runs differ. `None` if they do not, as far as both were kept.
pub fn first_difference(one: &[(u32, String)], other: &[(u32, String)]) -> Option<u32> {
    let differ = one.iter().zip(other).find(|(one, other)| one != other);
    if let Some(((one, _), (other, _))) = differ {
        return Some(*one.min(other));
    }
    // Where both were cut at the same length, nothing is known of the rest.
    match (one.get(other.len()), other.get(one.len())) {
        (Some((minute, _)), _) | (_, Some((minute, _))) => Some(*minute),
        (None, None) => None,
    }
}

/// Checkpoints on one line of a file, where they would else take a line each: `0:9f86d081884c7d65 3:…`.
pub mod one_line {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes them.
    ///
    /// # Errors
    /// If the file does not take them.
    pub fn serialize<S: Serializer>(points: &[(u32, String)], serializer: S) -> Result<S::Ok, S::Error> {
        let all: Vec<String> = points.iter().map(|(minute, hash)| format!("{minute}:{hash}")).collect();
        serializer.serialize_str(&all.join(" "))
    }

    /// Reads them.
    ///
    /// # Errors
    /// If they are written in another form.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(u32, String)>, D::Error> {
        let text = String::deserialize(deserializer)?;
        let point = |part: &str| {
            let (minute, hash) = part.split_once(':')?;
            Some((minute.parse().ok()?, hash.to_owned()))
        };
        let wrong = |part: &str| D::Error::custom(format!("`{part}` is no checkpoint"));
        text.split_whitespace().map(|part| point(part).ok_or_else(|| wrong(part))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_minute_that_differs_is_named() {
        let run = |points: &[(u32, &str)]| -> Vec<(u32, String)> {
            points.iter().map(|(minute, hash)| (*minute, (*hash).to_owned())).collect()
        };
        let base = run(&[(0, "a"), (3, "b"), (9, "c")]);
        assert_eq!(first_difference(&base, &base), None);
        assert_eq!(first_difference(&base, &run(&[(0, "a"), (3, "x"), (9, "c")])), Some(3));
        assert_eq!(first_difference(&base, &run(&[(0, "a"), (2, "b")])), Some(2));
        assert_eq!(first_difference(&base, &base[..2]), Some(9));
        assert_eq!(first_difference(&[], &base), Some(0));
    }
}
