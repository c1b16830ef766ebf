//! What happens to a tenant's templates: reviews, pauses, quality and pacing, each with the webhook that tells of it.

use super::Tenant;
use crate::config::TemplateRules;
use crate::graph::refusal::Refusal;
use crate::templates::creation::refusal;
use crate::templates::{
    Category, Draft, Due, EDITS_IN, EDITS_MOST, NAME_LOCK, Pacing, ParameterFormat, Place, Quality, Review, Status,
    Template, Templates,
};
use crate::{instant, limits};
use cloud_api::catalogue;
use cloud_api::limits::{FIRST_PAUSE, SECOND_PAUSE};
use cloud_api::time::{Span, Timestamp};
use mock_whatsapp_model::Input;
use serde_json::{Value, json};

/// Why a status changes, as webhooks tell it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cause {
    /// A word: `NONE`, `INVALID_FORMAT` and others.
    pub reason: Option<String>,
    /// What `other_info.title` says, where it is not clear from the change.
    pub title: Option<&'static str>,
}

/// How templates are reviewed by the configuration.
pub(super) fn review_of(rules: &TemplateRules) -> Review {
    Review { takes: rules.review, rejects: rules.reject.clone() }
}

impl Tenant {
    /// Its templates, to be looked at.
    pub fn templates(&self) -> &Templates {
        &self.templates
    }

    /// Its templates, to set how they are reviewed and paced.
    pub fn templates_mut(&mut self) -> &mut Templates {
        &mut self.templates
    }

    /// Makes a template, and reviews it.
    ///
    /// # Errors
    /// The documented refusal, if there are too many or one has its name and language.
    pub fn create_template(&mut self, draft: Draft) -> Result<Place, Refusal> {
        if self.templates.is_full() {
            let message = format!("This account has {} templates, which is all it can have.", limits::TEMPLATES);
            return Err(refusal(2_388_019, "Message Template Limit Exceeded", message));
        }
        if self.templates.find(&draft.name, &draft.language).is_some() {
            let message = format!(
                "There is already {} content for this template. You can create a new template and try again.",
                draft.language
            );
            return Err(refusal(2_388_024, "Content in This Language Already Exists", message));
        }
        if let Some(until) = self.templates.locked_until(&draft.name, self.time) {
            let days = NAME_LOCK.as_secs() / 86_400;
            let message = format!(
                "An approved template named {} was deleted, and its name can be used again after {days} days: from {} on.",
                draft.name,
                instant::write(until)
            );
            return Err(refusal(2_388_023, "Message Template Language is Being Deleted", message));
        }
        let identity = self.identity.clone();
        let place = self.templates.add(&identity, self.time, draft);
        self.review(place);
        Ok(place)
    }

    /// Edits a template, and reviews it again.
    ///
    /// # Errors
    /// The documented refusal, if it cannot be edited now.
    pub fn edit_template(
        &mut self,
        place: Place,
        category: Option<Category>,
        components: Option<(Value, ParameterFormat)>,
        ttl_seconds: Option<i64>,
    ) -> Result<(), Refusal> {
        let now = self.time;
        let Some(template) = self.templates.get_mut(place) else { return Ok(()) };
        let refuse = |message: String| {
            Err(Refusal::parameter("Invalid parameter", message.clone())
                .subcode(2_388_025)
                .for_people("Message template can't be edited", message))
        };
        match template.status {
            Status::Approved => {
                if category.is_some_and(|category| category != template.category) {
                    return refuse("The category of an approved template cannot be changed.".to_owned());
                }
                template.edits.retain(|edit| now.since(*edit) < EDITS_IN);
                let today = template.edits.iter().any(|edit| now.since(*edit) < Span::hours(24));
                if today || template.edits.len() >= EDITS_MOST {
                    return refuse(format!(
                        "An approved template can be edited once in 24 hours, and {EDITS_MOST} times in 30 days."
                    ));
                }
                template.edits.push(now);
            }
            Status::Rejected | Status::Paused => {}
            Status::Pending
            | Status::Disabled
            | Status::InAppeal
            | Status::Flagged
            | Status::Reinstated
            | Status::PendingDeletion
            | Status::Deleted
            | Status::LimitExceeded
            | Status::Archived => {
                return refuse(format!("A template that is {} cannot be edited.", template.status.name()));
            }
        }
        if let Some(category) = category.filter(|category| *category != template.category) {
            template.previous_category = Some(template.category);
            template.category = category;
        }
        template.ttl_seconds = ttl_seconds.or(template.ttl_seconds);
        if let Some((components, format)) = components {
            template.definition =
                crate::templates::definition::Definition::of(components.as_array().map_or(&[], Vec::as_slice));
            template.components = components;
            template.format = format;
            let value = told_components(template);
            self.announce("message_template_components_update", value);
        }
        if let Some(template) = self.templates.get_mut(place) {
            template.status = Status::Pending;
        }
        self.templates.set_due(place, None);
        self.review(place);
        Ok(())
    }

