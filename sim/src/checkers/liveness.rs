//! Promise: once everything that went wrong is over, all messages settle: within a time that is worked out from what was left
//! to do, and at the latest at the deadline.

use super::findings::Findings;
use super::scene::{Campaign, Scene, Window};
use cloud_api::catalogue::{Class, CodeIndex};
use cloud_api::time::{Span, Timestamp};
use engine_core::message::{Row, State};
use mock_whatsapp_model::spec::FaultKind;

/// Three retries at their longest (2, 10 and 60 s), halts' probes, an open breaker, a restart: some minutes each.
const RETRIES: Span = Span::mins(25);

/// The steps of WhatsApp's ladder for webhooks that nobody took reach six hours, and a tenth.
const LADDER: Span = Span::mins(7 * 60);

/// Of requests that fail for ever, in millionths: from here on a message may fail for longer than [`RETRIES`] by bad luck alone.
const MOST: u32 = 700_000;

/// The deadline's sweep ends some moments after it.
const SWEPT: Span = Span::mins(5);

/// What the bound hangs on, beside the scenario.
#[derive(Clone, Copy, Debug, Default)]
pub struct Left {
    /// When a person last acted, or an engine last started anew.
    pub disturbed: Timestamp,
    /// A webhook was lost: what is accepted may stay so until the deadline.
    pub lost: bool,
    /// Some contact takes its retry in days, or its day is another's night.
    pub slow_contacts: bool,
    /// Some outcome was unknown.
    pub unknown: bool,
    /// The longest that WhatsApp takes from a POST to `sent` or `failed`.
    pub told_after: Span,
}

/// When a campaign must have settled. `wait` is how long an unknown outcome waits, by the silences up to a time.
pub fn bound(scene: &Scene, campaign: &Campaign, left: Left, wait: impl Fn(Timestamp) -> Span) -> Timestamp {
    // What is down at the deadline sweeps when it is back.
    let at_last = campaign.deadline.max(left.disturbed) + SWEPT + scene.slack();
    let on_it = |window: &&Window| window.sender.is_none_or(|only| campaign.senders.contains(&only));
    let class = |window: &Window| window.code.map(CodeIndex::class);
    let slow = |window: &Window| {
        matches!(class(window), Some(Class::MessagingLimit | Class::MarketingCap))
            || (window.until == Timestamp::NEVER && window.ends_requests() && (window.share >= MOST || halts(window)))
            || matches!(window.kind, FaultKind::Tier | FaultKind::StaleStore | FaultKind::ClockStep)
            || (matches!(window.kind, FaultKind::Throttle | FaultKind::WebhookOutage)
                && window.until == Timestamp::NEVER)
    };
    let windows: Vec<&Window> = scene.windows.iter().filter(on_it).collect();
    let shared =
        scene.campaigns.iter().filter(|other| other.senders.iter().any(|sender| campaign.senders.contains(sender)));
    if left.lost
        || left.slow_contacts
        || scene.arms.limits
        || campaign.quiet.is_some()
        || windows.iter().any(|window| slow(window))
    {
        return at_last;
    }
    let ends = windows.iter().map(|window| window.until).filter(|until| *until != Timestamp::NEVER);
    let mut messages = 0;
    let mut healed = ends.max().unwrap_or(scene.start).max(left.disturbed).max(campaign.start);
    for other in shared {
        messages += u64::from(other.end - other.first);
        healed = healed.max(other.start);
    }
    let slowest =
        campaign.senders.iter().map(|sender| scene.senders[usize::from(*sender)].throughput).min().unwrap_or(1);
    // What fails is sent up to four times, and a pace that is cut now and then is at half.
    let failing = windows.iter().any(|window| window.ends_requests() || window.kind == FaultKind::Throttle);
    let queue = Span::secs(messages / u64::from(slowest.max(1)) * if failing { 8 } else { 2 } + 60);
    // Intents run a quarter of a second of pace ahead, and each waits for its commit: a slow number on a slow disk sends one at
    // a time.
    let commits = windows.iter().filter(|window| window.kind == FaultKind::DiskSlow).map(|window| window.delay);
    let a_commit = commits.max().unwrap_or(Span::ZERO);
    let queue = queue + a_commit * (3 * messages / u64::from((slowest / 4).max(1)));
    // Four attempts may each wait twice as long. A silence that begins once all is sent is nobody's.
    let unknown = if left.unknown { wait(healed + queue + Span::mins(30)) * 8 } else { Span::ZERO };
    let delays = windows.iter().fold(Span::ZERO, |sum, window| sum + window.delay);
    let late = [FaultKind::WebhookOutage, FaultKind::EngineCrash, FaultKind::EngineZombie, FaultKind::DiskFull];
    let ladder = if windows.iter().any(|window| late.contains(&window.kind)) { LADDER } else { Span::ZERO };
    let shuffled = if scene.has(FaultKind::WebhookReorder) { Span::mins(5) } else { Span::ZERO };
    let told = (left.told_after + delays + shuffled) * 4 + ladder;
    // Where some requests fail for ever, so do some of the retries.
    let for_ever = windows.iter().any(|window| window.ends_requests() && window.until == Timestamp::NEVER);
    let retries = if for_ever { RETRIES * 2 } else { RETRIES };
    at_last.min(healed + queue + retries + unknown + told + scene.slack())
}

