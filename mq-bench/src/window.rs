//! A stretch of time in the middle of a load: messages, CPU time of both ends, seconds.

use std::time::Duration;

use anyhow::Result;
use mq_core::clock::{Clock, Moment};

use crate::cpu::Process;
use crate::sample::{Figure, Sample};

/// The state of things when the window begins.
#[derive(Debug)]
pub(crate) struct Window {
    begun: Moment,
    messages: u64,
    server: Process,
    client: Process,
    server_cpu: Duration,
    client_cpu: Duration,
}

impl Window {
    /// Begins now, `messages` having been acknowledged so far.
    pub(crate) fn begin(
        clock: &Clock,
        messages: u64,
        server: Process,
        client: Process,
    ) -> Result<Self> {
        Ok(Self {
            server_cpu: server.cpu()?,
            client_cpu: client.cpu()?,
            begun: clock.moment(),
            messages,
            server,
            client,
        })
    }

    pub(crate) fn begun(&self) -> Moment {
        self.begun
    }

    /// Ends now, `messages` having been acknowledged in all.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub(crate) fn end(self, clock: &Clock, messages: u64) -> Result<Sample> {
        let seconds = clock.moment().since(self.begun).as_secs_f64();
        let count = messages.saturating_sub(self.messages) as f64;
        let mut sample = Sample::from([(Figure::PerSecond, count / seconds)]);
        self.add_cpu(count, &mut sample)?;
        Ok(sample)
    }

    /// Adds the CPU time of both ends since the begin, for each of `count` messages.
    pub(crate) fn add_cpu(&self, count: f64, sample: &mut Sample) -> Result<()> {
        let used = |process: Process, before| -> Result<f64> {
            let used = process.cpu()?.saturating_sub(before);
            Ok(used.as_secs_f64() * 1e6 / count.max(1.0))
        };
        sample.insert(Figure::ServerCpuUs, used(self.server, self.server_cpu)?);
        sample.insert(Figure::ClientCpuUs, used(self.client, self.client_cpu)?);
        Ok(())
    }
}
