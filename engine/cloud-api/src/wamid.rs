//! Message ids that look like WhatsApp's: `wamid.` and base64 of a small record (section 2.3).
//!
//! For a mock to make. A client must take ids as opaque, so nothing here reads one.

/// The record's first part: what precedes the length of the contact's id.
const HEAD: [u8; 2] = [0x1c, 0x18];
/// Between the contact's id and the direction.
const MIDDLE: [u8; 3] = [0x15, 0x02, 0x00];
const SENT_BY_BUSINESS: u8 = 0x11;
const SENT_BY_USER: u8 = 0x12;

/// The id of a message from a business to `wa_id` (ASCII digits, of which the first 255 count).
///
/// `key` is what makes it unique; it shows as 18 upper-case hexadecimal digits.
pub fn outbound(wa_id: &str, key: &[u8; 9]) -> String {
    build(wa_id, SENT_BY_BUSINESS, b"", key)
}

/// The id of a message from `wa_id` to a business, as a phone with iOS makes them: `3A` before the 18 digits.
pub fn inbound(wa_id: &str, key: &[u8; 9]) -> String {
    build(wa_id, SENT_BY_USER, b"3A", key)
}

fn build(wa_id: &str, direction: u8, prefix: &[u8], key: &[u8; 9]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut record = Vec::with_capacity(48);
    record.extend_from_slice(&HEAD);
    push_short(&mut record, wa_id.as_bytes());
    record.extend_from_slice(&MIDDLE);
    record.extend_from_slice(&[direction, 0x18]);
    let mut shown = [0; 18];
    for (pair, byte) in shown.chunks_exact_mut(2).zip(key) {
        pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
    record.push((prefix.len() + shown.len()) as u8);
    record.extend_from_slice(prefix);
    record.extend_from_slice(&shown);
    record.push(0);
    let mut id = Vec::with_capacity("wamid.".len() + record.len().div_ceil(3) * 4);
    id.extend_from_slice(b"wamid.");
    push_base64(&mut id, &record);
    String::from_utf8(id).unwrap_or_default()
}

/// Appends a text after its length, which has one byte.
fn push_short(record: &mut Vec<u8>, text: &[u8]) {
    let length = u8::try_from(text.len()).unwrap_or(u8::MAX);
    record.push(length);
    record.extend_from_slice(&text[..usize::from(length)]);
}

/// Appends base64 of the standard alphabet, padded.
fn push_base64(out: &mut Vec<u8>, bytes: &[u8]) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let characters = |bits: u32| [18, 12, 6, 0].map(|shift| ALPHABET[(bits >> shift) as usize & 63]);
    let (groups, rest) = bytes.as_chunks::<3>();
    for &[first, second, third] in groups {
        out.extend_from_slice(&characters(u32::from_be_bytes([0, first, second, third])));
    }
    if let Some(first) = rest.first() {
        let mut four = characters(u32::from_be_bytes([0, *first, rest.get(1).copied().unwrap_or(0), 0]));
        // A group of n bytes has n + 1 characters of its own.
        four[rest.len() + 1..].fill(b'=');
        out.extend_from_slice(&four);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_examples_are_built_from_their_parts() {
        assert_eq!(
            outbound("14155550123", &[0x8f, 0x1c, 0x2d, 0x3e, 0x4b, 0x5a, 0x69, 0x78, 0x01]),
            "wamid.HBgLMTQxNTU1NTAxMjMVAgARGBI4RjFDMkQzRTRCNUE2OTc4MDEA"
        );
        assert_eq!(
            inbound("14155550123", &[0x7c, 0x19, 0xe2, 0xd4, 0xf0, 0xb8, 0xa6, 0x55, 0x12]),
            "wamid.HBgLMTQxNTU1NTAxMjMVAgASGBQzQTdDMTlFMkQ0RjBCOEE2NTUxMgA="
        );
    }

    #[test]
    fn base64_is_padded_to_groups_of_four() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")] {
            let mut out = Vec::new();
            push_base64(&mut out, bytes.as_bytes());
            assert_eq!(out, text.as_bytes());
        }
        let mut out = Vec::new();
        push_base64(&mut out, &[0xfb, 0xff, 0xfe]);
        assert_eq!(out, b"+//+");
    }

    #[test]
    fn ids_differ_by_contact_by_key_and_by_direction_and_stay_short() {
        let ids = [outbound("1", &[0; 9]), outbound("2", &[0; 9]), outbound("1", &[1; 9]), inbound("1", &[0; 9])];
        for (position, id) in ids.iter().enumerate() {
            assert!(!ids[..position].contains(id));
        }
        assert!(outbound("123456789012345", &[255; 9]).len() <= 128);
        assert!(outbound(&"9".repeat(300), &[0; 9]).starts_with("wamid."));
    }
}
