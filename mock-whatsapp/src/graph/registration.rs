//! How a number comes to be used: `request_code`, `verify_code`, `register` and `deregister` of `/{phone-number-id}`.

use super::call::{Call, Done, Outcome};
use super::enumeration::one_of;
use super::numbers::check_pin;
use super::parameters::Parameters;
use super::refusal::Refusal;
use crate::tenant::numbers::Number;
use cloud_api::time::{Span, Timestamp};

/// The code that every number is sent.
const CODE: &str = "123456";

/// Registrations and deregistrations of a number, and over which time (section 5.5).
const REGISTRATIONS: usize = 10;
const REGISTRATION_WINDOW: Span = Span::hours(72);

/// Wrong PINs in a row after which no other is tried. Not documented.
const WRONG_PINS: u32 = 10;

/// The code for "the code could not be sent", and for "the code is wrong"; the catalogue is of what senders meet.
const REQUEST_ERROR: u32 = 136_024;
const VERIFY_ERROR: u32 = 136_025;

/// Sends a code to a number.
pub(super) async fn request_code(call: Call<'_>) -> Done {
    let parameters = Parameters::of(&call);
    let method = parameters.needed("code_method")?;
    one_of("code_method", &method, &["SMS", "VOICE"], "code_method is SMS or VOICE")?;
    parameters.needed("language")?;
    change(call, |number, _| {
        if number.verified {
            let why = "the number is verified already; only one that was added by POST /{waba-id}/phone_numbers is not";
            return Err(Refusal::unlisted(REQUEST_ERROR, "Request code error", why)
                .for_people("Already verified", "This phone number is already verified."));
        }
        number.code_sent = true;
        Ok(())
    })
    .await
}

/// Takes the code.
pub(super) async fn verify_code(call: Call<'_>) -> Done {
    let code = Parameters::of(&call).needed("code")?;
    let code: String = code.chars().filter(char::is_ascii_digit).collect();
    change(call, move |number, _| {
        if number.verified {
            return Ok(());
        }
        if !number.code_sent || code != CODE {
            let why = match number.code_sent {
                true => format!("the code that this server sends is {CODE}"),
                false => "no code was asked for: POST /{phone-number-id}/request_code comes first".to_owned(),
            };
            return Err(Refusal::unlisted(VERIFY_ERROR, "Verify code error", why)
                .for_people("Code couldn't be verified", "The code that you entered is incorrect."));
        }
        (number.verified, number.code_sent) = (true, false);
        Ok(())
    })
    .await
}

/// Registers a number on Cloud API.
pub(super) async fn register(call: Call<'_>) -> Done {
    let parameters = Parameters::of(&call);
    parameters.product()?;
    let pin = parameters.needed("pin")?;
    check_pin(&pin)?;
    change(call, move |number, now| {
        count(number, now)?;
        if !number.verified {
            let why = "the number is not verified: request_code and verify_code come first";
            return Err(Refusal::new(133_006, why));
        }
        if number.wrong_pins >= WRONG_PINS {
            let why = "the PIN was wrong too often; POST /{phone-number-id} with another pin starts anew";
            return Err(Refusal::new(133_008, why));
        }
        if number.pin.as_ref().is_some_and(|known| *known != pin) {
            number.wrong_pins += 1;
            return Err(Refusal::new(
                133_005,
                "the PIN is not the one that was set when the number was registered first",
            ));
        }
        (number.pin, number.wrong_pins, number.registered) = (Some(pin), 0, true);
        Ok(())
    })
    .await
}

/// Takes a number off Cloud API.
pub(super) async fn deregister(call: Call<'_>) -> Done {
    change(call, |number, now| {
        count(number, now)?;
        if !number.registered {
            return Err(Refusal::new(133_010, "the number is not registered"));
        }
        number.registered = false;
        Ok(())
    })
    .await
}

/// Counts an attempt, good or not.
fn count(number: &mut Number, now: Timestamp) -> Result<(), Refusal> {
    let is_old = |at: &Timestamp| *at + REGISTRATION_WINDOW <= now || *at > now;
    while number.registrations.front().is_some_and(is_old) {
        number.registrations.pop_front();
    }
    if number.registrations.len() >= REGISTRATIONS {
        let why = format!(
            "a number is registered and deregistered at most {REGISTRATIONS} times in 72 h; POST /_mock/clock/advance"
        );
        return Err(Refusal::new(133_016, why));
    }
    number.registrations.push_back(now);
    Ok(())
}

async fn change(
    call: Call<'_>,
    change: impl FnOnce(&mut Number, Timestamp) -> Result<(), Refusal> + Send + 'static,
) -> Done {
    let changed = call.with_number(move |tenant, id| {
        let now = tenant.time();
        tenant.numbers_mut().get_mut(&id).map_or(Ok(()), |number| change(number, now))
    });
    let ((), at) = changed.await?;
    Ok(Outcome::success(at))
}
