//! The mock from outside: over HTTP only, with a receiver of webhooks that the tests hold in their hands.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod accounts;
mod aimed_faults;
mod batch;
mod caps;
mod client;
mod clock;
mod couriers;
mod coverage;
mod described;
mod events;
mod export;
mod faults;
mod forms;
mod gestures;
mod handsets;
mod hanging_receiver;
mod https;
mod inbound;
mod insights;
mod library;
mod limits;
mod media;
mod numbers;
mod oddities;
mod program;
mod receiver;
mod referee;
mod refusals;
mod requests;
mod seams;
mod sending;
mod server;
mod shapes;
mod slow_clients;
mod snapshots;
mod templates;
mod tenants;
mod tokens;
mod uploads;
mod verify;
mod webhooks;
