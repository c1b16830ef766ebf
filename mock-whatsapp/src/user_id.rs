//! Business-scoped ids of contacts, which WhatsApp has told beside phone numbers since 2026: made from the number and the
//! account, and read back without a table.

use mock_whatsapp_model::fate::{digest, join};

/// An odd number, so that multiplying by it loses nothing…
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

/// …and the one that undoes it.
const GATHER: u64 = 0xF1DE_83E1_9937_733D;

/// Calling codes of large countries; the real ids begin with a country too. Everyone else is in `ZZ`.
const COUNTRIES: [(&str, &str); 24] = [
    ("1", "US"),
    ("20", "EG"),
    ("234", "NG"),
    ("254", "KE"),
    ("27", "ZA"),
    ("31", "NL"),
    ("33", "FR"),
    ("34", "ES"),
    ("351", "PT"),
    ("39", "IT"),
    ("44", "GB"),
    ("49", "DE"),
    ("52", "MX"),
    ("54", "AR"),
    ("55", "BR"),
    ("56", "CL"),
    ("57", "CO"),
    ("60", "MY"),
    ("62", "ID"),
    ("63", "PH"),
    ("90", "TR"),
    ("91", "IN"),
    ("966", "SA"),
    ("971", "AE"),
];

/// The id under which an account knows a contact, as in `US.10426471985527843216`.
pub fn of(waba_id: &str, wa_id: u64) -> String {
    let digits = wa_id.to_string();
    let country = COUNTRIES.iter().find(|(code, _)| digits.starts_with(code)).map_or("ZZ", |(_, country)| country);
    format!("{country}.{}", wa_id.wrapping_mul(SPREAD).wrapping_add(key(waba_id)))
}

/// The contact that an account knows under an id; `None` if it is nobody's.
pub fn read(waba_id: &str, user_id: &str) -> Option<u64> {
    let number: u64 = user_id.split_once('.')?.1.parse().ok()?;
    let wa_id = number.wrapping_sub(key(waba_id)).wrapping_mul(GATHER);
    (of(waba_id, wa_id) == user_id && (10_000..1_000_000_000_000_000).contains(&wa_id)).then_some(wa_id)
}

fn key(waba_id: &str) -> u64 {
    join(digest(waba_id.as_bytes()), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_of_one_account_and_read_back() {
        assert_eq!(SPREAD.wrapping_mul(GATHER), 1);
        for (wa_id, country) in [(14_155_550_123, "US."), (4_915_112_345_678, "DE."), (8_613_800_000_000, "ZZ.")] {
            let id = of("200", wa_id);
            assert!(id.starts_with(country), "{id}");
            assert_eq!((read("200", &id), read("201", &id)), (Some(wa_id), None));
        }
        for id in ["", "US.", "US.12", "14155550123", "US.x"] {
            assert_eq!(read("200", id), None, "{id}");
        }
    }
}
