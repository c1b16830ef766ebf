//! What the business is told of its account, its numbers and its templates: webhook fields beside `messages`, in words that
//! the model only knows a handle on. Bounded by bytes; the oldest go first. When there is something to tell is decided by
//! whoever calls [`Tenant::announce`].

use super::Tenant;
use crate::limits::NOTICE_BYTES;
use mock_whatsapp_model::Input;
use mock_whatsapp_model::input::NumberId;
use serde_json::Value;
use std::collections::VecDeque;

/// One piece of news.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// The webhook field, as in `message_template_status_update`.
    pub field: Box<str>,
    /// What the change carries.
    pub value: Value,
    bytes: usize,
}

/// The news by handle.
#[derive(Clone, Debug, Default)]
pub struct Notices {
    all: VecDeque<Notice>,
    first: u32,
    bytes: usize,
}

impl Notices {
    fn push(&mut self, field: &str, value: Value) -> u32 {
        // The text twice over, for its tree, and the rest of the entry.
        let bytes = 2 * value.to_string().len() + field.len() + size_of::<Notice>();
        self.bytes += bytes;
        self.all.push_back(Notice { field: field.into(), value, bytes });
        while self.bytes > NOTICE_BYTES
            && self.all.len() > 1
            && let Some(oldest) = self.all.pop_front()
        {
            self.bytes -= oldest.bytes;
            self.first += 1;
        }
        self.first + self.all.len() as u32 - 1
    }

    /// What it takes in memory, about, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The news under a handle.
    pub fn get(&self, handle: u32) -> Option<&Notice> {
        self.all.get(handle.checked_sub(self.first)? as usize)
    }

    pub(super) fn clear(&mut self) {
        *self = Self { first: self.first + self.all.len() as u32, ..Self::default() };
    }
}

impl Tenant {
    /// Tells the business something, at the tenant's present moment: a webhook of any field, signed, and delivered again like
    /// every other. Gives the webhook's number, which is `w…` in the control API.
    pub fn announce(&mut self, field: &str, value: Value) -> u64 {
        self.announce_about(self.number, field, value)
    }

    /// The same about any of its numbers.
    pub(super) fn announce_about(&mut self, number: NumberId, field: &str, value: Value) -> u64 {
        let webhook = self.webhooks.next();
        let words = self.notices.push(field, value);
        self.hand_in(Input::Notify { number, words });
        self.settle_nowhere();
        webhook
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_news_go_first_and_handles_stay() {
        let mut notices = Notices::default();
        let long = Value::String("x".repeat(NOTICE_BYTES / 5));
        let handles: Vec<u32> = (0..4).map(|_| notices.push("security", long.clone())).collect();
        assert_eq!(handles, [0, 1, 2, 3]);
        assert_eq!((notices.get(1), notices.get(3).map(|notice| &*notice.field)), (None, Some("security")));
        notices.clear();
        assert_eq!((notices.push("security", Value::Null), notices.get(3)), (4, None));
    }
}
