//! Reads typed values out of a parsed TOML table and says, of each that does not fit, where it stands.
//!
//! It knows TOML and diagnostics, and nothing of what a scenario means.

use super::TIME_MOST;
use super::count::grouped;
use super::diagnostic::{Diagnostic, Source, suggestion};
use cloud_api::time::Span;
use serde::de::DeserializeOwned;
use std::ops::{Range, RangeInclusive};
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

/// A value with its place.
pub(crate) type Value<'s> = Spanned<DeValue<'s>>;

/// A table of the file, all of whose keys are known.
pub(crate) struct Section<'s> {
    pub(crate) source: &'s Source,
    /// As the file writes it: `[[sender]]`.
    name: String,
    table: &'s DeTable<'s>,
    span: Range<usize>,
}

impl<'s> Section<'s> {
    /// A table, once each of its keys is found in `known`.
    pub(crate) fn open(
        source: &'s Source,
        name: impl Into<String>,
        table: &'s DeTable<'s>,
        span: Range<usize>,
        known: &[&str],
    ) -> Result<Self, Diagnostic> {
        let section = Self::open_any(source, name, table, span);
        let unknown =
            table.keys().filter(|key| !known.contains(&key.get_ref().as_ref())).min_by_key(|key| key.span().start);
        match unknown {
            None => Ok(section),
            Some(key) => Err(source.wrong(
                key.span(),
                format!("{} has no key `{}`", section.name, key.get_ref()),
                suggestion(key.get_ref(), &format!("the keys of {}", section.name), known.iter().copied()),
            )),
        }
    }

    /// A table whose keys are not ours to know.
    pub(crate) fn open_any(
        source: &'s Source,
        name: impl Into<String>,
        table: &'s DeTable<'s>,
        span: Range<usize>,
    ) -> Self {
        Self { source, name: name.into(), table, span }
    }

    /// Its keys, in the order of the file.
    pub(crate) fn keys(&self) -> Vec<(&'s str, Range<usize>)> {
        let mut keys: Vec<_> = self.table.keys().map(|key| (key.get_ref().as_ref(), key.span())).collect();
        keys.sort_by_key(|(_, span)| span.start);
        keys
    }

    /// The mistake at this key's value, or at the table's head if the key is missing.
    pub(crate) fn wrong(&self, key: &str, what: impl Into<Box<str>>, help: impl Into<Box<str>>) -> Diagnostic {
        let span = self.get(key).map_or_else(|| self.span.clone(), Spanned::span);
        self.source.wrong(span, what, help)
    }

    /// The mistake at this key itself.
    pub(crate) fn wrong_key(&self, key: &str, what: impl Into<Box<str>>, help: impl Into<Box<str>>) -> Diagnostic {
        let found = self.table.keys().find(|found| found.get_ref().as_ref() == key);
        self.source.wrong(found.map_or_else(|| self.span.clone(), Spanned::span), what, help)
    }

    /// A key that must be there and is not.
    pub(crate) fn missing(&self, key: &str, example: &str) -> Diagnostic {
        self.source.wrong(self.span.clone(), format!("{} lacks `{key}`", self.name), format!("write {example}"))
    }

    pub(crate) fn get(&self, key: &str) -> Option<&'s Value<'s>> {
        self.table.get(key)
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    fn misfit(&self, key: &str, wanted: &str) -> Diagnostic {
        let found = self.get(key).map_or("nothing", |value| form(value.get_ref()));
        self.wrong(key, format!("`{key}` of {} is {found}", self.name), format!("write {wanted}"))
    }

    /// A string.
    pub(crate) fn text(&self, key: &str, wanted: &str) -> Result<Option<&'s str>, Diagnostic> {
        match self.get(key).map(Spanned::get_ref) {
            None => Ok(None),
            Some(DeValue::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.misfit(key, wanted)),
        }
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&self, key: &str) -> Result<Option<bool>, Diagnostic> {
        match self.get(key).map(Spanned::get_ref) {
            None => Ok(None),
            Some(DeValue::Boolean(value)) => Ok(Some(*value)),
            Some(_) => Err(self.misfit(key, "true or false, without quotes")),
        }
    }

    /// A whole number within bounds.
    pub(crate) fn whole(&self, key: &str, bounds: RangeInclusive<u64>) -> Result<Option<u64>, Diagnostic> {
        let wanted = || format!("a whole number from {} to {}", grouped(*bounds.start()), grouped(*bounds.end()));
        match self.get(key).map(Spanned::get_ref) {
            None => Ok(None),
            Some(DeValue::Integer(number)) => {
                match u64::from_str_radix(number.as_str().trim_start_matches('+'), number.radix()) {
                    Ok(number) if bounds.contains(&number) => Ok(Some(number)),
                    _ => Err(self.wrong(
                        key,
                        format!("`{key}` of {} is out of bounds", self.name),
                        format!("write {}", wanted()),
                    )),
                }
            }
            Some(_) => Err(self.misfit(key, &wanted())),
        }
    }

