//! Between the domain and the wire: what goes into a request, and what an answer or a webhook says. Pure.

use crate::event::{Answer, Status};
use crate::id::{CampaignId, MessageId};
use cloud_api::catalogue::CodeIndex;
use cloud_api::error::ErrorReply;
use cloud_api::message::SendRequest;
use cloud_api::reply::SendReply;
use cloud_api::template::{Component, Parameter, Template};
use cloud_api::webhook;
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

/// The request that sends a template to a contact. `variables` fill the template's body, in order.
pub fn template_message(
    phone: u64,
    template: &str,
    language: &str,
    variables: Vec<String>,
    callback: CallbackData,
) -> SendRequest {
    let mut template = Template::new(template, language);
    if !variables.is_empty() {
        template = template.with(Component::body(variables.into_iter().map(Parameter::text).collect()));
    }
    SendRequest::template(format!("+{phone}"), template).with_callback_data(callback.to_string())
}

/// What a complete HTTP answer to a send says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// It was taken.
    Accepted {
        /// Its id.
        wamid: String,
        /// WhatsApp's own digits for the contact.
        wa_id: Option<u64>,
    },
    /// The API's error object.
    Refused {
        /// The error, as catalogued.
        code: CodeIndex,
        /// The code as it came; 0 if it is out of all bounds.
        api_code: u32,
        /// The message, and the details where there are any.
        text: String,
        /// From the header, bounded to what an event can hold.
        retry_after_seconds: u16,
    },
    /// Neither: whoever answered, it may have been taken.
    Unreadable,
}

impl Reading {
    /// The same for the core.
    pub fn answer(&self) -> Answer {
        match *self {
            Self::Accepted { .. } => Answer::Accepted,
            Self::Refused { code, retry_after_seconds, .. } => Answer::Refused { code, retry_after_seconds },
            Self::Unreadable => Answer::Unknown,
        }
    }
}

/// Reads a complete HTTP answer. The error's code decides and never the status, which only tells taken from not.
pub fn read_answer(status: u16, retry_after_seconds: Option<u64>, body: &[u8]) -> Reading {
    if (200..300).contains(&status)
        && let Some(mut reply) = SendReply::parse(body)
        && let Some(wamid) = reply.wamid().map(str::to_owned)
    {
        let wa_id = reply.contacts.pop().and_then(|contact| contact.wa_id);
        return Reading::Accepted { wamid, wa_id: wa_id.and_then(|digits| digits.parse().ok()) };
    }
    let Some(ErrorReply { error }) = ErrorReply::parse(body) else { return Reading::Unreadable };
    let text = match error.details() {
        // The catalogue's title is often all the explanation there is; the message has it already, behind the code.
        Some(details) if !error.message.ends_with(details) => format!("{}: {details}", error.message),
        Some(_) | None => error.message.clone(),
    };
    let seconds = retry_after_seconds.unwrap_or(0);
    Reading::Refused {
        code: error.index(),
        api_code: u32::try_from(error.code).unwrap_or(0),
        text,
        retry_after_seconds: u16::try_from(seconds).unwrap_or(u16::MAX),
    }
}

/// What a status webhook says. None for what says nothing about the message's way, and for values nobody knows.
pub fn status(status: &webhook::Status) -> Option<Status> {
    use cloud_api::webhook::StatusKind;
    match status.status {
        StatusKind::Sent => Some(Status::Sent),
        StatusKind::Delivered => Some(Status::Delivered),
        StatusKind::Read | StatusKind::Played => Some(Status::Read),
        StatusKind::Failed => {
            let code = status.errors.first().map_or(CodeIndex::UNLISTED, |error| error.index());
            Some(Status::Failed(code))
        }
        StatusKind::Deleted | StatusKind::Warning | StatusKind::Pending | StatusKind::Other(_) => None,
    }
}

