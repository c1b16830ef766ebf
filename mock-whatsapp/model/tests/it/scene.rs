//! A world, a receiver that answers, and the few words in which tests speak to them.

use cloud_api::catalogue::CodeIndex;
use cloud_api::time::{Span, Timestamp};
use mock_whatsapp_model::World;
use mock_whatsapp_model::faults::Fault;
use mock_whatsapp_model::handset::Persona;
use mock_whatsapp_model::input::{Act, Form, HandsetId, Input, MessageIndex, NumberId, Post};
use mock_whatsapp_model::output::{Answer, Output, Update, What, Why};
use mock_whatsapp_model::spec::{FaultSpec, Kind, Timing};
use mock_whatsapp_model::world::Config;
use serde_json::Value;

pub(crate) const START: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

/// A world with whatever numbers and telephones the test adds.
pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) now: Timestamp,
    /// What came out and was not taken by the test yet.
    pub(crate) told: Vec<Update>,
    out: Vec<Output>,
    posts: u64,
}

impl Scene {
    /// A world without numbers, whose telephones are quick.
    pub(crate) fn new() -> Self {
        let config = Config { seed: 7, start: START, timing: Timing::quick(), limit_throughput: true };
        Self { world: World::new(config), now: START, told: Vec::new(), out: Vec::new(), posts: 0 }
    }

    /// A world with one number and a telephone of a kind.
    pub(crate) fn with(kind: Kind) -> Self {
        let mut scene = Self::new();
        scene.world.add_number(1_000);
        scene.handsets(kind, 1);
        scene
    }

    /// Adds telephones of a kind.
    pub(crate) fn handsets(&mut self, kind: Kind, count: u32) {
        let persona = self.world.add_persona(Persona { kind, ..Persona::default() });
        for _ in 0..count {
            self.world.add_handset(persona);
        }
    }

    /// Arms faults, as the control API takes them; `sender` is the place of a number.
    pub(crate) fn arm(&mut self, faults: &[Value]) {
        let arm = |fault: &Value| {
            let spec: FaultSpec = serde_json::from_value(fault.clone()).unwrap();
            let number = spec.sender.as_ref().map(|sender| NumberId(sender.parse().unwrap()));
            assert_eq!(spec.misfit(), None);
            Fault::arm(&spec, START, number).unwrap()
        };
        self.world.set_faults(faults.iter().map(arm).collect());
    }

    /// Sends a message that differs from every other; why it was refused, if it was.
    pub(crate) fn send(&mut self, number: u16, handset: u32) -> Result<(), (u32, Why)> {
        let post = self.message(number, handset);
        self.post(post)
    }

    /// A message that differs from every other, to be sent with [`Self::post`].
    pub(crate) fn message(&mut self, number: u16, handset: u32) -> Post {
        self.posts += 1;
        Post {
            request: 0,
            number: NumberId(number),
            handset: HandsetId(handset),
            key: self.posts,
            callback: self.posts,
            template: 0,
            marketing: true,
            form: Form::Template,
            held: false,
            fails: None,
        }
    }

    pub(crate) fn post(&mut self, post: Post) -> Result<(), (u32, Why)> {
        match self.hand_in(Input::Post(post)) {
            Some(Answer::Accepted(_)) => Ok(()),
            Some(Answer::Refused(code, why)) => Err((code.code(), why)),
            other => panic!("{other:?}"),
        }
    }

    /// Lets time go by, until so long after the start.
    pub(crate) fn until(&mut self, after: Span) {
        let until = START + after;
        while let Some(due) = self.world.next_deadline().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.hand_in(Input::Tick);
        }
        self.now = until;
    }

    /// A contact writes by hand.
    pub(crate) fn say(&mut self, number: u16, handset: u32) {
        let act = Act::Says { text: 0, reply_to: None };
        self.hand_in(Input::Handset { handset: HandsetId(handset), number: NumberId(number), act });
    }

    /// It is decided what becomes of a message that is held.
    pub(crate) fn decide(&mut self, message: u32, fails: Option<CodeIndex>) {
        self.hand_in(Input::Decide { message: MessageIndex(message), fails });
    }

    /// The statuses that came since this was asked last: what, whether it echoes, whether it is forged.
    pub(crate) fn statuses(&mut self) -> Vec<(What, bool, bool)> {
        self.told.drain(..).map(|update| (update.what, update.echoes, update.forged)).collect()
    }

    /// Everything that goes out is acknowledged, but for forgeries.
    fn hand_in(&mut self, input: Input) -> Option<Answer> {
        let mut answered = None;
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            self.world.handle(self.now, input, &mut self.out);
            for output in self.out.drain(..) {
                match output {
                    Output::Reply { answer, .. } => answered = Some(answer),
                    Output::Webhook { delivery, update, .. } => {
                        self.told.push(update);
                        inputs.push(Input::Answered { delivery, status: if update.forged { 401 } else { 200 } });
                    }
                    Output::Dropped { .. } | Output::OptedOut { .. } => {}
                }
            }
        }
        answered
    }
}
