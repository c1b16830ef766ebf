//! What is no template: service windows, reactions; and messages that are held.

use crate::scene::Scene;
use cloud_api::catalogue;
use cloud_api::limits::SERVICE_WINDOW;
use cloud_api::time::Span;
use mock_whatsapp_model::handset::Persona;
use mock_whatsapp_model::input::{Form, Post};
use mock_whatsapp_model::output::What;
use mock_whatsapp_model::spec::Kind;

const MINUTE: Span = Span::mins(1);

fn failed(code: u32) -> What {
    What::Failed(catalogue::find(code, None))
}

/// Sends a message of a form and gives what is told of it within a minute.
fn told_of(scene: &mut Scene, handset: u32, form: Form, after: Span) -> Vec<What> {
    let post = Post { form, ..scene.message(0, handset) };
    scene.post(post).unwrap();
    scene.until(after + MINUTE);
    scene.statuses().into_iter().map(|(what, ..)| what).collect()
}

#[test]
fn a_window_is_open_for_24_hours_to_the_microsecond_after_the_contact_wrote() {
    let mut scene = Scene::with(Kind::Plain);
    scene.world.limit_windows(true);
    let read = [What::Sent, What::Delivered, What::Read];
    assert_eq!(told_of(&mut scene, 0, Form::Free, Span::ZERO), [failed(131_047)]);
    assert_eq!(told_of(&mut scene, 0, Form::Template, MINUTE), read);
    scene.say(0, 0);
    scene.statuses();
    let shut = MINUTE * 2 + SERVICE_WINDOW;
    assert_eq!(told_of(&mut scene, 0, Form::Free, MINUTE * 2), read);
    scene.until(Span(shut.0 - 1));
    assert_eq!(told_of(&mut scene, 0, Form::Free, shut), read);
    assert_eq!(told_of(&mut scene, 0, Form::Free, shut + MINUTE), [failed(131_047)]);
    scene.world.limit_windows(false);
    assert_eq!(told_of(&mut scene, 0, Form::Free, shut + MINUTE * 2), read);
}

#[test]
fn who_is_always_open_needs_no_window_and_who_is_not_there_fails_for_that() {
    let mut scene = Scene::with(Kind::NotOnWhatsapp);
    scene.world.limit_windows(true);
    let open = scene.world.add_persona(Persona { always_open: true, ..Persona::default() });
    scene.world.add_handset(open);
    assert_eq!(told_of(&mut scene, 0, Form::Free, Span::ZERO), [failed(131_026)]);
    assert_eq!(told_of(&mut scene, 1, Form::Free, MINUTE)[0], What::Sent);
}

#[test]
fn a_cap_on_marketing_ends_and_holds_nothing_else_up() {
    let mut scene = Scene::with(Kind::MarketingCapped);
    let hour = Span::hours(1);
    let kind = Kind::MarketingCapped;
    let capped = scene.world.add_persona(Persona { kind, away: Some(hour), ..Persona::default() });
    scene.world.add_handset(capped);
    let read = [What::Sent, What::Delivered, What::Read];
    let mut after = |handset, marketing, at| {
        scene.until(at);
        let post = Post { marketing, ..scene.message(0, handset) };
        scene.post(post).unwrap();
        scene.until(at + MINUTE);
        scene.statuses().into_iter().map(|(what, ..)| what).collect::<Vec<_>>()
    };
    assert_eq!(after(1, true, Span::ZERO), [failed(131_049)]);
    assert_eq!(after(1, false, MINUTE * 2), read, "what is no marketing arrives at once");
    assert_eq!(after(1, true, Span(hour.0 - 1)), [failed(131_049)]);
    assert_eq!(after(1, true, hour + MINUTE), read);
    assert_eq!(after(0, true, Span::hours(1_000)), [failed(131_049)], "a cap of which nothing is said stays");
}

#[test]
fn of_a_reaction_is_told_that_it_was_sent() {
    let mut scene = Scene::with(Kind::Plain);
    assert_eq!(told_of(&mut scene, 0, Form::Reaction, Span::ZERO), [What::Sent]);
}

#[test]
fn a_message_that_is_held_goes_out_or_fails_once_it_is_decided() {
    let mut scene = Scene::with(Kind::Plain);
    for _ in 0..2 {
        let post = Post { held: true, ..scene.message(0, 0) };
        scene.post(post).unwrap();
    }
    scene.until(MINUTE);
    assert!(scene.statuses().is_empty() && scene.world.next_deadline().is_none());
    scene.decide(0, None);
    scene.decide(1, Some(catalogue::find(132_015, None)));
    scene.decide(1, None);
    scene.decide(9, None);
    scene.until(MINUTE * 2);
    let told: Vec<What> = scene.statuses().into_iter().map(|(what, ..)| what).collect();
    assert_eq!(told.len(), 4, "one failure, and three statuses: {told:?}");
    assert!(told.contains(&failed(132_015)) && told.contains(&What::Read));
}
