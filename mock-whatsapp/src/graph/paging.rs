//! Lists by pages: `limit`, `after`, `before`, both cursors, and the address of the next page.

use super::call::Call;
use super::download;
use super::parameters::Parameters;
use super::refusal::Refusal;
use crate::query;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// Items of a page, unless said (section 6.1).
const USUAL: u64 = 25;

/// How a list is asked for.
#[derive(Clone, Debug)]
pub struct Paging {
    limit: usize,
    after: Option<usize>,
    before: Option<usize>,
    /// The address of the list, without its cursors.
    address: String,
}

impl Paging {
    /// What a call asks for, of a list that has at most `most` items a page.
    ///
    /// # Errors
    /// If a cursor or the limit is none.
    pub fn of(call: &Call<'_>, parameters: &Parameters, most: u64) -> Result<Self, Refusal> {
        let limit = parameters.number("limit")?.unwrap_or(USUAL).clamp(1, most);
        let cursor = |name| match parameters.text(name).filter(|text| !text.is_empty()) {
            None => Ok(None),
            Some(text) => place(&text).map(Some).ok_or_else(|| {
                let why = format!("`{name}` is no cursor of this server's: take it from paging.cursors");
                Refusal::parameter("Invalid cursor", why)
            }),
        };
        let kept = query::pairs(call.query).filter(|(name, _)| name != "after" && name != "before");
        let query: Vec<String> =
            kept.map(|(name, value)| format!("{}={}", query::encode(&name), query::encode(&value))).collect();
        let edge = call.path.edge;
        let address = format!("{}/{}/{}/{edge}?{}", download::base(call), call.path.version, call.id, query.join("&"));
        Ok(Self { limit: limit as usize, after: cursor("after")?, before: cursor("before")?, address })
    }

    /// The page of a list. Behind its end there is nothing, and no paging.
    pub fn page(&self, items: &[Value]) -> Value {
        let (first, end) = match (self.after, self.before) {
            (Some(after), _) => {
                // A cursor is whatever a client made of it, and may be the last number that there is.
                let first = after.saturating_add(1);
                (first, first.saturating_add(self.limit))
            }
            (None, Some(before)) => (before.saturating_sub(self.limit), before),
            (None, None) => (0, self.limit),
        };
        let end = end.min(items.len());
        if first >= end {
            return json!({ "data": [] });
        }
        let cursor = |place: usize| URL_SAFE_NO_PAD.encode(format!("AQ{place}"));
        let mut page = json!({
            "data": items[first..end],
            "paging": { "cursors": { "before": cursor(first), "after": cursor(end - 1) } },
        });
        let joint = if self.address.ends_with('?') { "" } else { "&" };
        if end < items.len() {
            page["paging"]["next"] = format!("{}{joint}after={}", self.address, cursor(end - 1)).into();
        }
        if first > 0 {
            page["paging"]["previous"] = format!("{}{joint}before={}", self.address, cursor(first)).into();
        }
        page
    }
}

fn place(cursor: &str) -> Option<usize> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    std::str::from_utf8(&bytes).ok()?.strip_prefix("AQ")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_walked_both_ways() {
        let items: Vec<Value> = (0..5).map(Value::from).collect();
        let mut paging =
            Paging { limit: 2, after: None, before: None, address: "http://x/v1.0/1/edge?limit=2".to_owned() };
        let mut seen = Vec::new();
        loop {
            let page = paging.page(&items);
            let Some(after) = page["paging"]["cursors"]["after"].as_str() else {
                assert_eq!(page, json!({ "data": [] }));
                break;
            };
            let last = page["data"].as_array().unwrap().len() < 2;
            assert_eq!(page["paging"]["next"].is_null(), last, "{page}");
            seen.extend(page["data"].as_array().unwrap().clone());
            paging.after = place(after);
        }
        assert_eq!(seen, items);
        (paging.after, paging.before) = (None, Some(3));
        assert_eq!(paging.page(&items)["data"], json!([1, 2]));
        assert_eq!(place("nonsense"), None);
    }
}