    /// Deletes templates.
    pub fn delete_templates(&mut self, places: &[Place]) {
        for place in places {
            self.templates.remove(self.time, *place);
        }
    }

    /// Reviews a template: now, or when the time for it is over.
    fn review(&mut self, place: Place) {
        match self.templates.review.takes {
            Span::ZERO => self.end_review(place),
            takes => self.templates.set_due(place, Some((self.time + takes, Due::Review))),
        }
    }

    fn end_review(&mut self, place: Place) {
        let Some(template) = self.templates.get(place) else { return };
        let passes = self.templates.review.passes(&template.name);
        let (status, reason) = if passes { (Status::Approved, "NONE") } else { (Status::Rejected, "INVALID_FORMAT") };
        self.set_template_status(place, status, None, Cause { reason: Some(reason.to_owned()), title: None });
    }

    /// Gives a template another status, for a while if so said, and tells the business.
    pub fn set_template_status(&mut self, place: Place, status: Status, lasts: Option<Span>, cause: Cause) {
        let now = self.time;
        let Some(template) = self.templates.get_mut(place) else { return };
        let before = std::mem::replace(&mut template.status, status);
        let title = match status {
            Status::Paused => {
                template.pauses = template.pauses.saturating_add(1);
                Some(if template.pauses == 1 { "FIRST_PAUSE" } else { "SECOND_PAUSE" })
            }
            Status::Approved if before == Status::Paused => Some("UNPAUSE"),
            Status::Disabled => Some("DISABLED"),
            _ => None,
        };
        let title = cause.title.or(title);
        let reason = cause
            .reason
            .unwrap_or_else(|| if status == Status::Rejected { "INVALID_FORMAT" } else { "NONE" }.to_owned());
        template.rejected_reason = if status == Status::Rejected { reason.as_str().into() } else { "NONE".into() };
        let value = told_status(template, now, &reason, title);
        let due = match status {
            Status::Paused => lasts.map(|lasts| (now + lasts, Due::Unpause)),
            Status::Pending => lasts.map(|lasts| (now + lasts, Due::Review)),
            _ => None,
        };
        let decision = template.due.filter(|(_, due)| *due == Due::Decide);
        let held = template.pacing.as_ref().filter(|pacing| !pacing.held.is_empty());
        let decision = decision.or(held.map(|pacing| (now + pacing.decide, Due::Decide)));
        self.templates.set_due(place, due.or(decision));
        self.announce("message_template_status_update", value);
    }

    /// Says what people think of a template. Where they think little of it, it is paused for 3 h, the second time for 6 h, and
    /// the third time disabled (section 5.7).
    pub fn set_template_quality(&mut self, place: Place, quality: Quality) {
        let now = self.time;
        let Some(template) = self.templates.get_mut(place) else { return };
        let before = std::mem::replace(&mut template.quality, quality);
        template.quality_at = now;
        let (sends, pauses) = (template.status.sends(), template.pauses);
        if before != quality {
            let mut value = named(template);
            value["previous_quality_score"] = json!(before.name());
            value["new_quality_score"] = json!(quality.name());
            self.announce("message_template_quality_update", value);
        }
        if quality == Quality::Red && sends {
            let (status, lasts) = match pauses {
                0 => (Status::Paused, Some(FIRST_PAUSE)),
                1 => (Status::Paused, Some(SECOND_PAUSE)),
                _ => (Status::Disabled, None),
            };
            self.set_template_status(place, status, lasts, Cause::default());
        }
    }

    /// Puts a template into another category, as a review by WhatsApp does.
    pub fn set_template_category(&mut self, place: Place, category: Category) {
        let Some(template) = self.templates.get_mut(place) else { return };
        let before = std::mem::replace(&mut template.category, category);
        if before != category {
            template.previous_category = Some(before);
            let mut value = named(template);
            value["previous_category"] = json!(before.name());
            value["new_category"] = json!(category.name());
            self.announce("template_category_update", value);
        }
    }

    /// Lets happen what is due of the templates.
    pub(super) fn tend_templates(&mut self) {
        while let Some((place, due)) = self.templates.take_due(self.time) {
            match due {
                Due::Review => self.end_review(place),
                Due::Unpause => self.set_template_status(place, Status::Approved, None, Cause::default()),
                Due::Decide => self.decide(place),
            }
        }
    }

