//! A configuration that changes while tenants live: what differs takes effect from now on, and nothing that happened is lost.
//!
//! What a tenant was told by itself, by the control API, stays as it is unless the file now says something else than before.

use super::templates::review_of;
use super::{Tenant, limits_throughput};
use crate::config::Config;
use cloud_api::time::Timestamp;
use std::sync::Arc;

/// What a file says now that it did not say before, in words.
pub fn changes(old: &Config, new: &Config) -> Vec<String> {
    let mut changes = Vec::new();
    let mut tell = |name: &str, differs: bool, effect: &str| {
        if differs {
            changes.push(format!("{name} {effect}"));
        }
    };
    let now = "takes effect";
    tell("throughput", old.throughput != new.throughput, now);
    tell("messaging_limit", old.messaging_limit != new.messaging_limit, now);
    tell("messaging_limit_told", old.messaging_limit_told != new.messaging_limit_told, now);
    tell("marketing_cap", old.marketing_cap != new.marketing_cap, now);
    tell("[rules]", old.rules != new.rules, now);
    tell("link_hosts", old.link_hosts != new.link_hosts, now);
    tell("public_url", old.public_url != new.public_url, now);
    tell("unknown_templates", old.unknown_templates != new.unknown_templates, now);
    tell("[templates]", old.templates != new.templates, "takes effect for reviews that are yet to begin");
    tell("allowed_recipients", old.allowed_recipients != new.allowed_recipients, now);
    tell("message_status_always", old.message_status_always != new.message_status_always, now);
    tell("magic_numbers", old.magic_numbers != new.magic_numbers, "takes effect for numbers that are yet to be used");
    tell("[handset]", old.timing != new.timing, "takes effect for what is yet to be drawn");
    tell("[[fault]]", old.faults != new.faults, "takes effect: those of before are disarmed, and those of now armed");
    tell("seed", old.seed != new.seed, "has changed, which takes a restart");
    changes
}

impl Tenant {
    /// Goes by a new configuration where it differs from the old one.
    pub fn reconfigure(&mut self, old: &Config, new: &Config, real: Timestamp) {
        self.go_on(real);
        let mut config = (*self.config).clone();
        if old.throughput != new.throughput {
            config.throughput = new.throughput;
            self.world.set_throughput(self.number, new.throughput);
            if let Some(number) = self.numbers.get_mut(&self.identity.phone_number_id) {
                number.throughput = new.throughput;
            }
        }
        if old.messaging_limit != new.messaging_limit {
            config.messaging_limit = new.messaging_limit;
            self.world.set_messaging_limit(self.own_portfolio, new.messaging_limit);
            self.account.upgrade = None;
        }
        if old.messaging_limit_told != new.messaging_limit_told {
            config.messaging_limit_told = new.messaging_limit_told;
            self.world.tell_messaging_limit(new.messaging_limit_told);
        }
        if old.marketing_cap != new.marketing_cap {
            config.marketing_cap = new.marketing_cap;
        }
        if old.rules != new.rules {
            config.rules = new.rules;
            self.world.limit_pairs(new.rules.pair);
            self.world.limit_windows(new.rules.window);
            if !new.rules.tier_upgrade {
                self.account.upgrade = None;
            }
        }
        if old.link_hosts != new.link_hosts {
            config.link_hosts.clone_from(&new.link_hosts);
        }
        if old.public_url != new.public_url {
            config.public_url.clone_from(&new.public_url);
        }
        if old.unknown_templates != new.unknown_templates {
            config.unknown_templates = new.unknown_templates;
        }
        if old.templates != new.templates {
            config.templates = new.templates.clone();
            self.templates.review = review_of(&new.templates);
        }
        if old.allowed_recipients != new.allowed_recipients {
            config.allowed_recipients.clone_from(&new.allowed_recipients);
            self.allowed.clone_from(&new.allowed_recipients);
        }
        config.message_status_always = new.message_status_always;
        if old.magic_numbers != new.magic_numbers {
            config.magic_numbers = new.magic_numbers;
        }
        if old.timing != new.timing {
            config.timing = new.timing.clone();
            self.world.set_timing(new.timing.clone());
        }
        if old.faults != new.faults {
            config.faults.clone_from(&new.faults);
        }
        self.config = Arc::new(config);
        self.world.limit_throughput(limits_throughput(&self.config, &self.clock));
        if old.faults != new.faults {
            for id in std::mem::take(&mut self.configured_faults) {
                self.disarm(Some(id));
            }
            self.arm_configured(self.now(real));
        }
    }

    /// Arms the faults of the configuration.
    pub(super) fn arm_configured(&mut self, since: Timestamp) {
        for spec in self.config.clone().faults.clone() {
            // The configuration was checked when it was read; a sender that is not this tenant's is another's.
            match self.arm(spec, None, since) {
                Ok(id) => self.configured_faults.push(id),
                Err(problem) => {
                    tracing::info!(tenant = %self.identity.name, %problem, "a fault of the configuration is not armed");
                }
            }
        }
    }
}
