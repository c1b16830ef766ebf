//! What operators decide: campaigns paused, resumed and cancelled, senders resumed, contacts suppressed. Each answer says what
//! is durable.

use super::wire::{CampaignView, NewSuppression, Page, Problem, SenderView, SuppressionView};
use super::{Api, BODY_MOST, decoded, json, no_campaign, paged};
use crate::contacts;
use crate::server::{self, Answer};
use crate::service::Gone;
use hyper::body::Incoming;
use hyper::{Request, StatusCode};

/// What can be done to a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Pause,
    Resume,
    Cancel,
}

fn stopping(gone: Gone) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, gone.to_string())
}

impl Api {
    /// Gives the campaign as it stands then.
    pub(super) async fn act(&self, act: Act, name: &str) -> Result<Answer, Problem> {
        let name = decoded(name)?;
        let look = self.look().await?;
        let place = look.campaigns.iter().position(|campaign| campaign.name == name);
        let place = place.ok_or_else(|| no_campaign(&name))?;
        let id = look.campaigns[place].id;
        if act != Act::Cancel && look.status.campaigns[place].cancelled {
            let why = format!("campaign `{name}` was cancelled, which is for good");
            return Err(Problem::new(StatusCode::CONFLICT, why));
        }
        let done = match act {
            Act::Pause => self.handle.pause(id).await,
            Act::Resume => self.handle.resume(id).await,
            Act::Cancel => self.handle.cancel(id).await,
        };
        done.map_err(stopping)?;
        let views = CampaignView::all(&self.look().await?);
        let view = views.into_iter().find(|view| view.name == name).ok_or_else(|| no_campaign(&name))?;
        Ok(json(StatusCode::OK, &view))
    }

    /// Gives the sender as it stands then.
    pub(super) async fn resume_sender(&self, phone_number_id: &str) -> Result<Answer, Problem> {
        let phone_number_id = decoded(phone_number_id)?;
        let look = self.look().await?;
        let place = look.senders.iter().position(|id| *id == phone_number_id);
        let missing = || Problem::new(StatusCode::NOT_FOUND, format!("no campaign is sent by `{phone_number_id}`"));
        let place = place.ok_or_else(missing)?;
        let id = look.status.senders[place].id;
        self.handle.resume_sender(id).await.map_err(stopping)?;
        let view = SenderView::all(&self.look().await?).into_iter().nth(place).ok_or_else(missing)?;
        Ok(json(StatusCode::OK, &view))
    }

    pub(super) async fn suppressions(&self, query: Option<&str>) -> Result<Answer, Problem> {
        let (after, limit) = paged(query)?;
        let read = self.handle.keeper().run(move |store| store.suppressions(after.unwrap_or(0), limit)).await;
        let suppressions = read.map_err(|wrong| Problem::new(StatusCode::SERVICE_UNAVAILABLE, wrong.to_string()))?;
        let items = suppressions.iter().map(SuppressionView::of).collect();
        let last = suppressions.last().map(|last| last.contact.0);
        Ok(json(StatusCode::OK, &Page::of(items, last, limit)))
    }

    /// Takes one contact. A second time changes nothing.
    pub(super) async fn suppress(&self, request: Request<Incoming>) -> Result<Answer, Problem> {
        self.look().await?;
        let body = match server::body(request, BODY_MOST).await {
            Ok(body) => body,
            Err(wrong) => return Ok(wrong.answer()),
        };
        let new: NewSuppression = serde_json::from_slice(&body).map_err(|wrong| {
            Problem::new(StatusCode::BAD_REQUEST, format!("the body is not a suppression: {wrong}"))
        })?;
        let phone = self.phone(&new.phone)?;
        self.handle.suppress(phone).await.map_err(stopping)?;
        Ok(json(StatusCode::CREATED, &serde_json::json!({ "phone": format!("+{phone}") })))
    }

    pub(super) async fn lift(&self, phone: &str) -> Result<Answer, Problem> {
        self.look().await?;
        let phone = self.phone(&decoded(phone)?)?;
        let lifted = self.handle.lift(phone).await;
        match lifted.map_err(|wrong| Problem::new(StatusCode::SERVICE_UNAVAILABLE, wrong.to_string()))? {
            true => Ok(server::text(StatusCode::NO_CONTENT, "")),
            false => Err(Problem::new(StatusCode::NOT_FOUND, format!("+{phone} is not suppressed"))),
        }
    }

    fn phone(&self, text: &str) -> Result<u64, Problem> {
        let region = self.handle.settings().rules.default_region;
        contacts::parse_phone(text, region).map_err(|why| Problem::new(StatusCode::BAD_REQUEST, why).at("/phone"))
    }
}
