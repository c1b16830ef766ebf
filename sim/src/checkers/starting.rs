//! The engine dies and starts anew: what each checker makes of it.

use super::Checkers;
use super::parked::Parked;
use super::seen::flag;
use cloud_api::time::Timestamp;
use engine_core::attempt::Phase;
use engine_core::message::Row;
use mock_whatsapp_model::spec::FaultKind;

impl Checkers {
    /// The engine died.
    pub fn crashed(&mut self, now: Timestamp) {
        self.crashed = Some(now);
        self.opt_outs.crashed();
        self.limit.crashed();
        self.breaker.reset();
        self.halts.reset(&self.scene);
        self.holds.doubt(now);
        self.work.crashed(now);
    }

    /// The engine started anew, on these rows.
    pub fn restarted(&mut self, now: Timestamp, rows: &[Row]) {
        let before = self.started.replace(now).unwrap_or(self.scene.start);
        let is_old = self.scene.windows.iter().any(|window| {
            // Once per fault of this kind, the store is an old copy.
            window.kind == FaultKind::StaleStore
                && window.from <= now
                && (window.from > before || before == self.scene.start)
        });
        if is_old {
            // What was parked may not be in the old copy.
            let parked = std::mem::take(&mut self.parked).into_keys().map(|(message, _)| message);
            for message in parked.chain(self.durable.parked().into_iter().map(|(message, ..)| message)) {
                self.seen[message as usize].flags |= flag::PARKED | flag::LOST;
            }
            self.limit.went_stale();
            self.opt_outs.went_stale();
            // What an act ended may go on, or not.
            let acted = self.scene.campaigns.iter().enumerate().filter(|(place, _)| self.paused.stands(*place));
            for (_, campaign) in acted {
                let own = &mut self.seen[campaign.first as usize..campaign.end as usize];
                own.iter_mut().for_each(|seen| seen.flags |= flag::STALE);
            }
            self.paused.went_stale();
        }
        // What was parked may have come to its message in a commit that nobody was told of.
        for ((message, number), parked) in &self.parked {
            let seen = &mut self.seen[*message as usize];
            for word in parked.iter().map(Parked::word) {
                self.durable.told(*message, *number, word, None, seen);
                seen.learn(seen.since, *number, word);
            }
        }
        let died = self.crashed.unwrap_or(now);
        self.channels.iter_mut().for_each(|channel| channel.restarted(died, now));
        self.count_left(rows);
        // What is asked for may be durable and not acknowledged.
        let is_cancelled = |campaign| self.paused.is_cancelled(campaign) || self.scene.asked_to_end(campaign, now);
        let parked = if is_old { Vec::new() } else { self.durable.parked() };
        self.durable.restarted(&self.scene, (now, is_old), rows, &mut self.seen, is_cancelled);
        for (message, number, word) in parked {
            self.learn(now, message, number, word, None);
            self.durable.released(message, number, word);
        }
        self.work.restarted(&self.scene, now, rows);
        self.priority.restarted(&self.scene, now, rows);
    }

    /// What is left for each sender to do, by these rows.
    fn count_left(&mut self, rows: &[Row]) {
        let mut left = vec![(0, 0); self.channels.len()];
        for part in &self.scene.parts {
            let (in_progress, unknown) = &mut left[usize::from(part.sender)];
            for row in &rows[part.first as usize..part.end as usize] {
                *in_progress += u32::from(row.state().is_in_progress());
                *unknown += row.attempts().filter(|(_, attempt)| attempt.phase() == Phase::Unknown).count() as u32;
            }
        }
        for (channel, (in_progress, unknown)) in self.channels.iter_mut().zip(left) {
            channel.has(in_progress, unknown);
        }
    }
}
