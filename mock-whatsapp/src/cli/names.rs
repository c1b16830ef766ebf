//! Names for a certificate, as an option or a variable has them: checked before the server starts, so that none is taken that
//! no client could ever ask for.

use std::net::IpAddr;
use std::str::FromStr;

/// Characters of a name, and of a part of it between dots (RFC 1035, section 2.3.4).
const NAME_MOST: usize = 253;
const PART_MOST: usize = 63;

/// Names with commas between; there may be none of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Names(pub(super) Vec<String>);

impl FromStr for Names {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names: Vec<&str> = text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        match names.iter().find(|name| !is_name(name)) {
            None => Ok(Self(names.into_iter().map(str::to_owned).collect())),
            Some(name) => Err(format!(
                "`{name}` is no name: write a host such as graph.facebook.com, in ASCII (xn--… where it has other letters), or \
                 an IP address, without https://, port and path"
            )),
        }
    }
}

/// Whether it is an IP address or the name of a host, of which the first part may be `*`.
fn is_name(name: &str) -> bool {
    if name.parse::<IpAddr>().is_ok() {
        return true;
    }
    let host = name.strip_prefix("*.").unwrap_or(name);
    // A last part of digits alone would make it an IP address, and it is none.
    let is_address = host.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    name.len() <= NAME_MOST && !is_address && host.split('.').all(is_part)
}

/// Whether it can stand between dots. Underscores are no letters of hosts, but names of containers have them.
fn is_part(part: &str) -> bool {
    (1..=PART_MOST).contains(&part.len())
        && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        && !part.starts_with('-')
        && !part.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_commas_between_and_blanks_around() {
        for (text, wanted) in [
            ("", &[][..]),
            (" , ,", &[]),
            ("graph.facebook.com", &["graph.facebook.com"]),
            (
                " a.example ,,10.0.0.7,::1 , *.b.example,my_mock",
                &["a.example", "10.0.0.7", "::1", "*.b.example", "my_mock"],
            ),
        ] {
            assert_eq!(text.parse::<Names>().unwrap().0, wanted, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_name_is_told() {
        let long = "a".repeat(64);
        for name in [
            "https://a.example",
            "a.example:443",
            "a.example/v1",
            "a b",
            "-a.example",
            "a-.example",
            "a..example",
            ".",
            "a.example.",
            "*",
            "a.*.example",
            "ü.example",
            "1.2.3",
            "300.1.1.1",
            "[::1]",
            &long,
        ] {
            let why = format!("good.example, {name}").parse::<Names>().unwrap_err();
            assert!(why.starts_with(&format!("`{name}` is no name")), "{why}");
        }
    }
}
