//! `/{phone-number-id}/message_qrdls`: links that begin a chat, and their QR codes.

use super::call::{Call, Done, Outcome, spell};
use super::enumeration::one_of;
use super::fields::{self, Field, Kind};
use super::paging::Paging;
use super::parameters::Parameters;
use super::refusal::Refusal;
use super::route::Verb;
use crate::tenant::numbers::QrCode;
use mock_whatsapp_model::fate::{digest, join};
use serde_json::{Map, Value, json};

/// The longest message, in characters, and links of a number (section 6.8).
const MESSAGE_MOST: usize = 140;
const CODES: usize = 2_000;

const KIND: Kind = Kind {
    name: "WhatsAppBusinessQRCode",
    usual: &["code", "prefilled_message", "deep_link_url"],
    never: &["qr_image_url", "creation_time"],
};

fn show(code: &QrCode, wanted: &[Field]) -> Result<Value, Refusal> {
    let mut all = Map::new();
    all.insert("code".to_owned(), code.code.clone().into());
    all.insert("prefilled_message".to_owned(), code.message.clone().into());
    all.insert("deep_link_url".to_owned(), link(code).into());
    if let Some(image) = wanted.iter().find(|field| field.name == "qr_image_url") {
        let format = image.modifier.trim_start_matches(".format(").trim_end_matches(')');
        all.insert("qr_image_url".to_owned(), picture(code, if format.is_empty() { "SVG" } else { format }).into());
    }
    fields::select(&KIND, wanted, &all)
}

fn link(code: &QrCode) -> String {
    format!("https://wa.me/message/{}", code.code)
}

/// Where the picture would be. There is none.
fn picture(code: &QrCode, format: &str) -> String {
    format!("https://scontent.whatsapp.net/m1/v/qr/{}.{}", code.code, format.to_ascii_lowercase())
}

/// Makes a link, or changes what one begins with.
pub(super) async fn post(call: Call<'_>) -> Done {
    let parameters = Parameters::of(&call);
    let message = parameters.needed("prefilled_message")?;
    if message.chars().count() > MESSAGE_MOST {
        let text = format!("Param prefilled_message must be at most {MESSAGE_MOST} characters long.");
        return Err(Refusal::parameter(text, "the message is too long").into());
    }
    let format = parameters.text("generate_qr_image");
    let format = format.map(|word| one_of("generate_qr_image", &word, &["PNG", "SVG"], "a picture is a PNG or an SVG"));
    let format = format.transpose()?;
    // One that is to be changed is named in the path or by a parameter.
    let named = Some(call.item.clone()).filter(|code| !code.is_empty());
    let wanted = named.or_else(|| parameters.text("code").filter(|code| !code.is_empty()));
    let done = call.with_number(move |tenant, id| {
        let Some(number) = tenant.numbers_mut().get_mut(&id) else { return Ok(Value::Null) };
        let code = match wanted {
            Some(wanted) => {
                let known = number
                    .codes
                    .iter_mut()
                    .find(|code| code.code == wanted)
                    .ok_or_else(|| unknown(Verb::Post, &wanted))?;
                known.message = message;
                known.clone()
            }
            None => {
                if number.codes.len() >= CODES {
                    return Err(Refusal::parameter("Invalid parameter", format!("a number has at most {CODES} links")));
                }
                let mut key = join(digest(id.as_bytes()), digest(message.as_bytes()));
                let name = loop {
                    let name = name(key);
                    if number.codes.iter().all(|code| code.code != name) {
                        break name;
                    }
                    key = join(key, 1);
                };
                number.codes.push(QrCode { code: name, message });
                number.codes[number.codes.len() - 1].clone()
            }
        };
        let mut shown = show(&code, &fields::wanted(&Parameters::default(), &KIND))?;
        if let Some(format) = format {
            shown["qr_image_url"] = picture(&code, format).into();
        }
        Ok(shown)
    });
    let (body, at) = done.await?;
    Ok(Outcome::reply(at, body))
}

/// Fourteen letters and digits.
fn name(mut key: u64) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let letter = |_| {
        let letter = char::from(LETTERS[(key & 31) as usize]);
        key = key.rotate_right(5) ^ 9;
        letter
    };
    (0..14).map(letter).collect()
}

fn unknown(verb: Verb, code: &str) -> Refusal {
    Refusal::no_object(
        spell(verb),
        code,
        "the number has no such link: POST /{phone-number-id}/message_qrdls makes one",
    )
}

/// One link.
pub(super) async fn get(call: Call<'_>) -> Done {
    let (wanted, code) = (fields::wanted(&Parameters::of(&call), &KIND), call.item.clone());
    let found = call.with_number(move |tenant, id| {
        let codes = tenant.numbers().get(&id).map_or(&[][..], |number| &number.codes);
        let found = codes.iter().filter(|known| known.code == code).map(|code| show(code, &wanted));
        Ok(json!({ "data": found.collect::<Result<Vec<_>, _>>()? }))
    });
    let (body, at) = found.await?;
    Ok(Outcome::reply(at, body))
}

/// All links.
pub(super) async fn list(call: Call<'_>) -> Done {
    let parameters = Parameters::of(&call);
    let (wanted, paging) = (fields::wanted(&parameters, &KIND), Paging::of(&call, &parameters, 100)?);
    let found = call.with_number(move |tenant, id| {
        let codes = tenant.numbers().get(&id).map_or(&[][..], |number| &number.codes);
        let shown = codes.iter().map(|code| show(code, &wanted)).collect::<Result<Vec<_>, _>>()?;
        Ok(paging.page(&shown))
    });
    let (body, at) = found.await?;
    Ok(Outcome::reply(at, body))
}

/// Deletes a link.
pub(super) async fn delete(call: Call<'_>) -> Done {
    let code = call.item.clone();
    let done = call.with_number(move |tenant, id| {
        let Some(number) = tenant.numbers_mut().get_mut(&id) else { return Ok(()) };
        let place =
            number.codes.iter().position(|known| known.code == code).ok_or_else(|| unknown(Verb::Delete, &code))?;
        number.codes.remove(place);
        Ok(())
    });
    let ((), at) = done.await?;
    Ok(Outcome::success(at))
}
