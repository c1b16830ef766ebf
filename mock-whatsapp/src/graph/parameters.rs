//! The parameters of a call, wherever they stand: in the query, in a JSON body or in a form (which `forms` has made JSON by
//! now). The Graph API does not mind, and null is as good as absent.

use super::call::Call;
use super::enumeration::one_of;
use super::forms;
use super::refusal::Refusal;
use serde_json::{Map, Value};

/// The parameters of a call.
#[derive(Clone, Debug, Default)]
pub struct Parameters(Map<String, Value>);

impl Parameters {
    /// Those of the query, and those of the body, which win.
    pub fn of(call: &Call<'_>) -> Self {
        let mut all = forms::of_text(call.query);
        all.extend(fields(&call.body).unwrap_or_default());
        all.retain(|_, value| !value.is_null());
        Self(all)
    }

    /// Adds one, as text.
    pub fn put(&mut self, name: &str, text: String) {
        self.0.insert(name.to_owned(), Value::String(text));
    }

    /// One as it is.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// One as text; numbers and truth values are written out.
    pub fn text(&self, name: &str) -> Option<String> {
        match self.0.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// One as text that must be there and must not be empty.
    ///
    /// # Errors
    /// (#100) with its name.
    pub fn needed(&self, name: &str) -> Result<String, Refusal> {
        self.text(name).filter(|text| !text.is_empty()).ok_or_else(|| required(name))
    }

    /// One as a whole number.
    ///
    /// # Errors
    /// If it is there and none.
    pub fn number(&self, name: &str) -> Result<Option<u64>, Refusal> {
        let Some(text) = self.text(name) else { return Ok(None) };
        text.trim().parse().map(Some).map_err(|_| {
            Refusal::parameter(
                format!("Param {name} must be an integer - got \"{text}\"."),
                format!("{name} is no number"),
            )
        })
    }

    /// One as a truth value.
    pub fn flag(&self, name: &str) -> Option<bool> {
        match self.text(name)?.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        }
    }

    /// One as JSON; forms and queries have it written as text.
    pub fn json(&self, name: &str) -> Option<Value> {
        match self.0.get(name)? {
            Value::String(text) => serde_json::from_str(text).ok(),
            other => Some(other.clone()),
        }
    }

    /// One that has several texts: a list, or texts with commas between.
    pub fn texts(&self, name: &str) -> Option<Vec<String>> {
        let list = match self.json(name).unwrap_or_default() {
            Value::Array(items) => items,
            _ => return Some(self.text(name)?.split(',').map(|text| text.trim().to_owned()).collect()),
        };
        Some(list.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned)).collect())
    }

    /// What stands in `fields`: a text, or a list of texts, as some clients write theirs.
    pub fn fields(&self) -> Option<String> {
        match self.0.get("fields")? {
            Value::Array(names) => Some(names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")),
            _ => self.text("fields"),
        }
    }

    /// Whether the call names the product that everything here is about.
    ///
    /// # Errors
    /// (#100) if it names another, or none.
    pub fn product(&self) -> Result<(), Refusal> {
        is_ours(&self.needed("messaging_product")?)
    }
}

/// Whether a product is the one that everything here is about.
pub fn is_ours(product: &str) -> Result<(), Refusal> {
    one_of("messaging_product", product, &["WHATSAPP"], "messaging_product must be \"whatsapp\"").map(|_| ())
}

/// (#100) The parameter … is required.
pub fn required(name: &str) -> Refusal {
    Refusal::parameter(format!("The parameter {name} is required."), format!("the request has no usable {name}"))
}

/// The fields of a JSON body. One client writes some of its bodies as JSON twice over, as a text that is JSON.
fn fields(body: &[u8]) -> Option<Map<String, Value>> {
    match serde_json::from_slice(body).ok()? {
        Value::Object(fields) => Some(fields),
        Value::String(text) => serde_json::from_str(&text).ok(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_body_is_an_object_or_a_text_of_one() {
        let wanted = json!({ "name": "otp" });
        assert_eq!(fields(br#"{"name":"otp"}"#).map(Value::Object), Some(wanted.clone()));
        assert_eq!(fields(br#""{\"name\":\"otp\"}""#).map(Value::Object), Some(wanted));
        assert_eq!((fields(b"[]"), fields(b"\"x\""), fields(b"")), (None, None, None));
    }

    #[test]
    fn parameters_are_read_in_any_form() {
        let Value::Object(fields) = json!({ "pin": 123_456, "on": "true", "list": "[\"a\",\"b\"]", "plain": "a, b" })
        else {
            unreachable!()
        };
        let parameters = Parameters(fields);
        assert_eq!(parameters.text("pin").as_deref(), Some("123456"));
        assert_eq!(parameters.flag("on"), Some(true));
        let two = Some(vec!["a".to_owned(), "b".to_owned()]);
        assert_eq!((parameters.texts("list"), parameters.texts("plain")), (two.clone(), two));
        assert_eq!(parameters.number("pin").unwrap(), Some(123_456));
        assert_eq!(parameters.number("on").unwrap_err().code(), 100);
        assert_eq!(parameters.needed("none").unwrap_err().code(), 100);
    }
}
