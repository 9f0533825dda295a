//! Latencies, kept to two digits between 1 ns and a minute.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::sample::{Figure, Sample};

const LONGEST_NS: u64 = 60_000_000_000;
const DIGITS: u8 = 2;

/// Latencies of a run.
#[derive(Clone, Debug)]
pub(crate) struct Latencies(Histogram<u64>);

impl Latencies {
    pub(crate) fn new() -> Self {
        let made = Histogram::new_with_bounds(1, LONGEST_NS, DIGITS);
        Self(made.expect("the bounds are constants that fit"))
    }

    pub(crate) fn record(&mut self, latency: Duration) {
        let ns = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.0.saturating_record(ns);
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        let added = self.0.add(&other.0);
        added.expect("both have the same bounds");
    }

    pub(crate) fn clear(&mut self) {
        self.0.reset();
    }

    /// Adds average, quantiles and the longest to `sample`.
    #[expect(
        clippy::cast_precision_loss,
        reason = "nanoseconds of a minute are below 2^52"
    )]
    pub(crate) fn tell(&self, sample: &mut Sample) {
        if self.0.is_empty() {
            return;
        }
        let at = |quantile| self.0.value_at_quantile(quantile) as f64 / 1e3;
        sample.insert(Figure::AverageUs, self.0.mean() / 1e3);
        sample.insert(Figure::P50Us, at(0.5));
        sample.insert(Figure::P99Us, at(0.99));
        sample.insert(Figure::P999Us, at(0.999));
        sample.insert(Figure::MaxUs, self.0.max() as f64 / 1e3);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_told_in_microseconds() {
        let (mut latencies, mut more) = (Latencies::new(), Latencies::new());
        for _ in 0..99 {
            latencies.record(Duration::from_micros(100));
        }
        more.record(Duration::from_millis(20));
        latencies.merge(&more);
        let mut sample = Sample::new();

        latencies.tell(&mut sample);

        let near = |figure, expected: f64| {
            let found = sample.get(&figure).copied().unwrap();
            assert!((found / expected - 1.0).abs() < 0.02, "{figure:?}: {found}");
        };
        near(Figure::P50Us, 100.0);
        near(Figure::P99Us, 100.0);
        near(Figure::MaxUs, 20_000.0);
        near(Figure::AverageUs, 299.0);
    }
}
