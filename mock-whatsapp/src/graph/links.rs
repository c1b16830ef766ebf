//! Media that a message names by link: fetched when it is sent, from the hosts that the configuration allows and from no other.
//! What a link gives is not kept; whether it gives anything decides what becomes of the message.

use super::call::{Call, Stop};
use crate::limits::LINK_WAIT;
use crate::target::{Target, exchange};
use bytes::Bytes;
use hyper::Method;

/// Whether a link should have been fetched and could not be. Those to other hosts are taken as good.
pub(super) async fn is_broken(call: &Call<'_>, link: &str) -> Result<bool, Stop> {
    let link = link.to_owned();
    let allowed = call.tenant(move |tenant, _| {
        let authority =
            link.split_once("://").map_or("", |(_, rest)| rest).split(['/', '?', '#']).next().unwrap_or_default();
        let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
        let allows = |known: &String| known == authority || known == host;
        Ok(tenant.config().link_hosts.iter().any(allows).then_some(link))
    });
    let Some(link) = allowed.await?.0 else { return Ok(false) };
    let Ok(target) = Target::parse(&link) else { return Ok(true) };
    let request = target.request(Method::GET, "", Bytes::new());
    let (answer, _) = exchange(&call.server.worlds.connector, &target, None, request, LINK_WAIT).await;
    Ok(answer.map_or(true, |answer| answer.status != 200))
}
