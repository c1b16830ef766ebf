//! Ready-made templates: listed by `GET /message_template_library`, and what `library_template_name` of a new template names.
//! The API is Meta's, the templates are ours: nobody outside knows all of Meta's, and they change.

use super::{created, items};
use crate::graph::call::{Call, Done, Outcome};
use crate::graph::paging::Paging;
use crate::graph::parameters::Parameters;
use crate::graph::refusal::Refusal;
use crate::templates::{Draft, Status};
use crate::tenant::Tenant;
use crate::tenant::templates::Cause;
use serde_json::{Map, Value, json};

/// The language of all of them.
const LANGUAGE: &str = "en_US";

/// Templates on a page at most.
const PAGE_MOST: u64 = 100;

/// Ids that no object of a tenant has.
const FIRST_ID: usize = 900_000_000_000_001;

/// A ready-made template.
#[derive(Debug)]
struct Ready {
    name: &'static str,
    topic: &'static str,
    usecase: &'static str,
    industries: &'static [&'static str],
    header: Option<&'static str>,
    body: &'static str,
    /// What stands for the body's variables, each with what it is.
    samples: &'static [(&'static str, &'static str)],
    buttons: &'static [Button],
}

#[derive(Debug)]
enum Button {
    Url(&'static str, &'static str),
    Call(&'static str, &'static str),
    Reply(&'static str),
}

const ALL: &[Ready] = &[
    Ready {
        name: "order_received_1",
        topic: "ORDER_MANAGEMENT",
        usecase: "ORDER_CONFIRMATION",
        industries: &["E_COMMERCE"],
        header: Some("We have your order"),
        body: "Thank you, {{1}}. We have received your order {{2}} and will write again as soon as it leaves us.",
        samples: &[("Ada", "TEXT"), ("A-1042", "TEXT")],
        buttons: &[Button::Url("See the order", "https://www.example.com/orders")],
    },
    Ready {
        name: "parcel_on_its_way_1",
        topic: "ORDER_MANAGEMENT",
        usecase: "SHIPMENT_CONFIRMATION",
        industries: &["E_COMMERCE"],
        header: None,
        body: "Good news: your order {{1}} has left our warehouse. It should be with you on {{2}} before the evening.",
        samples: &[("A-1042", "TEXT"), ("May 3", "DATE")],
        buttons: &[Button::Url("Track the parcel", "https://www.example.com/track")],
    },
    Ready {
        name: "parcel_missed_you_1",
        topic: "ORDER_MANAGEMENT",
        usecase: "DELIVERY_FAILED",
        industries: &["E_COMMERCE"],
        header: None,
        body: "We could not hand over your order {{1}} today. Please tell us when you will be at home to take it.",
        samples: &[("A-1042", "TEXT")],
        buttons: &[Button::Reply("Tomorrow"), Button::Call("Call us", "+15550100199")],
    },
    Ready {
        name: "appointment_tomorrow_1",
        topic: "EVENT_REMINDER",
        usecase: "APPOINTMENT_REMINDER",
        industries: &["E_COMMERCE", "FINANCIAL_SERVICES"],
        header: None,
        body: "This is a reminder of your appointment on {{1}} at our branch in {{2}} with one of our advisers.",
        samples: &[("May 3, 10:30", "DATE"), ("High Street", "ADDRESS")],
        buttons: &[Button::Reply("I will come"), Button::Reply("Another day")],
    },
    Ready {
        name: "payment_is_due_1",
        topic: "PAYMENTS",
        usecase: "PAYMENT_DUE_REMINDER",
        industries: &["FINANCIAL_SERVICES"],
        header: Some("A payment is due"),
        body: "Your payment of {{1}} is due on {{2}}. If you have paid it already, there is nothing left to do.",
        samples: &[("$75.00", "AMOUNT"), ("May 3", "DATE")],
        buttons: &[Button::Url("Pay now", "https://www.example.com/pay")],
    },
    Ready {
        name: "balance_is_low_1",
        topic: "PAYMENTS",
        usecase: "LOW_BALANCE_WARNING",
        industries: &["FINANCIAL_SERVICES"],
        header: None,
        body: "The balance of your account that ends in {{1}} is now {{2}}, which is below the limit that you set.",
        samples: &[("1234", "TEXT"), ("$12.50", "AMOUNT")],
        buttons: &[],
    },
    Ready {
        name: "how_was_it_1",
        topic: "CUSTOMER_FEEDBACK",
        usecase: "FEEDBACK_SURVEY",
        industries: &["E_COMMERCE", "FINANCIAL_SERVICES"],
        header: None,
        body: "How did you like {{1}}? Two minutes of yours would help us to do it better the next time around.",
        samples: &[("your new lamp", "TEXT")],
        buttons: &[Button::Url("Answer", "https://www.example.com/survey")],
    },
];

impl Button {
    fn show(&self) -> Value {
        match self {
            Self::Url(text, url) => json!({ "type": "URL", "text": text, "url": url }),
            Self::Call(text, number) => json!({ "type": "PHONE_NUMBER", "text": text, "phone_number": number }),
            Self::Reply(text) => json!({ "type": "QUICK_REPLY", "text": text }),
        }
    }
}

impl Ready {
    fn show(&self, place: usize) -> Value {
        let parts = |part: fn(&(&'static str, &'static str)) -> &'static str| -> Vec<&str> {
            self.samples.iter().map(part).collect()
        };
        let mut shown = json!({
            "name": self.name,
            "language": LANGUAGE,
            "category": "UTILITY",
            "topic": self.topic,
            "usecase": self.usecase,
            "industry": self.industries,
            "body": self.body,
            "body_params": parts(|sample| sample.0),
            "body_param_types": parts(|sample| sample.1),
            "buttons": self.buttons.iter().map(Button::show).collect::<Vec<_>>(),
            "id": (FIRST_ID + place).to_string(),
        });
        if let Some(header) = self.header {
            shown["header"] = header.into();
        }
        shown
    }

