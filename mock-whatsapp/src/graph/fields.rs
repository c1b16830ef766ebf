//! `?fields=`: which fields of an object are wanted, and the object with those.

use super::parameters::Parameters;
use super::refusal::Refusal;
use serde_json::{Map, Value};

/// A field that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What was said behind it, as in `.format(PNG)`, with its dot; empty where nothing was.
    pub modifier: String,
    /// Which fields of it are wanted; empty for the usual ones.
    pub sub: Vec<Field>,
}

/// What kind of object it is, and which fields it can have.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// As errors name it.
    pub name: &'static str,
    /// The fields that come unasked.
    pub usual: &'static [&'static str],
    /// Fields that can be asked for although objects here never have them.
    pub never: &'static [&'static str],
}

/// Reads `a,b{c,d},e.f(g)`.
pub fn read(text: &str) -> Vec<Field> {
    let mut fields = Vec::new();
    let (mut depth, mut start) = (0_i32, 0);
    for (at, c) in text.char_indices() {
        match c {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => depth -= 1,
            ',' if depth == 0 => {
                fields.extend(one(&text[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    fields.extend(one(&text[start..]));
    fields
}

fn one(text: &str) -> Option<Field> {
    let text = text.trim();
    let (head, sub) = match text.split_once('{') {
        Some((head, sub)) => (head, sub.strip_suffix('}').unwrap_or(sub)),
        None => (text, ""),
    };
    let end = head.find(['.', '(']).unwrap_or(head.len());
    let (name, modifier) = head.split_at(end);
    let sub = if sub.is_empty() { Vec::new() } else { read(sub) };
    (!name.is_empty()).then(|| Field { name: name.trim().to_owned(), modifier: modifier.to_owned(), sub })
}

/// What a call wants; the usual fields, where it does not say.
pub fn wanted(parameters: &Parameters, kind: &Kind) -> Vec<Field> {
    let asked = parameters.fields().map(|text| read(&text)).unwrap_or_default();
    if !asked.is_empty() {
        return asked;
    }
    usual(kind)
}

/// The usual fields of a kind of object.
pub fn usual(kind: &Kind) -> Vec<Field> {
    let usual = kind.usual.iter();
    usual.map(|name| Field { name: (*name).to_owned(), modifier: String::new(), sub: Vec::new() }).collect()
}

/// An object with the fields that are wanted, and its id, which always comes.
///
/// # Errors
/// (#100) if a field is asked for that such objects do not have.
pub fn select(kind: &Kind, wanted: &[Field], all: &Map<String, Value>) -> Result<Value, Refusal> {
    let mut selected = Map::new();
    for field in wanted {
        match all.get(&field.name) {
            Some(value) => {
                selected.insert(field.name.clone(), value.clone());
            }
            None if kind.never.contains(&field.name.as_str()) => {}
            None => {
                let message =
                    format!("Tried accessing nonexisting field ({}) on node type ({})", field.name, kind.name);
                let mut known: Vec<&str> = all.keys().map(String::as_str).chain(kind.never.iter().copied()).collect();
                known.sort_unstable();
                return Err(Refusal::parameter(message, format!("its fields are {}", known.join(", "))));
            }
        }
    }
    if let Some(id) = all.get("id") {
        selected.insert("id".to_owned(), id.clone());
    }
    selected.retain(|_, value| !value.is_null());
    Ok(Value::Object(selected))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_are_read_with_what_stands_behind_them() {
        let fields = read("id, health_status{entities},qr.format(PNG),a.start(1).b([x,y]),");
        let names: Vec<_> = fields.iter().map(|field| (field.name.as_str(), field.modifier.as_str())).collect();
        assert_eq!(names, [("id", ""), ("health_status", ""), ("qr", ".format(PNG)"), ("a", ".start(1).b([x,y])")]);
        assert_eq!(fields[1].sub[0].name, "entities");
    }

    #[test]
    fn only_what_is_wanted_is_given_and_what_is_unknown_refused() {
        let kind = Kind { name: "Thing", usual: &["name"], never: &["certificate"] };
        let all = json!({ "id": "1", "name": "x", "colour": "red", "none": null });
        let Value::Object(all) = all else { unreachable!() };
        assert_eq!(
            select(&kind, &read("colour,certificate,none"), &all).unwrap(),
            json!({ "id": "1", "colour": "red" })
        );
        assert_eq!(
            select(&kind, &wanted(&Parameters::default(), &kind), &all).unwrap(),
            json!({ "id": "1", "name": "x" })
        );
        let refusal = select(&kind, &read("size"), &all).unwrap_err();
        assert!(refusal.why.contains("certificate, colour, id"), "{}", refusal.why);
    }
}
