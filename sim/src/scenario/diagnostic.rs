//! What is wrong with a scenario file, where, and what would be right.
//!
//! Only the form of the answer is here; the mistakes themselves are found where the keys are read.

use std::fmt;
use std::ops::Range;

/// One mistake in a file, with its place. Its `Display` is what a person reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file, as it was named.
    pub file: Box<str>,
    /// The line, from 1; 0 where the file as a whole is meant.
    pub line: u32,
    /// The column, from 1, in characters.
    pub column: u32,
    /// The whole line.
    pub snippet: Box<str>,
    /// The text that is wrong.
    pub offending: Box<str>,
    /// What is wrong with it.
    pub what: Box<str>,
    /// What would be right.
    pub help: Box<str>,
}

impl Diagnostic {
    /// A mistake that is the whole file's: it cannot be read, say.
    pub fn of_file(file: &str, what: impl Into<Box<str>>, help: impl Into<Box<str>>) -> Self {
        Self {
            file: file.into(),
            line: 0,
            column: 0,
            snippet: "".into(),
            offending: file.into(),
            what: what.into(),
            help: help.into(),
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error: {}", self.what)?;
        if self.line == 0 {
            writeln!(f, " --> {}", self.file)?;
            return write!(f, "help: {}", self.help);
        }
        let number = self.line.to_string();
        let gutter = " ".repeat(number.len());
        // Tabs stay tabs, so that the carets stand under the text however wide a terminal makes them.
        let pad: String = self
            .snippet
            .chars()
            .take(self.column.saturating_sub(1) as usize)
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        let carets = "^".repeat(self.offending.lines().next().map_or(1, |first| first.chars().count()).max(1));
        writeln!(f, "{gutter}--> {}:{}:{}", self.file, self.line, self.column)?;
        writeln!(f, "{gutter} |")?;
        writeln!(f, "{number} | {}", self.snippet)?;
        writeln!(f, "{gutter} | {pad}{carets}")?;
        writeln!(f, "{gutter} |")?;
        write!(f, "{gutter} = help: {}", self.help)
    }
}

impl std::error::Error for Diagnostic {}

/// A file's name and text: what turns a range of bytes into a place.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// As the user named it.
    pub(crate) file: String,
    /// All of it.
    pub(crate) text: String,
}

impl Source {
    /// The mistake at `span`.
    pub(crate) fn wrong(&self, span: Range<usize>, what: impl Into<Box<str>>, help: impl Into<Box<str>>) -> Diagnostic {
        let start = self.boundary(span.start);
        let end = self.boundary(span.end.max(start));
        let line_start = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = self.text[start..].find('\n').map_or(self.text.len(), |at| start + at);
        let count = |text: &str| u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
        let line = u32::try_from(self.text[..start].matches('\n').count()).unwrap_or(u32::MAX - 1) + 1;
        Diagnostic {
            file: self.file.as_str().into(),
            line,
            column: count(&self.text[line_start..start]) + 1,
            snippet: self.text[line_start..line_end].trim_end().into(),
            offending: self.text[start..end].into(),
            what: what.into(),
            help: help.into(),
        }
    }

    /// The nearest place at or before `at` where a character begins.
    fn boundary(&self, at: usize) -> usize {
        let mut at = at.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }
}

/// More than one of what a noun names.
pub(crate) fn plural(noun: &str) -> String {
    noun.strip_suffix('y').map_or_else(|| format!("{noun}s"), |stem| format!("{stem}ies"))
}

/// "did you mean" where something is near, and always the list of what exists.
pub(crate) fn suggestion<'a>(word: &str, noun: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    if known.is_empty() {
        return format!("there is no {noun} here");
    }
    let list = known.join(", ");
    match nearest(word, &known) {
        Some(near) => format!("did you mean `{near}`? {noun}: {list}"),
        None => format!("{noun}: {list}"),
    }
}

/// The known word that `word` was probably meant to be: a third of its letters may be wrong.
fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let wrong = |candidate: &str| strsim::damerau_levenshtein(&word.to_lowercase(), &candidate.to_lowercase());
    let best = known.iter().min_by_key(|candidate| wrong(candidate))?;
    let bound = (word.chars().count().max(best.chars().count()) / 3).max(1);
    (wrong(best) <= bound).then_some(*best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_shown_with_its_line_and_carets_under_the_text() {
        let source = Source { file: "a.toml".to_owned(), text: "name = \"ü\"\n\tkind = \"outag\"  \n".to_owned() };
        let at = source.text.find("\"outag\"").unwrap();
        let mistake = source.wrong(at..at + 7, "there is no `outag`", "did you mean `outage`?");
        assert_eq!(
            mistake.to_string(),
            "error: there is no `outag`\n --> a.toml:2:9\n  |\n2 | \tkind = \"outag\"\n  | \t       ^^^^^^^\n  |\n  = help: did you mean `outage`?"
        );
    }

    #[test]
    fn the_end_of_a_file_and_the_middle_of_a_character_are_places_too() {
        let source = Source { file: "a.toml".to_owned(), text: "é".to_owned() };
        assert_eq!(source.wrong(1..99, "", "").column, 1);
        assert_eq!(source.wrong(2..2, "", "").column, 2);
    }

    #[test]
    fn only_what_is_near_is_suggested() {
        assert_eq!(suggestion("outag", "kinds", ["error", "outage"]), "did you mean `outage`? kinds: error, outage");
        assert_eq!(suggestion("flood", "kinds", ["error", "outage"]), "kinds: error, outage");
        assert_eq!(suggestion("Trhoughput", "keys", ["throughput"]), "did you mean `throughput`? keys: throughput");
    }
}
