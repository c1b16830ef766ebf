//! Who may call the control API: everybody who can reach it, or whoever knows a token. The token is never printed.

use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
use std::fmt;
use subtle::ConstantTimeEq;

/// A token that the control API asks for.
#[derive(Clone, PartialEq, Eq)]
pub struct ControlToken(String);

impl fmt::Debug for ControlToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ControlToken(…)")
    }
}

/// What is wrong with a control token. It does not repeat it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unusable;

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a control token is 1 to 256 visible ASCII characters without spaces, as a header can carry")
    }
}

impl std::error::Error for Unusable {}

impl std::str::FromStr for ControlToken {
    type Err = Unusable;

    fn from_str(text: &str) -> Result<Self, Unusable> {
        let fits = (1..=256).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(text.to_owned())) } else { Err(Unusable) }
    }
}

impl ControlToken {
    /// Whether a request carries it, as `Authorization: Bearer TOKEN`. How long that takes does not tell how much was right.
    pub fn is_in(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(AUTHORIZATION).map(|value| value.as_bytes()).unwrap_or_default();
        let scheme = given.get(..7).unwrap_or_default();
        let token = given.get(7..).unwrap_or_default();
        scheme.eq_ignore_ascii_case(b"bearer ") && bool::from(token.ct_eq(self.0.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    #[test]
    fn only_the_whole_token_is_the_token() {
        let token: ControlToken = "s3cret".parse().unwrap();
        let with = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_static(value));
            token.is_in(&headers)
        };
        assert!(with("Bearer s3cret") && with("bearer s3cret"));
        for wrong in ["", "Bearer", "Bearer ", "Bearer s3cre", "Bearer s3crett", "Basic s3cret", "s3cret"] {
            assert!(!with(wrong), "{wrong}");
        }
        assert!(!token.is_in(&HeaderMap::new()));
        assert!(!format!("{token:?}").contains("s3cret"));
    }

    #[test]
    fn a_token_fits_into_a_header() {
        for wrong in ["", "a b", "ä", "a\n"] {
            assert_eq!(wrong.parse::<ControlToken>(), Err(Unusable), "{wrong:?}");
        }
    }
}
