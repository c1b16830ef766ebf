//! Between the domain and the wire: what goes into a request, and what an answer or a webhook says. Pure.

use crate::id::{CampaignId, MessageId};
use std::fmt;

/// Which attempt a request is: the text that WhatsApp echoes in every status of the message.
///
/// Written as `ce1|<store id>|<campaign>|<message>|<attempt>`, the store id as 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallbackData {
    /// The store that the numbers belong to.
    pub store: u64,
    /// The campaign.
    pub campaign: CampaignId,
    /// The message.
    pub message: MessageId,
    /// The attempt's number, from 1.
    pub number: u8,
}

impl fmt::Display for CallbackData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ce1|{:016x}|{}|{}|{}", self.store, self.campaign.0, self.message.0, self.number)
    }
}

impl CallbackData {
    /// Reads what [`fmt::Display`] wrote for this store. Everything else is not ours: `None`.
    pub fn read(text: &str, store: u64) -> Option<Self> {
        let mut parts = text.strip_prefix("ce1|")?.split('|');
        let id = parts.next()?;
        let campaign = CampaignId(parts.next()?.parse().ok()?);
        let message = MessageId(parts.next()?.parse().ok()?);
        let number = parts.next()?.parse().ok()?;
        let data = Self { store, campaign, message, number };
        // Compared as it would be written: so that no second spelling of the same numbers is taken for ours.
        (parts.next().is_none() && number > 0 && id.len() == 16 && data.to_string() == text).then_some(data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callback_data_is_read_as_it_was_written_and_nothing_else_is_ours() {
        let data = CallbackData { store: 0xAB, campaign: CampaignId(3), message: MessageId(4_000_000_000), number: 7 };
        let text = data.to_string();
        assert_eq!(text, "ce1|00000000000000ab|3|4000000000|7");
        assert_eq!(CallbackData::read(&text, 0xAB), Some(data));
        assert_eq!(CallbackData::read(&text, 0xAC), None, "another store's");
        for foreign in [
            "",
            "ce1",
            "ce1|",
            "order-17",
            "ce2|00000000000000ab|3|4|7",
            "ce1|ab|3|4|7",
            "ce1|00000000000000AB|3|4|7",
            "ce1|00000000000000ab|3|4",
            "ce1|00000000000000ab|3|4|7|8",
            "ce1|00000000000000ab|3|4|0",
            "ce1|00000000000000ab|3|4|256",
            "ce1|00000000000000ab|+3|4|7",
            "ce1|00000000000000ab|03|4|7",
            "ce1|00000000000000ab|70000|4|7",
            "ce1|00000000000000ab|-3|4|7",
        ] {
            assert_eq!(CallbackData::read(foreign, 0xAB), None, "{foreign:?}");
        }
    }
}