    /// Decides what becomes of the messages of a template that are held: they go out, or fail with 132015 as the template is
    /// paused until somebody unpauses it.
    fn decide(&mut self, place: Place) {
        let Some(pacing) = self.templates.get_mut(place).and_then(|template| template.pacing.take()) else { return };
        let fails = (!pacing.release).then(|| catalogue::find(132_015, None));
        for message in pacing.held {
            self.hand_in(Input::Decide { message, fails });
        }
        if pacing.release {
            self.set_template_quality(place, Quality::Green);
        } else {
            let cause = Cause { reason: None, title: Some("RATE_LIMITING_PAUSE") };
            self.set_template_status(place, Status::Paused, None, cause);
            self.set_template_quality(place, Quality::Red);
        }
    }

    /// Makes a template prove itself: what is held of it until now goes out.
    pub fn pace_template(&mut self, place: Place, pacing: Pacing) {
        let Some(template) = self.templates.get_mut(place) else { return };
        let before = template.pacing.replace(pacing);
        if matches!(template.due, Some((_, Due::Decide))) {
            self.templates.set_due(place, None);
        }
        for message in before.into_iter().flat_map(|before| before.held) {
            self.hand_in(Input::Decide { message, fails: None });
        }
    }

    /// Whether a message of a template that is accepted now is held; the model is told, and the message noted after.
    pub(super) fn holds(&mut self, place: Place) -> bool {
        let pacing = self.templates.get_mut(place).and_then(|template| template.pacing.as_mut());
        pacing.is_some_and(|pacing| pacing.sent >= pacing.after)
    }

    /// Notes that a message of a paced template was accepted.
    pub(super) fn paced(&mut self, place: Place, message: mock_whatsapp_model::input::MessageIndex, held: bool) {
        let now = self.time;
        let Some(template) = self.templates.get_mut(place) else { return };
        let Some(pacing) = template.pacing.as_mut() else { return };
        if !held {
            pacing.sent += 1;
            return;
        }
        pacing.held.push(message);
        let at = now + pacing.decide;
        if template.due.is_none() {
            self.templates.set_due(place, Some((at, Due::Decide)));
        }
    }
}

/// What all news of a template have: its id as a number, its name and its language.
fn named(template: &Template) -> Value {
    json!({
        "message_template_id": template.id.parse::<u64>().unwrap_or_default(),
        "message_template_name": &*template.name,
        "message_template_language": &*template.language,
    })
}

fn told_status(template: &Template, now: Timestamp, reason: &str, title: Option<&str>) -> Value {
    let mut value = named(template);
    value["event"] = json!(template.status.name());
    value["message_template_category"] = json!(template.category.name());
    value["reason"] = json!(reason);
    if let Some(title) = title {
        let description = match title {
            "FIRST_PAUSE" => {
                "Your WhatsApp message template has been paused for 3 hours until it can be sent again because it had issues."
            }
            "SECOND_PAUSE" => {
                "Your WhatsApp message template has been paused for 6 hours until it can be sent again because it had issues."
            }
            "RATE_LIMITING_PAUSE" => {
                "Your WhatsApp message template has been paused because the first messages of it had poor feedback."
            }
            "UNPAUSE" => "Your WhatsApp message template can be sent again.",
            _ => "Your WhatsApp message template has been disabled and cannot be sent any more.",
        };
        value["other_info"] = json!({ "title": title, "description": description });
    }
    if template.status == Status::Disabled {
        value["disable_info"] = json!({ "disable_date": now.unix_seconds().to_string() });
    }
    if template.status == Status::Rejected {
        value["rejection_info"] = json!({
            "reason": "The template was rejected by the rule that reviews follow here.",
            "recommendation": "Edit the template, or change the rule.",
        });
    }
    value
}

fn told_components(template: &Template) -> Value {
    let mut value = named(template);
    let definition = &template.definition;
    value["message_template_element"] = json!(&*definition.body.text);
    if let Some(crate::templates::definition::Header::Text(title)) = &definition.header {
        value["message_template_title"] = json!(&*title.text);
    }
    if let Some(footer) = &definition.footer {
        value["message_template_footer"] = json!(&**footer);
    }
    if !definition.buttons.is_empty() {
        let buttons = template.components.as_array().into_iter().flatten();
        let buttons = buttons.filter_map(|component| component.get("buttons")?.as_array()).flatten();
        let told = buttons.map(|button| {
            let mut told = serde_json::Map::new();
            for (from, to) in [
                ("type", "message_template_button_type"),
                ("text", "message_template_button_text"),
                ("url", "message_template_button_url"),
                ("phone_number", "message_template_button_phone_number"),
            ] {
                if let Some(value) = button.get(from).filter(|value| !value.is_null()) {
                    told.insert(to.to_owned(), value.clone());
                }
            }
            Value::Object(told)
        });
        value["message_template_buttons"] = told.collect();
    }
    value
}
