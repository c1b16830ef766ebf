//! WhatsApp Cloud API: wire JSON, error catalogue and webhook signature.

pub mod time;
