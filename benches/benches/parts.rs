//! The parts, one by one: the core's step, the wire codec, the signature, the mock model's send.

use cloud_api::message::SendRequest;
use cloud_api::signature;
use cloud_api::time::{Span, Timestamp};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engine_core::attempt::Fact;
use engine_core::command::Merge;
use engine_core::event::{Event, Status};
use engine_core::id::MessageId;
use engine_core::message::Row;
use mock_whatsapp_model::input::{Form, HandsetId, Input, NumberId, Post};
use mock_whatsapp_model::spec::Timing;
use mock_whatsapp_model::world::{Config, World};
use std::hint::black_box;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_767_603_600);

const WEBHOOK: &str = r#"{"object":"whatsapp_business_account","entry":[{"id":"200000000000001","changes":[{"field":"messages","value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"15557654321","phone_number_id":"100000000000001"},"statuses":[{"id":"wamid.HBgLNDkxNTEyMzQ1NjcVAgARGBI4RjFDMkQzRTRCNUE2OTc4MDEA","status":"delivered","timestamp":"1767603601","recipient_id":"49151234567","biz_opaque_callback_data":"ce1|00000000000000ab|0|17|1"}]}}]}]}"#;

const REQUEST: &str = r#"{"messaging_product":"whatsapp","recipient_type":"individual","to":"+49151234567","type":"template","template":{"name":"spring_sale","language":{"code":"en_US"},"components":[{"type":"body","parameters":[{"type":"text","text":"Ana"}]}]},"biz_opaque_callback_data":"ce1|00000000000000ab|0|17|1"}"#;

fn core(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("core");
    group.throughput(Throughput::Elements(1));
    let merge = |number, fact| Merge { message: MessageId(0), number, fact, code: None, retry_after_seconds: 0 };
    group.bench_function("row: intent to read", |bencher| {
        bencher.iter(|| {
            let mut row = Row::default();
            for (number, fact) in
                [(0, Fact::Intended), (1, Fact::Accepted), (1, Fact::Sent), (1, Fact::Delivered), (1, Fact::Read)]
            {
                black_box(row.learn(NOW, 1, &merge(number, fact)));
            }
            row
        });
    });
    group.bench_function("step: a status webhook", |bencher| {
        let mut engine = engine_core::Engine::new();
        let sender = engine.add_sender(engine_core::engine::SenderSpec::default());
        let whole =
            engine_core::campaign::Spec::new(engine_core::id::CampaignId(0), sender, MessageId(0)..MessageId(1));
        let spec = engine_core::campaign::Spec { start: NOW, ..whole };
        engine.add_campaign(spec, engine_core::campaign::Counts::all_queued(1), false);
        let mut out = Vec::new();
        bencher.iter(|| {
            out.clear();
            let (message, number, status, at) = (MessageId(0), 1, Status::Delivered, NOW);
            engine.handle(NOW, Event::Status { message, number, status, at }, &mut out);
            black_box(&out);
        });
    });
    group.finish();
}

fn wire(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("wire");
    group.throughput(Throughput::Bytes(WEBHOOK.len() as u64));
    group.bench_function("parse a status webhook", |bencher| {
        bencher.iter(|| serde_json::from_str::<cloud_api::webhook::Envelope>(black_box(WEBHOOK)).expect("it is valid"));
    });
    group.throughput(Throughput::Bytes(REQUEST.len() as u64));
    group.bench_function("parse a send request", |bencher| {
        bencher.iter(|| serde_json::from_str::<SendRequest>(black_box(REQUEST)).expect("it is valid"));
    });
    let request: SendRequest = serde_json::from_str(REQUEST).expect("it is valid");
    group.bench_function("write a send request", |bencher| {
        bencher.iter(|| serde_json::to_vec(black_box(&request)).expect("it can be written"));
    });
    group.throughput(Throughput::Bytes(WEBHOOK.len() as u64));
    let header = signature::sign("mock-app-secret", WEBHOOK.as_bytes());
    group.bench_function("verify a signature", |bencher| {
        bencher.iter(|| signature::verify("mock-app-secret", black_box(&header), black_box(WEBHOOK.as_bytes())));
    });
    group.finish();
}

fn mock(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("mock model");
    group.throughput(Throughput::Elements(1));
    group.bench_function("send, statuses and acknowledgements", |bencher| {
        let config = Config { seed: 1, start: NOW, timing: Timing::quick(), limit_throughput: false };
        let mut world = World::new(config);
        let number = world.add_number(1_000);
        let handset = world.add_handset(0);
        let (mut now, mut key, mut out) = (NOW, 0, Vec::new());
        bencher.iter(|| {
            now += Span::secs(1);
            key += 1;
            let post = Post {
                request: 0,
                number,
                handset,
                key,
                callback: key,
                template: 0,
                marketing: true,
                form: Form::Template,
                held: false,
                fails: None,
            };
            world.handle(now, Input::Post(post), &mut out);
            while let Some(due) = world.next_deadline() {
                world.handle(due, Input::Tick, &mut out);
                now = due;
            }
            for output in std::mem::take(&mut out) {
                if let mock_whatsapp_model::Output::Webhook { delivery, .. } = output {
                    world.handle(now, Input::Answered { delivery, status: 200 }, &mut out);
                }
            }
            black_box((HandsetId(0), NumberId(0), &out));
            if key % 100_000 == 0 {
                world.reset(now);
            }
        });
    });
    group.finish();
}

criterion_group!(parts, core, wire, mock);
criterion_main!(parts);