/// Whether what it answers halts: by ever so small a share of answers everything is held up again and again.
fn halts(window: &Window) -> bool {
    use Class::{AccountWide, NumberWide, TemplateWide};
    let is_wide = |code: CodeIndex| matches!(code.class(), AccountWide | NumberWide | TemplateWide);
    // Maintenance is waited for like a halt.
    window.code.is_some_and(|code| is_wide(code) || code.code() == 131_057)
}

/// Judges a campaign at the end of a run: `settled` is when its last message came out of being in progress.
pub fn judge(
    scene: &Scene,
    campaign: usize,
    rows: &[Row],
    settled: Option<Timestamp>,
    left: Left,
    wait: impl Fn(Timestamp) -> Span,
    findings: &mut Findings,
) {
    let own = &scene.campaigns[campaign];
    let stuck = (own.first..).zip(rows).filter(|(_, row)| row.state().is_in_progress());
    let mut counts = [0u32; 3];
    let mut messages = Vec::new();
    for (message, row) in stuck {
        counts[row.state() as usize] += 1;
        messages.push(message);
    }
    if let Some(first) = messages.first() {
        let text = format!(
            "{} never settles: {} Queued, {} Sending, {} Retrying, message {first} first",
            own.name,
            counts[State::Queued as usize],
            counts[State::Sending as usize],
            counts[State::Retrying as usize]
        );
        messages.iter().take(5).for_each(|message| findings.add(Some(*message), || text.clone()));
        return;
    }
    let bound = bound(scene, own, left, wait);
    if let Some(settled) = settled.filter(|settled| *settled > bound) {
        let late =
            (own.first..).zip(rows).find(|(_, row)| row.state() == State::Failed && row.reason().name == "deadline");
        findings.add(late.map(|(message, _)| message), || {
            let (after, most) = (settled.since(own.start), bound.since(own.start));
            format!("{} settled after {after}, and {most} would have been enough", own.name)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::scene::{plain, window};
    use super::*;

    #[test]
    fn a_campaign_that_settles_late_or_never_is_found() {
        let scene = plain();
        let found = |rows: &[Row], after: Option<Span>, left: Left, scene: &Scene| {
            let mut findings = Findings::default();
            judge(scene, 0, rows, after.map(|after| scene.start + after), left, |_| Span::mins(10), &mut findings);
            findings.detail()
        };
        let left = Left { told_after: Span::secs(30), ..Left::default() };
        assert_eq!(found(&[], Some(Span::mins(10)), left, &scene), "");
        assert!(found(&[], Some(Span::hours(72)), left, &scene).contains("would have been enough"));
        assert_eq!(found(&[], Some(Span::hours(72)), Left { lost: true, ..left }, &scene), "");
        assert!(found(&[], Some(Span::hours(73)), Left { lost: true, ..left }, &scene).contains("settled after"));
        assert!(found(&[Row::default()], None, left, &scene).contains("1 Queued, 0 Sending"));
        let until = scene.start + Span::hours(5);
        let windows = vec![window(FaultKind::Outage, scene.start, until)];
        assert_eq!(
            found(&[], Some(Span::mins(310)), left, &Scene { windows, ..plain() }),
            "",
            "it waits for the end of the outage"
        );
    }
}
