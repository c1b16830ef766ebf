//! What stands where in a JSON body, as far as it is looked at: lists, objects and the keys that they have. The values
//! themselves are read elsewhere.

use super::refusal::Refusal;
use serde_json::Value;

/// What stands at a place.
pub(crate) enum Shape {
    /// Something that is not looked at.
    Any,
    /// True or false.
    Flag,
    /// A whole number.
    Whole,
    /// A list.
    List(&'static Shape),
    /// An object; of `only` these keys, or of others as well.
    Object {
        /// Those that are looked at.
        keys: &'static [(&'static str, Shape)],
        /// Whether there are no others.
        only: bool,
    },
}

impl Shape {
    /// Whether it is a list or an object.
    pub(crate) fn is_nested(&self) -> bool {
        matches!(self, Self::List(_) | Self::Object { .. })
    }
}

pub(crate) const fn open(keys: &'static [(&'static str, Shape)]) -> Shape {
    Shape::Object { keys, only: false }
}

pub(crate) const fn only(keys: &'static [(&'static str, Shape)]) -> Shape {
    Shape::Object { keys, only: true }
}

/// An object of which nothing is looked at.
pub(crate) static OBJECT: Shape = open(&[]);

/// A place at which something stands that cannot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Misplaced {
    at: String,
    wanted: &'static str,
}

impl Misplaced {
    /// Whether it is the whole body.
    pub(crate) fn is_whole(&self) -> bool {
        self.at.is_empty()
    }

    /// (#100) The parameter is to be a list, or an object.
    pub(crate) fn refusal(&self) -> Refusal {
        let Self { at, wanted } = self;
        Refusal::parameter(format!("Param {at} must be {wanted}."), format!("what stands at {at} is not {wanted}"))
    }
}

/// The first place in a value that has neither the list nor the object that should be there. Null is as good as absent.
pub(crate) fn misplaced(value: &Value, shape: &'static Shape, at: &str) -> Option<Misplaced> {
    match (shape, value) {
        (Shape::Any | Shape::Flag | Shape::Whole, _) | (_, Value::Null) => None,
        (Shape::List(item), Value::Array(items)) => {
            let mut places = items.iter().enumerate();
            places.find_map(|(place, value)| misplaced(value, item, &format!("{at}[{place}]")))
        }
        (Shape::Object { keys, .. }, Value::Object(fields)) => keys.iter().find_map(|(key, shape)| {
            let at = if at.is_empty() { (*key).to_owned() } else { format!("{at}['{key}']") };
            misplaced(fields.get(*key)?, shape, &at)
        }),
        (Shape::List(_), _) => Some(Misplaced { at: at.to_owned(), wanted: "an array" }),
        (Shape::Object { .. }, _) => Some(Misplaced { at: at.to_owned(), wanted: "an object" }),
    }
}
