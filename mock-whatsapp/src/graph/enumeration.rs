//! Parameters that take one of some words: the Graph API reads them in any letter case, and names them all where it finds none
//! of them. Which words there are, each parameter's own file says.

use super::refusal::Refusal;

/// The word that is meant, as the API spells it.
///
/// # Errors
/// (#100) with all words, if it is none of them.
pub fn one_of(name: &str, word: &str, known: &[&'static str], why: &str) -> Result<&'static str, Refusal> {
    let found = known.iter().find(|known| known.eq_ignore_ascii_case(word));
    found.copied().ok_or_else(|| none_of(name, word, known, why))
}

/// The same, of words that stand for something.
///
/// # Errors
/// (#100) with all words, if it is none of them.
pub fn meant<T: Copy>(name: &str, word: &str, known: &[(&'static str, T)], why: &str) -> Result<T, Refusal> {
    let found = known.iter().find(|(known, _)| known.eq_ignore_ascii_case(word));
    found.map(|(_, value)| *value).ok_or_else(|| {
        let mut known: Vec<&str> = known.iter().map(|(known, _)| *known).collect();
        known.sort_unstable();
        none_of(name, word, &known, why)
    })
}

/// (#100) with all words.
pub fn none_of(name: &str, word: &str, known: &[&str], why: &str) -> Refusal {
    Refusal::parameter(format!("Param {name} must be one of {{{}}} - got \"{word}\".", known.join(", ")), why)
}