    fn admits(&self, parameters: &Parameters) -> bool {
        let is = |name: &str, values: &[&str]| {
            let wanted = parameters.text(name).filter(|wanted| !wanted.is_empty());
            wanted.is_none_or(|wanted| values.iter().any(|value| value.eq_ignore_ascii_case(&wanted)))
        };
        let search = parameters.text("search").unwrap_or_default().to_lowercase();
        is("name", &[self.name])
            && is("topic", &[self.topic])
            && is("usecase", &[self.usecase])
            && is("industry", self.industries)
            && is("language", &[LANGUAGE])
            && (self.name.contains(&search) || self.body.to_lowercase().contains(&search))
    }

    /// Its components, with the buttons as `inputs` would have them.
    fn components(&self, inputs: &[Value]) -> Result<Value, Refusal> {
        let mut components = Vec::new();
        if let Some(header) = self.header {
            components.push(json!({ "type": "HEADER", "format": "TEXT", "text": header }));
        }
        let samples: Vec<&str> = self.samples.iter().map(|sample| sample.0).collect();
        components.push(json!({ "type": "BODY", "text": self.body, "example": { "body_text": [samples] } }));
        let mut buttons: Vec<Value> = self.buttons.iter().map(Button::show).collect();
        let mut taken = vec![false; buttons.len()];
        for input in inputs {
            let kind = input["type"].as_str().unwrap_or_default().to_ascii_uppercase();
            // The n-th input of a type is for the n-th button of that type.
            let fits = |(place, button): &(usize, &Value)| button["type"] == *kind && !taken[*place];
            let found = buttons.iter().enumerate().find(fits).map(|(place, _)| place);
            let Some(place) = found else {
                let why = format!("{} has no further button of type `{kind}`", self.name);
                return Err(invalid("library_template_button_inputs does not match the template's buttons", why));
            };
            taken[place] = true;
            put(&mut buttons[place], input);
        }
        if !buttons.is_empty() {
            components.push(json!({ "type": "BUTTONS", "buttons": buttons }));
        }
        Ok(Value::Array(components))
    }
}

/// Makes a button what an input says.
fn put(button: &mut Value, input: &Value) {
    if let Some(url) = input.pointer("/url/base_url") {
        button["url"] = url.clone();
    }
    if let Some(example) = input.pointer("/url/url_suffix_example") {
        button["example"] = json!([example]);
    }
    if let Some(number) = input.get("phone_number") {
        button["phone_number"] = number.clone();
    }
}

fn invalid(details: &str, why: impl Into<String>) -> Refusal {
    Refusal::parameter("Invalid parameter", why).details(details)
}

/// `GET /message_template_library`.
pub(in crate::graph) async fn list(call: Call<'_>) -> Done {
    let parameters = Parameters::of(&call);
    let paging = Paging::of(&call, &parameters, PAGE_MOST)?;
    let fields = parameters.texts("fields").unwrap_or_default();
    let found = ALL.iter().enumerate().filter(|(_, ready)| ready.admits(&parameters));
    let found: Vec<Value> = found.map(|(place, ready)| only(ready.show(place), &fields)).collect();
    let ((), at) = call.tenant(|_, _| Ok(())).await?;
    Ok(Outcome::reply(at, paging.page(&found)))
}

/// An object with the fields that are wanted; all, where nobody says.
fn only(shown: Value, fields: &[String]) -> Value {
    match shown {
        Value::Object(all) if !fields.is_empty() => {
            let is_wanted = |name: &String| name == "id" || fields.contains(name);
            Value::Object(all.into_iter().filter(|(name, _)| is_wanted(name)).collect::<Map<_, _>>())
        }
        shown => shown,
    }
}

/// The components of a new template that is made from a ready one; `None` if it is not.
pub(super) fn chosen(parameters: &Parameters, language: &str) -> Result<Option<Value>, Refusal> {
    if parameters.value("library_template_name").is_none() {
        return Ok(None);
    }
    // A list or an object would otherwise count as absent here, and as present where it spares the review.
    let name = parameters.text("library_template_name").ok_or_else(|| {
        Refusal::parameter("Param library_template_name must be a string.", "library_template_name is a text")
    })?;
    let Some(ready) = ALL.iter().find(|ready| ready.name == name) else {
        let names: Vec<&str> = ALL.iter().map(|ready| ready.name).collect();
        let why = format!("GET /message_template_library lists what there is here: {}", names.join(", "));
        return Err(invalid("library_template_name is not in the template library", why));
    };
    if language != LANGUAGE {
        let why = format!("{name} is there in {LANGUAGE} alone");
        return Err(invalid("The library template is not available in this language", why));
    }
    if parameters.value("library_template_body_inputs").is_some() {
        let why = format!("the body of {name} takes none: such inputs are for ready-made authentication templates");
        return Err(invalid("library_template_body_inputs is not known", why));
    }
    let inputs = items(parameters, "library_template_button_inputs")?;
    let inputs = inputs.as_ref().and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    ready.components(inputs).map(Some)
}

/// Creates a template from a ready one, which needs no review.
pub(super) fn create(tenant: &mut Tenant, draft: Draft) -> Result<Value, Refusal> {
    let place = tenant.create_template(draft)?;
    if tenant.templates().get(place).is_some_and(|template| template.status == Status::Pending) {
        tenant.set_template_status(place, Status::Approved, None, Cause::default());
    }
    Ok(created(tenant, place))
}
