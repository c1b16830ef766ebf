//! Reading the bodies of control calls: every field that is asked for is known, every other is refused by its place.

use super::problem::Problem;
use crate::instant;
use cloud_api::time::{Span, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Whole numbers below this are read exactly by every reader of JSON.
pub(super) const EXACT: u64 = 1 << 53;

/// The fields of a JSON object that are not read yet.
#[derive(Debug)]
pub struct Fields {
    pointer: String,
    fields: Map<String, Value>,
    asked: Vec<&'static str>,
}

impl Fields {
    /// Reads a body; an empty one has no fields.
    ///
    /// # Errors
    /// If it is no JSON object.
    pub fn read(body: &[u8]) -> Result<Self, Problem> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self { pointer: String::new(), fields: Map::new(), asked: Vec::new() });
        }
        let value = serde_json::from_slice(body)
            .map_err(|error| Problem::malformed("", "a JSON object", format!("the body is no JSON: {error}")))?;
        Self::of(String::new(), value)
    }

    /// Reads a value that stands at a place.
    ///
    /// # Errors
    /// If it is no object.
    pub fn of(pointer: String, value: Value) -> Result<Self, Problem> {
        match value {
            Value::Object(fields) => Ok(Self { pointer, fields, asked: Vec::new() }),
            other => Err(wrong(&pointer, "an object", &other)),
        }
    }

    /// Where a field is.
    pub fn pointer(&self, key: &str) -> String {
        format!("{}/{}", self.pointer, key.replace('~', "~0").replace('/', "~1"))
    }

    /// Whether a field is there, be it null.
    pub fn has(&self, key: &str) -> bool {
        self.fields.contains_key(key)
    }

    /// Whether a field is there and says something.
    pub fn is_said(&self, key: &str) -> bool {
        self.fields.get(key).is_some_and(|value| !value.is_null())
    }

    /// Lets a field go that says nothing.
    pub fn drop_null(&mut self, key: &str) {
        if !self.is_said(key) {
            self.fields.remove(key);
        }
    }

    /// The fields that are left, as they are.
    pub fn copy(&self) -> Value {
        Value::Object(self.fields.clone())
    }

    /// Takes a field as it is; null is as good as absent.
    pub fn value(&mut self, key: &'static str) -> Option<Value> {
        self.asked.push(key);
        self.fields.remove(key).filter(|value| !value.is_null())
    }

    /// Takes a field and reads it.
    fn take<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let Some(mut value) = self.value(key) else { return Ok(None) };
        make_whole(&mut value);
        read(&value).map(Some).ok_or_else(|| wrong(&self.pointer(key), expected, &value))
    }

    /// Takes a string.
    pub fn text(&mut self, key: &'static str) -> Result<Option<String>, Problem> {
        self.take(key, "a string", |value| value.as_str().map(str::to_owned))
    }

    /// Takes a string that must be there.
    pub fn needed_text(&mut self, key: &'static str) -> Result<String, Problem> {
        self.text(key)?.ok_or_else(|| self.missing(key, "a string"))
    }

    /// Takes true or false.
    pub fn flag(&mut self, key: &'static str) -> Result<Option<bool>, Problem> {
        self.take(key, "true or false", Value::as_bool)
    }

    /// Takes a number.
    pub fn number(&mut self, key: &'static str) -> Result<Option<f64>, Problem> {
        self.take(key, "a number", Value::as_f64)
    }

    /// Takes a whole number that is not negative.
    pub fn integer(&mut self, key: &'static str) -> Result<Option<u64>, Problem> {
        self.take(key, "a whole number below 2^53", |value| value.as_u64().filter(|number| *number < EXACT))
    }

    /// Takes a length of time.
    pub fn span(&mut self, key: &'static str) -> Result<Option<Span>, Problem> {
        self.take(key, "a length of time, as in \"300ms\", \"2s\", \"1h30m\"", |value| value.as_str()?.parse().ok())
    }

    /// Takes an instant.
    pub fn instant(&mut self, key: &'static str) -> Result<Option<Timestamp>, Problem> {
        self.take(key, "an instant, as in \"2026-03-01T12:00:00Z\"", |value| instant::read(value.as_str()?))
    }

    /// Takes a field of a type that has a form of its own.
    pub fn typed<T: DeserializeOwned>(&mut self, key: &'static str, expected: &str) -> Result<Option<T>, Problem> {
        self.take(key, expected, |value| T::deserialize(value).ok())
    }

    /// Takes an object.
    pub fn nested(&mut self, key: &'static str) -> Result<Option<Self>, Problem> {
        let pointer = self.pointer(key);
        self.value(key).map(|value| Self::of(pointer, value)).transpose()
    }

    /// Takes a list of objects that must be there.
    pub fn list(&mut self, key: &'static str) -> Result<Vec<Self>, Problem> {
        let pointer = self.pointer(key);
        match self.value(key) {
            Some(Value::Array(items)) => {
                let each = |(place, item)| Self::of(format!("{pointer}/{place}"), item);
                items.into_iter().enumerate().map(each).collect()
            }
            Some(other) => Err(wrong(&pointer, "a list", &other)),
            None => Err(self.missing(key, "a list")),
        }
    }

    /// What is said of a field that must be there and is not.
    pub fn missing(&self, key: &str, expected: &str) -> Problem {
        Problem::malformed(self.pointer(key), expected, format!("`{key}` is missing"))
    }

    /// The fields that are left, for a type that reads them all.
    pub fn rest(self) -> Value {
        Value::Object(self.fields)
    }

    /// Refuses what nobody asked for.
    ///
    /// # Errors
    /// If a field is left.
    pub fn end(self) -> Result<(), Problem> {
        let Some(key) = self.fields.keys().next() else { return Ok(()) };
        let known = self.asked.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
        let expected = if known.is_empty() { "no field".to_owned() } else { format!("one of {known}") };
        Err(Problem::malformed(self.pointer(key), expected, format!("`{key}` is not known here")))
    }
}

