//! The templates that a tenant has: what a send must match, what the contact then sees, and which button means STOP.

use cloud_api::limits::{PARAMETER_SPACES_MAX, TEMPLATE_BODY_MAX};
use std::sync::Arc;

/// What a template is for; it decides the price and what an opt-out means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Category {
    /// Offers.
    Marketing,
    /// News about something that the contact did.
    Utility,
}

impl Category {
    /// As webhooks spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Marketing => "marketing",
            Self::Utility => "utility",
        }
    }
}

/// An approved template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Its name.
    pub name: Arc<str>,
    /// Its language, as in `en_US`.
    pub language: &'static str,
    /// What it is for.
    pub category: Category,
    /// Its body, with `{{1}}` for the first variable and so on.
    pub body: &'static str,
    /// How many variables its body has.
    pub variables: usize,
    /// The labels of its quick-reply buttons, by place.
    pub buttons: &'static [&'static str],
}

/// The templates of one tenant; a name can be there in several languages.
#[derive(Clone, Debug)]
pub struct Templates(Vec<Template>);

impl Default for Templates {
    fn default() -> Self {
        let template = |name: &str, category, body, variables, buttons| Template {
            name: name.into(),
            language: "en_US",
            category,
            body,
            variables,
            buttons,
        };
        Self(vec![
            template("hello_world", Category::Utility, "Hello World", 0, &[]),
            template("spring_sale", Category::Marketing, "Spring is here! {{1}}", 1, &["STOP"]),
        ])
    }
}

/// Why a send does not match its template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// 132001.
    Unknown,
    /// 132000: got, wanted.
    Count(usize, usize),
    /// 132018.
    Text,
    /// 132005: the length, the longest.
    TooLong(usize, usize),
}

impl Templates {
    /// The template of a name and a language.
    pub fn find(&self, name: &str, language: &str) -> Option<&Template> {
        self.0.iter().find(|template| *template.name == *name && template.language == language)
    }
}

impl Template {
    /// What the contact sees.
    ///
    /// # Errors
    /// If the parameters do not fit.
    pub fn render(&self, parameters: &[&str]) -> Result<String, Misfit> {
        if parameters.len() != self.variables {
            return Err(Misfit::Count(parameters.len(), self.variables));
        }
        check_texts(parameters)?;
        let mut text = String::with_capacity(self.body.len() + 32);
        let mut rest = self.body;
        while let Some((before, behind)) = rest.split_once("{{") {
            let (number, after) = behind.split_once("}}").unwrap_or((behind, ""));
            text.push_str(before);
            let place = number.parse::<usize>().unwrap_or(0).wrapping_sub(1);
            text.push_str(parameters.get(place).copied().unwrap_or_default());
            rest = after;
        }
        text.push_str(rest);
        match text.chars().count() {
            length if length > TEMPLATE_BODY_MAX => Err(Misfit::TooLong(length, TEMPLATE_BODY_MAX)),
            _ => Ok(text),
        }
    }
}

/// Whether texts may be template parameters.
///
/// # Errors
/// If one has a line break, a tab or too many spaces in a row.
pub fn check_texts(parameters: &[&str]) -> Result<(), Misfit> {
    const _: () = assert!(PARAMETER_SPACES_MAX == 4, "the pattern below has one more");
    let broken = |text: &&str| text.contains(['\n', '\r', '\t']) || text.contains("     ");
    if parameters.iter().any(broken) { Err(Misfit::Text) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_stand_where_the_body_names_them() {
        let templates = Templates::default();
        let sale = templates.find("spring_sale", "en_US").unwrap();
        assert_eq!(sale.render(&["Ana {{1}}"]), Ok("Spring is here! Ana {{1}}".to_owned()));
        assert_eq!(sale.render(&[]), Err(Misfit::Count(0, 1)));
        assert_eq!(sale.render(&["a\tb"]), Err(Misfit::Text));
        assert_eq!(sale.render(&["a    b"]), Ok("Spring is here! a    b".to_owned()));
        assert_eq!(sale.render(&["a     b"]), Err(Misfit::Text));
        assert!(matches!(sale.render(&["x".repeat(1_024).as_str()]), Err(Misfit::TooLong(..))));
        assert_eq!(templates.find("spring_sale", "de"), None);
    }
}
