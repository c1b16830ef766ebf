//! `env`: the settings that a sender needs. They are functions of the tenant's name, so no server is asked.

use super::{Env, Failure, Format, print};
use crate::identity::Identity;

/// Prints a tenant's settings.
pub(super) fn print_settings(options: &Env) -> Result<(), Failure> {
    let name = &options.tenant;
    let identity = Identity::of(name).ok_or_else(|| {
        Failure::Usage(format!("`{name}` is no tenant's name: 1 to 64 letters, digits, `-`, `_` or `.`"))
    })?;
    let settings = identity.env(options.url.trim_end_matches('/'));
    let lines = |line: fn(&str, &str) -> String| settings.iter().map(|(name, value)| line(name, value)).collect();
    let text: String = match options.format {
        Format::Sh => lines(|name, value| format!("export {name}='{}'\n", value.replace('\'', r"'\''"))),
        Format::Dotenv => lines(|name, value| format!("{name}={value}\n")),
        Format::Json => {
            let settings: serde_json::Map<_, _> =
                settings.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into())).collect();
            format!("{}\n", serde_json::Value::Object(settings))
        }
    };
    print(&text)
}