/// Makes `5.0` what it is to JSON, `5`, wherever it stands.
pub fn make_whole(value: &mut Value) {
    match value {
        Value::Number(number) => {
            let float = number.as_f64().filter(|float| !number.is_u64() && !number.is_i64() && float.fract() == 0.0);
            if let Some(float) = float.filter(|float| (0.0..9_007_199_254_740_992.0).contains(float)) {
                *value = Value::from(float as u64);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(make_whole),
        Value::Object(fields) => fields.values_mut().for_each(make_whole),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// Reads a value of a type that has a form of its own.
///
/// # Errors
/// If it has another form.
pub fn typed<T: DeserializeOwned>(pointer: &str, expected: &str, value: &Value) -> Result<T, Problem> {
    T::deserialize(value).map_err(|error| Problem::malformed(pointer, expected, error.to_string()))
}

fn wrong(pointer: &str, expected: &str, got: &Value) -> Problem {
    let mut shown = got.to_string();
    if shown.len() > 100 {
        let cut = (0..=100).rev().find(|at| shown.is_char_boundary(*at)).unwrap_or(0);
        shown.truncate(cut);
        shown.push('…');
    }
    Problem::malformed(pointer, expected, format!("expected {expected}, and got {shown}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(problem: Result<(), Problem>) -> (String, String) {
        let problem = problem.unwrap_err();
        (problem.pointer.unwrap(), problem.expected.unwrap())
    }

    #[test]
    fn problems_say_where_and_what_would_be_right() {
        let mut fields = Fields::read(br#"{"url":1,"by":"12","reply":{"x":1},"handshke":true}"#).unwrap();
        assert_eq!(at(fields.text("url").map(drop)), ("/url".to_owned(), "a string".to_owned()));
        assert_eq!(at(fields.span("by").map(drop)).0, "/by");
        assert_eq!(at(fields.nested("reply").unwrap().unwrap().end()), ("/reply/x".to_owned(), "no field".to_owned()));
        let (pointer, expected) = at(fields.end());
        assert_eq!(pointer, "/handshke");
        assert_eq!(expected, "one of `url`, `by`, `reply`");
    }

    #[test]
    fn an_empty_body_has_no_fields_and_a_list_is_none() {
        assert!(Fields::read(b" ").unwrap().end().is_ok());
        assert_eq!(Fields::read(b"[]").unwrap_err().expected.as_deref(), Some("an object"));
        assert_eq!(Fields::read(b"{").unwrap_err().status, 400);
    }
}