/// The failure of a status webhook in WhatsApp's words: the code as it came, and the text.
pub fn failure(status: &webhook::Status) -> Option<(u32, String)> {
    let error = status.errors.first()?;
    let title = error.title.as_deref().or(error.message.as_deref()).unwrap_or_default();
    let text = match error.details() {
        Some(details) if details != title => format!("{title}: {details}"),
        Some(_) | None => title.to_owned(),
    };
    Some((u32::try_from(error.code).unwrap_or(0), text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cloud_api::webhook::{EventTime, StatusKind};

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

    #[test]
    fn a_template_message_carries_its_variables_in_order_and_whose_attempt_it_is() {
        let callback = CallbackData { store: 1, campaign: CampaignId(0), message: MessageId(9), number: 2 };
        let variables = vec!["Ana".to_owned(), "20%".to_owned()];
        let request = template_message(14_155_550_132, "sale", "en_US", variables, callback);
        assert_eq!(request.to.as_deref(), Some("+14155550132"));
        assert_eq!(request.biz_opaque_callback_data, Some(callback.to_string()));
        let template = request.template.unwrap();
        assert_eq!((template.name.as_str(), template.language.code.as_str()), ("sale", "en_US"));
        let texts: Vec<_> = template.components[0].parameters.iter().map(|value| value.text.clone().unwrap()).collect();
        assert_eq!(texts, ["Ana", "20%"]);
        let bare = template_message(14_155_550_132, "hello", "en_US", Vec::new(), callback);
        assert!(bare.template.unwrap().components.is_empty(), "no component without variables");
    }

    #[test]
    fn an_answer_is_read_by_its_body_and_what_is_not_the_apis_is_unknown() {
        let accepted =
            br#"{"contacts":[{"input":"+14155550132","wa_id":"14155550199"}],"messages":[{"id":"wamid.A"}]}"#;
        let read = read_answer(200, None, accepted);
        assert_eq!(read, Reading::Accepted { wamid: "wamid.A".into(), wa_id: Some(14_155_550_199) });
        let refused =
            br#"{"error":{"message":"(#130429) Rate limit hit","code":130429,"error_data":{"details":"Slower"}}}"#;
        let Reading::Refused { code, api_code, text, retry_after_seconds } = read_answer(500, Some(99_999), refused)
        else {
            panic!("the API's JSON counts, whatever the status")
        };
        assert_eq!((code.code(), api_code, retry_after_seconds), (130_429, 130_429, u16::MAX));
        assert_eq!(text, "(#130429) Rate limit hit: Slower");
        for (status, body) in [
            (502, "<html>Bad Gateway</html>"),
            (200, ""),
            (200, "{\"messages\":[]}"),
            (200, "{\"messages\":[{\"id\":\"wamid.A\"}"),
            (503, "{\"messages\":[{\"id\":\"wamid.A\"}]}"),
            (404, "not found"),
        ] {
            assert_eq!(read_answer(status, None, body.as_bytes()).answer(), Answer::Unknown, "{status} {body}");
        }
    }

    #[test]
    fn every_status_is_one_of_four_or_says_nothing() {
        let of = |kind: &str| {
            let kind: StatusKind = serde_kind(kind);
            status(&webhook::Status::new("wamid.A", kind, EventTime::Text(1), "14155550132"))
        };
        assert_eq!(of("sent"), Some(Status::Sent));
        assert_eq!(of("delivered"), Some(Status::Delivered));
        assert_eq!(of("read"), Some(Status::Read));
        assert_eq!(of("played"), Some(Status::Read));
        assert_eq!(of("failed"), Some(Status::Failed(CodeIndex::UNLISTED)), "without saying why");
        for nothing in ["deleted", "warning", "pending", "novelty"] {
            assert_eq!(of(nothing), None, "{nothing}");
        }
    }

    fn serde_kind(kind: &str) -> StatusKind {
        match kind {
            "sent" => StatusKind::Sent,
            "delivered" => StatusKind::Delivered,
            "read" => StatusKind::Read,
            "played" => StatusKind::Played,
            "failed" => StatusKind::Failed,
            "deleted" => StatusKind::Deleted,
            "warning" => StatusKind::Warning,
            "pending" => StatusKind::Pending,
            other => StatusKind::Other(other.into()),
        }
    }
}
