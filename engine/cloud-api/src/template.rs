//! The template object of a message: name, language, and what its variables are filled with (section 2.5).
//!
//! Whether it fits the approved template is not checked here; the template's own definition is not modelled either.

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::lenient;
use crate::message::Media;

/// A template as a message names it. Names that are missing read as empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Template {
    /// The template's name.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub name: String,
    /// The language of the approved text.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub language: Language,
    /// What fills the variables; absent where there are none.
    #[serde(default, deserialize_with = "lenient::null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Component>,
}

/// A template's language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Language {
    /// As in `en_US` or `de`.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub code: String,
    /// `deterministic`, from older clients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
}

/// The variables of one part of a template.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Component {
    /// The part.
    #[serde(rename = "type")]
    pub kind: ComponentType,
    /// Of which kind a button is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_type: Option<ButtonType>,
    /// A button's place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<ButtonIndex>,
    /// The values: by order, or by name.
    #[serde(default, deserialize_with = "lenient::null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Parameter>,
    /// The cards of a carousel.
    #[serde(default, deserialize_with = "lenient::null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub cards: Vec<Card>,
}

open_enum! {
    /// A part of a template.
    any_case ComponentType {
        /// Text, a medium or a place above the body.
        Header = "header",
        /// The text.
        Body = "body",
        /// One of the buttons.
        Button = "button",
        /// The end of an offer.
        LimitedTimeOffer = "limited_time_offer",
        /// Cards side by side.
        Carousel = "carousel",
    }
}

open_enum! {
    /// The kind of a template's button.
    any_case ButtonType {
        /// Sends its payload back when it is tapped.
        QuickReply = "quick_reply",
        /// Opens an address, which may end in a variable.
        Url = "url",
        /// Copies a code.
        CopyCode = "copy_code",
        /// Opens the catalogue of products.
        Catalog = "catalog",
        /// Opens a choice of products.
        MultiProduct = "mpm",
        /// Opens a flow.
        Flow = "flow",
    }
}

/// A button's place among all buttons of the template, from 0. Written as a string, read from a string or a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ButtonIndex(pub u32);

/// One card of a carousel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// Its place, from 0.
    #[serde(default, deserialize_with = "lenient::optional_integer", skip_serializing_if = "Option::is_none")]
    pub card_index: Option<i64>,
    /// What fills its variables.
    #[serde(default, deserialize_with = "lenient::null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Component>,
}

/// One value. Which of the fields is meant says `kind`; a server finds out here what a client left away.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// The kind of value, mandatory.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<ParameterType>,
    /// The variable's name, in templates with named ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameter_name: Option<String>,
    /// Text; also the end of a button's address, or a one-time code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What a quick-reply button sends back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    /// A picture for the header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Media>,
    /// A film for the header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video: Option<Media>,
    /// A file for the header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<Media>,
    /// An amount of money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// A time, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_time: Option<DateTime>,
    /// What a copy-code button copies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coupon_code: Option<String>,
    /// A place for the header, not typed further.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Value>,
    /// A product for the header, not typed further.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<Value>,
    /// What a button for flows or products opens, not typed further.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Value>,
    /// The end of an offer, not typed further.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limited_time_offer: Option<Value>,
}

open_enum! {
    /// The kind of a value.
    any_case ParameterType {
        /// Text.
        Text = "text",
        /// What a quick-reply button sends back.
        Payload = "payload",
        /// A picture.
        Image = "image",
        /// A film.
        Video = "video",
        /// A file.
        Document = "document",
        /// An amount of money.
        Currency = "currency",
        /// A time.
        DateTime = "date_time",
        /// A code to copy.
        CouponCode = "coupon_code",
        /// A place.
        Location = "location",
        /// A product.
        Product = "product",
        /// A button's action.
        Action = "action",
        /// The end of an offer.
        LimitedTimeOffer = "limited_time_offer",
    }
}

/// An amount of money.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Currency {
    /// The text that is shown where the amount cannot be put in the reader's way.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub fallback_value: String,
    /// The currency, as in `EUR`.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub code: String,
    /// The amount in thousandths.
    #[serde(default, deserialize_with = "lenient::optional_integer", skip_serializing_if = "Option::is_none")]
    pub amount_1000: Option<i64>,
}

/// A time, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DateTime {
    /// The text that is shown.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub fallback_value: String,
}

impl Template {
    /// A template by name and language, without variables yet.
    pub fn new(name: impl Into<String>, language: impl Into<String>) -> Self {
        let language = Language { code: language.into(), policy: None };
        Self { name: name.into(), language, components: Vec::new() }
    }