    /// A share from 0 to 1, in millionths.
    pub(crate) fn share(&self, key: &str) -> Result<Option<u32>, Diagnostic> {
        const WANTED: &str = "a share from 0 to 1, as in 0.05 (at most six digits behind the point)";
        let text = match self.get(key).map(Spanned::get_ref) {
            None => return Ok(None),
            Some(DeValue::Integer(number)) => number.as_str(),
            Some(DeValue::Float(number)) => number.as_str(),
            Some(_) => return Err(self.misfit(key, WANTED)),
        };
        let share = text.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share));
        let share = share.ok_or_else(|| {
            self.wrong(key, format!("{text} is no share: a share lies between 0 and 1"), format!("write {WANTED}"))
        })?;
        // Rounding one product is the same on every machine.
        Ok(Some((share * 1_000_000.0).round() as u32))
    }

    /// A length of time.
    pub(crate) fn span(&self, key: &str, example: &str) -> Result<Option<Span>, Diagnostic> {
        let wanted = format!("a length of time in quotes, a number and a unit (us, ms, s, m, h, d): {example}");
        let Some(text) = self.text(key, &wanted)? else { return Ok(None) };
        match text.parse() {
            Ok(span) if span > TIME_MOST => {
                Err(self.wrong(key, format!("\"{text}\" is too long"), format!("write at most \"{TIME_MOST}\"")))
            }
            Ok(span) => Ok(Some(span)),
            Err(_) => Err(self.wrong(key, format!("\"{text}\" is not a length of time"), format!("write {wanted}"))),
        }
    }

    /// One word of a list.
    pub(crate) fn one_of<T: Copy>(&self, key: &str, noun: &str, all: &[(&str, T)]) -> Result<Option<T>, Diagnostic> {
        let names = || all.iter().map(|(name, _)| *name);
        let wanted = format!("one of \"{}\"", names().collect::<Vec<_>>().join("\", \""));
        let Some(text) = self.text(key, &wanted)? else { return Ok(None) };
        match all.iter().find(|(name, _)| *name == text) {
            Some((_, value)) => Ok(Some(*value)),
            None => {
                Err(self.wrong(key, format!("there is no {noun} `{text}`"), suggestion(text, &plural(noun), names())))
            }
        }
    }

    /// The place in `names` of what this key names.
    pub(crate) fn name_in(&self, key: &str, noun: &str, names: &[String]) -> Result<Option<usize>, Diagnostic> {
        let all: Vec<(&str, usize)> = names.iter().enumerate().map(|(place, name)| (name.as_str(), place)).collect();
        self.one_of(key, noun, &all)
    }

    /// The elements of a list.
    pub(crate) fn list(&self, key: &str, wanted: &str) -> Result<Option<Vec<&'s Value<'s>>>, Diagnostic> {
        match self.get(key).map(Spanned::get_ref) {
            None => Ok(None),
            Some(DeValue::Array(values)) => Ok(Some(values.iter().collect())),
            Some(_) => Err(self.misfit(key, wanted)),
        }
    }

    /// `[key]`.
    pub(crate) fn table(&self, key: &str) -> Result<Option<(&'s DeTable<'s>, Range<usize>)>, Diagnostic> {
        match self.get(key) {
            None => Ok(None),
            Some(value) => match value.get_ref() {
                DeValue::Table(table) => Ok(Some((table, value.span()))),
                _ => Err(self.misfit(key, &format!("a table: [{key}]"))),
            },
        }
    }

    /// `[[key]]`, in the order of the file.
    pub(crate) fn tables(&self, key: &str) -> Result<Vec<(&'s DeTable<'s>, Range<usize>)>, Diagnostic> {
        let wanted = format!("a list of tables, each begun with [[{key}]]");
        let values = self.list(key, &wanted)?.unwrap_or_default();
        values
            .into_iter()
            .map(|value| match value.get_ref() {
                DeValue::Table(table) => Ok((table, value.span())),
                other => Err(self.source.wrong(
                    value.span(),
                    format!("an element of `{key}` is {}", form(other)),
                    format!("write {wanted}"),
                )),
            })
            .collect()
    }

    /// A value that knows by itself how it is read.
    pub(crate) fn other<T: DeserializeOwned>(&self, key: &str, wanted: &str) -> Result<Option<T>, Diagnostic> {
        let Some(value) = self.get(key) else { return Ok(None) };
        match T::deserialize(ValueDeserializer::from(value.clone())) {
            Ok(read) => Ok(Some(read)),
            Err(error) => {
                let span = error.span().filter(|span| span.start >= value.span().start).unwrap_or(value.span());
                Err(self.source.wrong(
                    span,
                    format!("`{key}` of {}: {}", self.name, error.message()),
                    format!("write {wanted}"),
                ))
            }
        }
    }

    /// The table as a whole, for what knows by itself how it is read. Each key was checked before.
    pub(crate) fn all<T: DeserializeOwned>(&self) -> Result<T, Diagnostic> {
        let table = Spanned::new(self.span.clone(), DeValue::Table(self.table.clone()));
        T::deserialize(ValueDeserializer::from(table)).map_err(|error| {
            let span = error.span().unwrap_or_else(|| self.span.clone());
            self.source.wrong(span, format!("{}: {}", self.name, error.message()), "mend this value")
        })
    }
}

/// What a value is, for "… is a string".
pub(crate) fn form(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or a time of day",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

fn plural(noun: &str) -> String {
    match noun.split_once(' ') {
        Some((head, tail)) => format!("the {head}s {tail}"),
        None => format!("the {}", super::diagnostic::plural(noun)),
    }
}
