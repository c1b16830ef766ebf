//! What a message says, as a key: equal for every way to write the same message down.
//!
//! Counted in are the type and its object: of a template its name, language and components, of a text its body. Whatever
//! differs between attempts (callback data, the spelling of the number, order and absence of JSON keys) is not.

use crate::fate::{digest as bytes, join};
use cloud_api::message::{Media, MessageType, SendRequest};
use cloud_api::template::{Component, Parameter, Template};

/// The key of a message's content.
pub fn digest(request: &SendRequest) -> u64 {
    let mut key = Key::default();
    key.text(request.kind.as_str());
    match &request.kind {
        MessageType::Text => key.maybe(request.text.as_ref().map(|text| text.body.as_str())),
        MessageType::Template => key.each(request.template.as_slice(), Key::template),
        MessageType::Image => key.each(request.image.as_slice(), Key::media),
        MessageType::Video => key.each(request.video.as_slice(), Key::media),
        MessageType::Audio => key.each(request.audio.as_slice(), Key::media),
        MessageType::Document => key.each(request.document.as_slice(), Key::media),
        MessageType::Sticker => key.each(request.sticker.as_slice(), Key::media),
        MessageType::Reaction => key.each(request.reaction.as_slice(), |key, reaction| {
            key.text(&reaction.message_id);
            key.maybe(reaction.emoji.as_deref());
        }),
        MessageType::Interactive => key.json(request.interactive.as_ref()),
        MessageType::Location => key.json(request.location.as_ref()),
        MessageType::Contacts => key.json(request.contacts.as_ref()),
        MessageType::Other(_) => {}
    }
    key.0
}

/// A key under construction. Every part is told from its absence, every list from a longer one.
#[derive(Default)]
struct Key(u64);

impl Key {
    fn number(&mut self, number: u64) {
        self.0 = join(self.0, number);
    }

    fn text(&mut self, text: &str) {
        self.number(bytes(text.as_bytes()));
    }

    fn maybe(&mut self, text: Option<&str>) {
        self.number(u64::from(text.is_some()));
        if let Some(text) = text {
            self.text(text);
        }
    }

    fn each<T>(&mut self, list: &[T], one: impl Fn(&mut Self, &T)) {
        self.number(list.len() as u64);
        for element in list {
            one(self, element);
        }
    }

    /// Values without a type of their own: written compactly, with their keys in order.
    fn json(&mut self, value: Option<&impl ToString>) {
        self.maybe(value.map(ToString::to_string).as_deref());
    }

    fn template(&mut self, template: &Template) {
        self.text(&template.name);
        self.text(&template.language.code);
        self.each(&template.components, Self::component);
    }

    fn component(&mut self, component: &Component) {
        self.text(component.kind.as_str());
        self.maybe(component.sub_type.as_ref().map(|kind| kind.as_str()));
        self.number(component.index.map_or(0, |index| u64::from(index.0) + 1));
        self.each(&component.parameters, Self::parameter);
        self.each(&component.cards, |key, card| {
            key.number(card.card_index.map_or(0, |index| index as u64 + 1));
            key.each(&card.components, Self::component);
        });
    }

    fn parameter(&mut self, parameter: &Parameter) {
        self.maybe(parameter.kind.as_ref().map(|kind| kind.as_str()));
        for text in [&parameter.parameter_name, &parameter.text, &parameter.payload, &parameter.coupon_code] {
            self.maybe(text.as_deref());
        }
        for media in [&parameter.image, &parameter.video, &parameter.document] {
            self.each(media.as_slice(), Self::media);
        }
        self.each(parameter.currency.as_slice(), |key, currency| {
            key.text(&currency.fallback_value);
            key.text(&currency.code);
            key.number(currency.amount_1000.map_or(0, |amount| amount as u64 + 1));
        });
        self.each(parameter.date_time.as_slice(), |key, time| key.text(&time.fallback_value));
        for value in [&parameter.location, &parameter.product, &parameter.action, &parameter.limited_time_offer] {
            self.json(value.as_ref());
        }
    }

    fn media(&mut self, media: &Media) {
        for text in [&media.id, &media.link, &media.caption, &media.filename] {
            self.maybe(text.as_deref());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cloud_api::template::ButtonType;

    fn sale(text: &str) -> SendRequest {
        let template = Template::new("spring_sale", "en_US").with(Component::body(vec![Parameter::text(text)]));
        SendRequest::template("+14155550123", template)
    }

    #[test]
    fn what_differs_between_attempts_does_not_count() {
        let other_spelling = SendRequest { to: Some("1 415 555-0123".to_owned()), recipient_type: None, ..sale("Ana") };
        assert_eq!(digest(&sale("Ana")), digest(&other_spelling));
        assert_eq!(digest(&sale("Ana")), digest(&sale("Ana").with_callback_data("c:1|a:2")));
        let untyped = SendRequest { kind: MessageType::default(), ..SendRequest::text("1", "x") };
        assert_eq!(digest(&untyped), digest(&SendRequest::text("2", "x")));
    }

    #[test]
    fn what_the_contact_sees_counts() {
        let button = Component::button(ButtonType::QuickReply, 0, Parameter::payload("STOP"));
        let with_button = Template::new("spring_sale", "en_US").with(button);
        let messages = [
            sale("Ana"),
            sale("Ben"),
            SendRequest::template("1", Template::new("spring_sale", "en_US")),
            SendRequest::template("1", Template::new("spring_sale", "de")),
            SendRequest::template("1", Template::new("autumn_sale", "en_US")),
            SendRequest::template("1", with_button),
            SendRequest::text("1", "spring_sale"),
            SendRequest::text("1", ""),
            SendRequest { text: None, ..SendRequest::text("1", "") },
        ];
        let keys: Vec<u64> = messages.iter().map(digest).collect();
        for (place, key) in keys.iter().enumerate() {
            assert!(!keys[..place].contains(key), "{:?}", messages[place]);
        }
    }

    #[test]
    fn keys_are_pinned_since_every_fingerprint_hangs_on_them() {
        assert_eq!(digest(&SendRequest::text("1", "hello")), 8_960_041_690_941_920_940);
        assert_eq!(digest(&sale("Ana")), 14_074_632_422_134_251_466);
    }
}
