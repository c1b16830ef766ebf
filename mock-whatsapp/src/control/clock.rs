//! `/clock`: a tenant's time, read, stopped, run faster and moved by hand.

use super::problem::Problem;
use super::{Ask, Done};
use crate::clock::{VirtualClock, factor_is_usable};
use crate::instant;
use crate::tenant::Tenant;
use crate::tenant::journey::{Aim, Stuck};
use cloud_api::time::{Span, Timestamp};
use serde_json::{Value, json};

/// How far `settle` goes, unless told otherwise: the longest that a campaign takes.
const SETTLE_MOST: Span = Span::hours(72);

/// How long `settle` waits for what a webhook provokes, unless told otherwise.
const QUIET: Span = Span::millis(50);

fn status(tenant: &Tenant, real: Timestamp) -> Value {
    json!({
        "now": instant::write(tenant.now(real)),
        "mode": tenant.clock().mode(),
        "factor": tenant.clock().factor(),
        "due": tenant.due(),
        "next_due": tenant.next_due().map(instant::write),
        "unacked": tenant.world().snapshot().unacknowledged,
    })
}

fn explain(stuck: Stuck) -> Problem {
    Problem::conflict(match stuck {
        Stuck::Real => "the clock is the real one, which nobody moves; POST /_mock/clock/freeze first",
        Stuck::Moving => "time is being moved already; wait for that call's answer",
        Stuck::Past => "time never goes back",
    })
}

pub(super) async fn get(ask: Ask<'_>) -> Done {
    ask.end()?;
    Ok((200, ask.tenant(|tenant, real| Ok(status(tenant, real))).await?))
}

async fn set(
    ask: Ask<'_>,
    clock: impl FnOnce(Timestamp, Timestamp) -> Result<VirtualClock, Stuck> + Send + 'static,
) -> Done {
    let set = ask.tenant(move |tenant, real| {
        if tenant.is_moving() {
            return Err(explain(Stuck::Moving));
        }
        let clock = clock(tenant.now(real), real).map_err(explain)?;
        tenant.set_clock(clock, real);
        Ok(status(tenant, real))
    });
    Ok((200, set.await?))
}

pub(super) async fn freeze(ask: Ask<'_>) -> Done {
    ask.end()?;
    let mut fields = ask.fields()?;
    let at = fields.instant("at")?;
    fields.end()?;
    set(ask, move |now, _| match at {
        Some(at) if at < now => Err(Stuck::Past),
        at => Ok(VirtualClock::Frozen { at: at.unwrap_or(now) }),
    })
    .await
}

pub(super) async fn run(ask: Ask<'_>) -> Done {
    ask.end()?;
    let mut fields = ask.fields()?;
    let factor = fields.number("factor")?.unwrap_or(1.0);
    if !factor_is_usable(factor) {
        let expected = "a factor from 0.001 to 1000000";
        return Err(Problem::malformed("/factor", expected, format!("{factor:?} is no factor that time can run at")));
    }
    fields.end()?;
    set(ask, move |at, real| Ok(VirtualClock::Running { at, real, factor })).await
}

async fn travel(ask: Ask<'_>, aim: impl FnOnce(Timestamp) -> Aim + Send + 'static) -> Done {
    let departed = ask.tenant(move |tenant, real| tenant.travel(real, aim(tenant.now(real))).map_err(explain)).await?;
    let arrival = departed.await.map_err(|_| Problem::conflict("a reset or a restore came in between"))?;
    let answer = json!({
        "now": instant::write(arrival.now),
        "fired": { "statuses": arrival.statuses, "webhooks": arrival.webhooks },
        "unacked": arrival.unacknowledged,
        "settled": arrival.settled,
    });
    Ok((200, answer))
}

pub(super) async fn advance(ask: Ask<'_>) -> Done {
    ask.end()?;
    let mut fields = ask.fields()?;
    let (by, to) = (fields.span("by")?, fields.instant("to")?);
    let missing = fields.missing("by", "`by`, a length of time, or `to`, an instant");
    fields.end()?;
    match (by, to) {
        (Some(by), None) => travel(ask, move |now| Aim::Until(now + by)).await,
        (None, Some(to)) => travel(ask, move |_| Aim::Until(to)).await,
        (Some(_), Some(_)) => {
            let detail = "`by` and `to` are both there, and time goes one way: say either";
            Err(Problem::malformed("/to", "`by` or `to`, not both", detail))
        }
        (None, None) => Err(missing),
    }
}

pub(super) async fn settle(ask: Ask<'_>) -> Done {
    ask.end()?;
    let mut fields = ask.fields()?;
    let most = fields.span("max")?.unwrap_or(SETTLE_MOST);
    let quiet = fields.span("quiet")?.unwrap_or(QUIET);
    fields.end()?;
    travel(ask, move |now| Aim::Settled(now + most, quiet)).await
}
