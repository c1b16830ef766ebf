//! Bodies that are forms, `application/x-www-form-urlencoded` or `multipart/form-data`, and queries, as the JSON that they
//! stand for: one object whose values are texts, or objects and lists of texts where names say so (`template[name]`,
//! `fields[]`), as clients in PHP and Ruby write them. Everything behind this file knows JSON only. Uploads are no business of
//! it: they are read bit by bit, in `media`.

use crate::limits::{FORM_DEPTH, FORM_FIELDS};
use crate::query;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::HeaderMap;
use hyper::header::CONTENT_TYPE;
use multer::Multipart;
use serde_json::{Map, Value};

/// The body of a call as JSON; one that is no form, or none that can be read, as it is.
pub(super) async fn as_json(headers: &HeaderMap, body: Bytes) -> Bytes {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    // What curl says of JSON when it is told nothing.
    if kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") && !is_json(&body) {
        let text = String::from_utf8_lossy(&body);
        return written(of_text(&text));
    }
    if kind.eq_ignore_ascii_case("multipart/form-data")
        && let Ok(boundary) = multer::parse_boundary(content_type)
    {
        return Box::pin(parts(boundary, body.clone())).await.map_or(body, written);
    }
    body
}

fn is_json(body: &[u8]) -> bool {
    matches!(body.trim_ascii_start().first(), Some(b'{' | b'[' | b'"'))
}

/// A form in one text, or a query.
pub(super) fn of_text(text: &str) -> Map<String, Value> {
    nested(query::pairs(text).take(FORM_FIELDS))
}

/// Fields by their names: `a`, `a[b]`, `a[0]`, `a[]`.
fn nested(fields: impl Iterator<Item = (String, String)>) -> Map<String, Value> {
    let mut all = Map::new();
    for (name, value) in fields {
        let (first, steps) = steps(&name).unwrap_or((&name, Vec::new()));
        let mut place = all.entry(first).or_insert(Value::Null);
        for step in steps {
            if !place.is_object() {
                *place = Map::new().into();
            }
            let Value::Object(inner) = place else { break };
            let key = if step.is_empty() { inner.len().to_string() } else { step.to_owned() };
            place = inner.entry(key).or_insert(Value::Null);
        }
        *place = value.into();
    }
    all.into_iter().map(|(name, value)| (name, with_lists(value))).collect()
}

/// A name's parts, where it has more than one.
fn steps(name: &str) -> Option<(&str, Vec<&str>)> {
    let (first, inner) = name.strip_suffix(']')?.split_once('[')?;
    let steps: Vec<&str> = inner.split("][").collect();
    let is_one = !first.is_empty() && steps.len() <= FORM_DEPTH && !steps.iter().any(|step| step.contains(['[', ']']));
    is_one.then_some((first, steps))
}

/// The same with lists in place of objects whose keys count from nought.
fn with_lists(value: Value) -> Value {
    let Value::Object(fields) = value else { return value };
    let mut fields: Map<String, Value> = fields.into_iter().map(|(name, value)| (name, with_lists(value))).collect();
    if (0..fields.len()).all(|place| fields.contains_key(&place.to_string())) {
        return (0..fields.len()).filter_map(|place| fields.remove(&place.to_string())).collect();
    }
    fields.into()
}

fn written(fields: Map<String, Value>) -> Bytes {
    Value::Object(fields).to_string().into()
}

/// The parts that are texts; files have no place in such a call.
async fn parts(boundary: String, body: Bytes) -> multer::Result<Map<String, Value>> {
    let mut form = Multipart::new(Full::new(body).into_data_stream(), boundary);
    let mut fields = Vec::new();
    while let Some(field) = form.next_field().await? {
        let name = field.name().filter(|_| field.file_name().is_none()).map(str::to_owned);
        match name {
            Some(name) if fields.len() < FORM_FIELDS => {
                fields.push((name, String::from_utf8_lossy(&field.bytes().await?).into_owned()));
            }
            Some(_) | None => {}
        }
    }
    Ok(nested(fields.into_iter()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_name_says_where_its_value_stands() {
        let read = |text: &str| Value::Object(of_text(text));
        assert_eq!(read("a=1&b%5Bc%5D%5Bd%5D=x+y&b[e]=2"), json!({ "a": "1", "b": { "c": { "d": "x y" }, "e": "2" } }));
        let twelve: String = (0..12).map(|place| format!("l[{place}][n]={place}&")).collect();
        let list: Vec<Value> = (0..12).map(|place| json!({ "n": place.to_string() })).collect();
        assert_eq!(read(&twelve), json!({ "l": list }));
        assert_eq!(read("l[]=a&l[]=b&g[1]=x"), json!({ "l": ["a", "b"], "g": { "1": "x" } }));
        assert_eq!(read("a=1&a[b]=2&c[d]=3&c=4"), json!({ "a": { "b": "2" }, "c": "4" }), "the last says what it is");
        assert_eq!(read("[a]=1&b[=2&c]=3&d[e]f=4"), json!({ "[a]": "1", "b[": "2", "c]": "3", "d[e]f": "4" }));
        let deep = format!("a{}", "[b]".repeat(FORM_DEPTH + 1));
        assert_eq!(read(&format!("{deep}=1")), json!({ deep: "1" }));
    }
}
