//! The key of what a message says: the same for all attempts of it, whatever the order of JSON keys or absent fields.
//!
//! Part of every draw about a message, at every level; what is said to whom is joined in [`crate::fate::message_key`].

use crate::fate::{digest as digest_of, join};
use cloud_api::message::SendRequest;
use serde::Serialize;

/// The key of type, template, language and components, or of a text's body.
pub fn digest(request: &SendRequest) -> u64 {
    let mut key = of(&request.kind);
    if let Some(template) = &request.template {
        key = join(key, digest_of(template.name.as_bytes()));
        key = join(key, digest_of(template.language.code.as_bytes()));
        key = join(key, of(&template.components));
    }
    if let Some(text) = &request.text {
        key = join(key, digest_of(text.body.as_bytes()));
    }
    key
}

/// The key of anything that is written as JSON. The types write their keys in one order and leave out what is absent, so
/// two ways to write the same request have the same key.
fn of(value: &impl Serialize) -> u64 {
    // Writing these types cannot fail: no map has a key that is not a string.
    serde_json::to_vec(value).map_or(0, |json| digest_of(&json))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(json: &str) -> u64 {
        digest(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn the_way_a_request_is_written_does_not_matter_and_what_it_says_does() {
        let base = key(r#"{"type":"template","to":"1","template":{"name":"a","language":{"code":"en_US"}}}"#);
        for same in [
            r#"{"template":{"language":{"code":"en_US"},"name":"a","components":[]},"to":"2","type":"template"}"#,
            r#"{"type":"template","to":"1","context":null,"template":{"name":"a","language":{"code":"en_US"}},"biz_opaque_callback_data":"x"}"#,
        ] {
            assert_eq!(key(same), base, "{same}");
        }
        for other in [
            r#"{"type":"template","to":"1","template":{"name":"b","language":{"code":"en_US"}}}"#,
            r#"{"type":"template","to":"1","template":{"name":"a","language":{"code":"en_GB"}}}"#,
            r#"{"type":"template","to":"1","template":{"name":"a","language":{"code":"en_US"},"components":[{"type":"body","parameters":[{"type":"text","text":"x"}]}]}}"#,
            r#"{"type":"text","to":"1","text":{"body":"a"}}"#,
        ] {
            assert_ne!(key(other), base, "{other}");
        }
    }
}