    /// The same with one more component.
    #[must_use]
    pub fn with(mut self, component: Component) -> Self {
        self.components.push(component);
        self
    }
}

impl Component {
    /// The header's value.
    pub fn header(parameter: Parameter) -> Self {
        Self::of(ComponentType::Header, vec![parameter])
    }

    /// The body's values.
    pub fn body(parameters: Vec<Parameter>) -> Self {
        Self::of(ComponentType::Body, parameters)
    }

    /// The value of the button at a place, counted from 0 among all buttons.
    pub fn button(kind: ButtonType, index: u32, parameter: Parameter) -> Self {
        let index = Some(ButtonIndex(index));
        Self { sub_type: Some(kind), index, ..Self::of(ComponentType::Button, vec![parameter]) }
    }

    fn of(kind: ComponentType, parameters: Vec<Parameter>) -> Self {
        Self { kind, sub_type: None, index: None, parameters, cards: Vec::new() }
    }
}

impl Parameter {
    /// Text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { kind: Some(ParameterType::Text), text: Some(text.into()), ..Self::default() }
    }

    /// What a quick-reply button sends back.
    pub fn payload(payload: impl Into<String>) -> Self {
        Self { kind: Some(ParameterType::Payload), payload: Some(payload.into()), ..Self::default() }
    }

    /// A picture.
    pub fn image(image: Media) -> Self {
        Self { kind: Some(ParameterType::Image), image: Some(image), ..Self::default() }
    }

    /// A film.
    pub fn video(video: Media) -> Self {
        Self { kind: Some(ParameterType::Video), video: Some(video), ..Self::default() }
    }

    /// A file.
    pub fn document(document: Media) -> Self {
        Self { kind: Some(ParameterType::Document), document: Some(document), ..Self::default() }
    }

    /// The same under the name of its variable.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.parameter_name = Some(name.into());
        self
    }
}

impl Serialize for ButtonIndex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ButtonIndex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Index;
        impl Visitor<'_> for Index {
            type Value = ButtonIndex;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a button's place, from 0, as a string or a number")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<ButtonIndex, E> {
                let place = u32::try_from(number);
                place.map(ButtonIndex).map_err(|_| E::invalid_value(de::Unexpected::Unsigned(number), &self))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<ButtonIndex, E> {
                text.parse().map(ButtonIndex).map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(Index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_constructors_make_the_documented_request() {
        let template = Template::new("spring_sale_v2", "en_US")
            .with(Component::header(Parameter::image(Media::by_id("884455667788990"))))
            .with(Component::body(vec![Parameter::text("Ana").named("first_name"), Parameter::text("20%")]))
            .with(Component::button(ButtonType::QuickReply, 1, Parameter::payload("STOP_PROMO")));
        assert_eq!(
            serde_json::to_value(template).unwrap(),
            json!({
                "name": "spring_sale_v2",
                "language": {"code": "en_US"},
                "components": [
                    {"type": "header", "parameters": [{"type": "image", "image": {"id": "884455667788990"}}]},
                    {"type": "body", "parameters": [
                        {"type": "text", "parameter_name": "first_name", "text": "Ana"}, {"type": "text", "text": "20%"}
                    ]},
                    {"type": "button", "sub_type": "quick_reply", "index": "1",
                     "parameters": [{"type": "payload", "payload": "STOP_PROMO"}]}
                ]
            })
        );
    }

    #[test]
    fn a_template_without_variables_has_no_components() {
        let template = serde_json::to_value(Template::new("hello_world", "en_US")).unwrap();
        assert_eq!(template, json!({"name": "hello_world", "language": {"code": "en_US"}}));
        let nulls = json!({"name": "hello_world", "language": {"code": "en_US", "policy": null}, "components": null});
        assert_eq!(serde_json::from_value::<Template>(nulls).unwrap(), Template::new("hello_world", "en_US"));
    }

    #[test]
    fn a_buttons_place_is_a_string_or_a_number() {
        for index in [json!("1"), json!(1)] {
            let button = json!({"type": "BUTTON", "sub_type": "URL", "index": index, "parameters": null});
            let component: Component = serde_json::from_value(button).unwrap();
            assert_eq!((component.index, component.sub_type), (Some(ButtonIndex(1)), Some(ButtonType::Url)));
        }
        for index in [json!("first"), json!(-1), json!(1.5), json!({})] {
            assert!(serde_json::from_value::<ButtonIndex>(index.clone()).is_err(), "{index}");
        }
    }
}
