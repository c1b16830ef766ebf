//! `/events`: what happens to a tenant, as server-sent events: `request` (as `/requests` shows it), `webhook` (when one is due
//! and after each attempt), and `lagged` where a listener was too slow.

use super::no_tenant;
use super::problem::Problem;
use crate::limits::LISTENERS;
use crate::respond::{Answer, plain, put};
use crate::server::Server;
use crate::server::stream::Stream;
use hyper::header::CACHE_CONTROL;
use std::collections::BTreeMap;

/// Begins to tell.
pub(super) async fn get(server: &Server, tenant: &str, query: &BTreeMap<String, String>) -> Result<Answer, Problem> {
    if let Some(name) = query.keys().next() {
        let detail = format!("the parameter `{name}` is not known here");
        return Err(Problem::malformed(format!("?{name}"), "a known parameter", detail));
    }
    let name = tenant.to_owned();
    let listened = server.worlds.with(move |worlds| {
        let real = worlds.real();
        let tenant = worlds.find(&name).ok_or_else(|| no_tenant(&name))?;
        let events = tenant.listen().ok_or_else(|| {
            Problem::conflict(format!("{LISTENERS} listen to this tenant already, which is all there can be"))
        })?;
        Ok::<_, Problem>((events, tenant.now(real)))
    });
    let (events, at) = listened.await??;
    let mut answer = plain(200, "text/event-stream", String::new(), at);
    put(&mut answer, CACHE_CONTROL, "no-store");
    answer.extensions_mut().insert(Stream::new(events, server.stop.clone()));
    Ok(answer)
}
