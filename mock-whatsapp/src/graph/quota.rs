//! The quota of management calls: counted for each account, told in headers, and refused beyond it.

use super::call::{Call, Stop};
use super::refusal::Refusal;
use crate::respond::{Answer, put};
use crate::tenant::account::Usage;
use hyper::header::HeaderName;
use serde_json::json;

const APP_USAGE: HeaderName = HeaderName::from_static("x-app-usage");

const CASE_USAGE: HeaderName = HeaderName::from_static("x-business-use-case-usage");

/// Counts a call.
pub(super) async fn count(call: &Call<'_>) -> Result<Usage, Stop> {
    let counted = call.tenant(|tenant, real| {
        let now = tenant.now(real);
        let registered = tenant.numbers().all().iter().any(|number| number.registered);
        let usage = tenant.account_mut().count(now, registered);
        // Where the rule is off, calls are told and not refused.
        Ok(if tenant.config().rules.management { usage } else { Usage { percent: usage.percent.min(100), ..usage } })
    });
    Ok(counted.await?.0)
}

/// That a call is within the quota.
///
/// # Errors
/// 80007, if it is not.
pub(super) fn check(usage: Usage) -> Result<(), Refusal> {
    if usage.percent <= 100 {
        return Ok(());
    }
    let why = format!(
        "an account has 5000 management calls an hour once it has a registered number, and 200 before; the next is taken in {} \
         minutes of virtual time; `management = false` under [rules] of the configuration switches this off",
        usage.minutes
    );
    let details = "There have been too many calls to this WhatsApp Business account. Wait a bit and try again.";
    Err(Refusal::new(80_007, why).details(details))
}

/// Writes the headers. Time and computing are not measured, so their shares are nought.
pub(super) fn tell(answer: &mut Answer, account: &str, usage: Usage) {
    let percent = usage.percent;
    put(answer, APP_USAGE, json!({ "call_count": percent, "total_cputime": 0, "total_time": 0 }).to_string());
    let usage = json!({
        "type": "whatsapp_business_management",
        "call_count": percent,
        "total_cputime": 0,
        "total_time": 0,
        "estimated_time_to_regain_access": usage.minutes,
    });
    put(answer, CASE_USAGE, json!({ account: [usage] }).to_string());
}
