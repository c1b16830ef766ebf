//! The signatures of a webhook: the one that receivers are to check, and the older one beside it that is still sent.

use cloud_api::signature;
use hmac::{Hmac, Mac};
use sha1::Sha1;
use std::fmt::Write;

/// What forged webhooks are signed with: no tenant's secret is a guess at one.
const FORGERS_SECRET: &str = "a guess";

/// Both headers; empty where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signature {
    /// `X-Hub-Signature-256`.
    pub sha256: String,
    /// `X-Hub-Signature`.
    pub sha1: String,
}

impl Signature {
    /// The signature of a body.
    pub fn of(app_secret: &str, body: &[u8]) -> Self {
        Self { sha256: signature::sign(app_secret, body), sha1: sha1(app_secret, body) }
    }

    /// The signature of somebody who does not know the secret.
    pub fn forged(body: &[u8]) -> Self {
        Self::of(FORGERS_SECRET, body)
    }

    /// What it takes in memory.
    pub(crate) fn bytes(&self) -> usize {
        self.sha256.len() + self.sha1.len()
    }
}

fn sha1(app_secret: &str, body: &[u8]) -> String {
    let mac = Hmac::<Sha1>::new_from_slice(app_secret.as_bytes()).expect("HMAC takes a key of any length");
    let mut value = "sha1=".to_owned();
    for byte in mac.chain_update(body).finalize().into_bytes() {
        write!(value, "{byte:02x}").unwrap_or_else(|_| unreachable!("writing to a string does not fail"));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_signatures_are_made_with_the_secret() {
        let signature = Signature::of("key", b"The quick brown fox jumps over the lazy dog");
        assert_eq!(signature.sha1, "sha1=de7c9b85b8b78aa6bc8a7a36f70a90701c9db4d9");
        assert!(signature.sha256.ends_with("f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"));
        assert_ne!(Signature::forged(b"x"), Signature::of("key", b"x"));
    }
}
