//! A story as a person reads it.

use super::*;
use mock_whatsapp_model::input::MessageIndex;

const START: Timestamp = Timestamp::from_unix_seconds(1_000_000);

fn after(micros: u64) -> Timestamp {
    START + Span::micros(micros)
}

#[test]
fn a_story_says_when_who_and_what_in_the_order_of_things() {
    let mut story = Story::about(&[7]);
    story.note(after(0), Some(7), Moment::Intended { number: 1 });
    story.note(after(0), Some(8), Moment::Intended { number: 1 });
    story.note(after(0), Some(7), Moment::Posted { number: 1, sender: 0 });
    let answer = Answer::Silence(MessageIndex(3));
    story.note(after(20_000), Some(7), Moment::PostArrived { number: 1, answer });
    story.note(after(30_020_007), Some(7), Moment::Answered { number: 1, answer: Learned::Unknown });
    story.note(after(61_000_000), None, Moment::Crashed { lost: 4 });
    let (fact, phase, due) = (Fact::Delivered, Phase::Delivered, Timestamp::NEVER);
    let merged = Moment::Merged { number: 1, fact, phase, before: State::Sending, after: State::Delivered, due };
    story.note(after(3_723_500_000), Some(7), merged);
    let told = story.told(START);
    assert_eq!(
        told.lines().collect::<Vec<_>>(),
        [
            "        +0.000s  store     the intent of attempt 1 is durable",
            "        +0.000s  engine    POSTs attempt 1 from sender 0",
            "        +0.020s  WhatsApp  has attempt 1: takes it as wamid 3, and NO ANSWER will come",
            "    +30.020007s  engine    learns of attempt 1: its outcome is UNKNOWN",
            "     +1m01.000s  engine    DIES; writes that were not durable: 4",
            "  +1h02m03.500s  store     attempt 1 + Delivered = Delivered; Sending → Delivered",
        ]
    );
}

#[test]
fn lines_of_several_messages_name_theirs() {
    let mut story = Story::about(&[9, 2, 9]);
    assert_eq!(story.messages().collect::<Vec<_>>(), [2, 9]);
    story.note(after(1), Some(9), Moment::ClaimRefused);
    assert!(story.told(START).contains("message 9: refuses an intent"), "{}", story.told(START));
}

#[test]
fn a_story_that_nobody_asked_for_keeps_nothing() {
    let mut story = Story::untold();
    story.note(after(1), None, Moment::DiskFree);
    story.note(after(1), Some(0), Moment::ClaimRefused);
    assert!(story.is_empty() && story.told(START).is_empty());
}

#[test]
fn the_answer_to_a_webhook_is_told_of_the_message_that_it_is_about_and_of_no_other() {
    let mut story = Story::about(&[1]);
    let left = |delivery| Moment::WebhookLeft { delivery, what: What::Sent, sent_before: 0 };
    story.note(after(1), Some(1), left(5));
    story.note(after(2), Some(2), left(6));
    story.note(after(3), None, Moment::WebhookAcknowledged { delivery: 6 });
    story.note(after(4), None, Moment::WebhookAcknowledged { delivery: 5 });
    // The name is used again, for a message that nobody asked for.
    story.note(after(5), Some(2), left(5));
    story.note(after(6), None, Moment::WebhookAcknowledged { delivery: 5 });
    let told = story.told(START);
    assert_eq!(told.lines().count(), 2, "{told}");
    assert!(told.ends_with("WhatsApp  has the 200 of webhook 5\n"), "{told}");
}

#[test]
fn a_long_story_keeps_its_beginning_and_its_end_and_says_what_it_left_out() {
    let mut story = Story::about(&[1]);
    for delivery in 0..1_000 {
        story.note(after(u64::from(delivery)), Some(1), Moment::WebhookAcknowledged { delivery });
    }
    let told = story.told(START);
    assert_eq!(told.lines().count(), HEAD_LINES + TAIL_LINES + 1);
    assert!(told.contains("800 lines about message 1 are left out here"), "{told}");
    assert!(told.contains("webhook 159\n") && told.contains("webhook 960\n") && told.ends_with("webhook 999\n"));
}

#[test]
fn a_story_is_about_a_bounded_number_of_messages() {
    let all: Vec<u32> = (0..100).collect();
    assert_eq!(Story::about(&all).messages().count(), MESSAGES_MOST);
}
