//! The signatures of a webhook: the one that receivers are to check, and the older one beside it that is still sent.

use cloud_api::signature;
use hmac::{Hmac, Mac};
use mock_whatsapp_model::output::Forgery;
use sha1::Sha1;

/// What forged webhooks are signed with: no tenant's secret is a guess at one.
const FORGERS_SECRET: &str = "a guess";

/// Whose hand a signature is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hand {
    /// The app's.
    #[default]
    Own,
    /// The app's, with its next secret.
    Rotated,
    /// That of somebody who does not know the secret.
    Forger,
    /// There is no signature.
    Nobody,
}

impl Hand {
    /// Who signs an update. Who forges one does not know the secret, and a fault may spoil the signature.
    pub fn of(forged: bool, forgery: Option<Forgery>) -> Self {
        match forgery {
            Some(Forgery::Missing) => Self::Nobody,
            Some(Forgery::Rotated) => Self::Rotated,
            Some(Forgery::Wrong) => Self::Forger,
            None if forged => Self::Forger,
            None => Self::Own,
        }
    }

    /// The signature of a body.
    pub fn sign(self, app_secret: &str, body: &[u8]) -> Signature {
        match self {
            Self::Own => Signature::of(app_secret, body),
            Self::Rotated => Signature::of(&format!("{app_secret}-rotated"), body),
            Self::Forger => Signature::of(FORGERS_SECRET, body),
            Self::Nobody => Signature::default(),
        }
    }
}

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
}

fn sha1(app_secret: &str, body: &[u8]) -> String {
    let mac = Hmac::<Sha1>::new_from_slice(app_secret.as_bytes()).expect("HMAC takes a key of any length");
    let nibbles = mac.chain_update(body).finalize().into_bytes().into_iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let mut value = String::with_capacity("sha1=".len() + 40);
    value.push_str("sha1=");
    value.extend(nibbles.map(|nibble| char::from_digit(nibble.into(), 16).unwrap_or('0')));
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
        let hands = [Hand::Own, Hand::Rotated, Hand::Forger, Hand::Nobody].map(|hand| hand.sign("key", b"x"));
        assert_eq!(hands[0], Signature::of("key", b"x"));
        assert!(hands.iter().all(|hand| hands.iter().filter(|other| *other == hand).count() == 1));
    }
}
