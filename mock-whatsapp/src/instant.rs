//! Instants as text: RFC 3339 in UTC, out and in. No time zones and no calendar beyond that.

use cloud_api::time::Timestamp;
use std::fmt::Write;
use std::time::{Duration, UNIX_EPOCH};

/// `2026-03-01T12:00:00.000000Z`.
pub fn write(at: Timestamp) -> String {
    // Beyond the year 9999 there is no RFC 3339.
    let shown = at.0.min(253_402_300_799_000_000);
    // Every answer carries one: as long as it is, it need not grow.
    let mut text = String::with_capacity(27);
    write!(text, "{}", humantime::format_rfc3339_micros(UNIX_EPOCH + Duration::from_micros(shown)))
        .unwrap_or_else(|_| unreachable!("writing to a string does not fail"));
    text
}

/// Reads what [`write()`] writes, and its shorter forms.
pub fn read(text: &str) -> Option<Timestamp> {
    let time = humantime::parse_rfc3339(text).ok()?;
    let micros = time.duration_since(UNIX_EPOCH).ok()?.as_micros();
    u64::try_from(micros).ok().map(Timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_read_as_it_was_written() {
        let at = Timestamp(1_772_366_400_123_456);
        assert_eq!(write(at), "2026-03-01T12:00:00.123456Z");
        assert_eq!(read(&write(at)), Some(at));
        assert_eq!(read("2026-03-01T12:00:00Z"), Some(Timestamp(1_772_366_400_000_000)));
        assert_eq!(read("yesterday"), None);
        write(Timestamp::NEVER);
    }
}
