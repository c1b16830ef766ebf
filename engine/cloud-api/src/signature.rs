//! The signature of a webhook: header `X-Hub-Signature-256` over the raw bytes of the body (section 3.2).
//!
//! It must be checked before anything is parsed: the escaping of the body is not what a JSON writer would give back.

use std::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// The header's name, in lower case as HTTP libraries have it.
pub const HEADER: &str = "x-hub-signature-256";

const PREFIX: &str = "sha256=";

/// Why a signature does not hold. Any of them means: do not trust the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The header does not begin with `sha256=`.
    MissingPrefix,
    /// What follows is not pairs of hexadecimal digits.
    NotHex,
    /// It is the signature of another body, or made with another secret, or cut short.
    Wrong,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MissingPrefix => "the signature does not begin with `sha256=`",
            Self::NotHex => "the signature is not hexadecimal",
            Self::Wrong => "the signature does not match the body: another app secret, or a body that was changed",
        })
    }
}

impl std::error::Error for Error {}

/// The header's value for a body: `sha256=` and 64 digits in lower case.
pub fn sign(app_secret: &str, body: &[u8]) -> String {
    let digest = mac(app_secret, body).finalize().into_bytes();
    let mut value = String::with_capacity(PREFIX.len() + 2 * digest.len());
    value.push_str(PREFIX);
    for byte in digest {
        for nibble in [byte >> 4, byte & 15] {
            value.push(char::from_digit(nibble.into(), 16).unwrap_or('0'));
        }
    }
    value
}

/// Checks a header's value against the raw body, in a time that does not depend on where they differ.
///
/// # Errors
/// What is wrong with the header; see [`Error`].
pub fn verify(app_secret: &str, header_value: &str, body: &[u8]) -> Result<(), Error> {
    let digits = header_value.strip_prefix(PREFIX).ok_or(Error::MissingPrefix)?;
    let signature = decode(digits).ok_or(Error::NotHex)?;
    mac(app_secret, body).verify_slice(&signature).map_err(|_| Error::Wrong)
}

fn mac(app_secret: &str, body: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(app_secret.as_bytes()).expect("HMAC takes a key of any length").chain_update(body)
}

fn decode(digits: &str) -> Option<Vec<u8>> {
    let nibble = |digit: u8| char::from(digit).to_digit(16);
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::try_from(nibble(pair[0])? << 4 | nibble(*pair.get(1)?)?).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECRET: &str = "test_app_secret";
    const BODY: &[u8] = br#"{"object":"whatsapp_business_account","entry":[]}"#;
    const SIGNATURE: &str = "sha256=dec6a680679a968e7e0319355b23599cbfc54502c0784668e9618baa0c633756";

    #[test]
    fn the_documented_check_value_is_made_and_accepted() {
        assert_eq!(sign(SECRET, BODY), SIGNATURE);
        assert_eq!(verify(SECRET, SIGNATURE, BODY), Ok(()));
    }

    #[test]
    fn a_header_that_is_no_signature_is_refused_by_its_fault() {
        let digits = &SIGNATURE[PREFIX.len()..];
        for (header, error) in [
            (String::new(), Error::MissingPrefix),
            (digits.to_owned(), Error::MissingPrefix),
            (format!("sha1={digits}"), Error::MissingPrefix),
            (format!("SHA256={digits}"), Error::MissingPrefix),
            (format!(" {SIGNATURE}"), Error::MissingPrefix),
            (format!("{SIGNATURE}0"), Error::NotHex),
            (format!("{SIGNATURE} "), Error::NotHex),
            (format!("sha256={}", digits.replace('d', "g")), Error::NotHex),
            (format!("sha256=é{}", &digits[2..]), Error::NotHex),
            ("sha256=".to_owned(), Error::Wrong),
            (SIGNATURE[..SIGNATURE.len() - 2].to_owned(), Error::Wrong),
            (format!("{SIGNATURE}00"), Error::Wrong),
            (format!("sha256={}", "0".repeat(64)), Error::Wrong),
        ] {
            assert_eq!(verify(SECRET, &header, BODY), Err(error), "{header}");
        }
    }

    #[test]
    fn another_secret_or_a_body_written_anew_does_not_pass() {
        assert_eq!(verify("other", SIGNATURE, BODY), Err(Error::Wrong));
        let spaced = br#"{"object": "whatsapp_business_account", "entry": []}"#;
        assert_eq!(verify(SECRET, SIGNATURE, spaced), Err(Error::Wrong));
    }

    proptest! {
        #[test]
        fn what_is_signed_is_accepted_and_one_changed_bit_is_not(
            secret in ".{0,100}", body in prop::collection::vec(any::<u8>(), 1..200), at in any::<prop::sample::Index>(),
            bit in 0..8u32,
        ) {
            let signature = sign(&secret, &body);
            prop_assert_eq!(verify(&secret, &signature, &body), Ok(()));
            let mut forged = body.clone();
            forged[at.index(body.len())] ^= 1 << bit;
            prop_assert_eq!(verify(&secret, &signature, &forged), Err(Error::Wrong));
        }

        #[test]
        fn no_header_makes_it_panic(header in ".{0,80}", hex in "sha256=[0-9a-f]{0,70}") {
            prop_assert!(verify(SECRET, &header, BODY).is_err());
            prop_assert!(verify(SECRET, &hex, BODY).is_err());
        }
    }
}
