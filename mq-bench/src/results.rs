//! Everything a run found, as it goes into the JSON file; tables and bars are read off it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::machine::Machine;
use crate::sample::{Figure, Sample, Spread};
use crate::touch::FirstTouch;

/// The subject that others are compared with.
pub(crate) const NULL: &str = "null";

/// One case with one contender, a sample for each round.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    /// The kind of case: `native`, `append` …
    pub(crate) case: String,
    /// Its load: `16 connections, depth 1, 1024 B`.
    pub(crate) load: String,
    /// What was measured: `mq sync`, `null` …
    pub(crate) subject: String,
    pub(crate) samples: Vec<Sample>,
}

impl Row {
    pub(crate) fn spread(&self, figure: Figure) -> Option<Spread> {
        Spread::of(
            self.samples
                .iter()
                .filter_map(|sample| sample.get(&figure).copied()),
        )
    }
}

/// System calls of a server during a short run under `strace -c`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Calls {
    pub(crate) load: String,
    pub(crate) subject: String,
    /// Messages that the server acknowledged meanwhile.
    pub(crate) messages: u64,
    pub(crate) by_name: BTreeMap<String, u64>,
}

impl Calls {
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub(crate) fn per_message(&self, name: &str) -> f64 {
        let calls = self.by_name.get(name).copied().unwrap_or_default();
        calls as f64 / self.messages.max(1) as f64
    }
}

/// Everything a run found.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Results {
    pub(crate) machine: Machine,
    /// The words after `mq-bench`.
    pub(crate) command: Vec<String>,
    /// The commit that was measured, as `git describe` names it.
    pub(crate) revision: String,
    /// The part of all processors' time that other programs and the host took during the run.
    pub(crate) foreign_cpu: f64,
    pub(crate) first_touch: Option<FirstTouch>,
    pub(crate) rows: Vec<Row>,
    pub(crate) calls: Vec<Calls>,
}

impl Results {
    pub(crate) fn new(machine: Machine, command: Vec<String>) -> Self {
        Self {
            machine,
            command,
            revision: String::new(),
            foreign_cpu: 0.0,
            first_touch: None,
            rows: Vec::new(),
            calls: Vec::new(),
        }
    }

    /// Keeps the sample of one more round.
    pub(crate) fn add(&mut self, case: &str, load: &str, subject: &str, sample: Sample) {
        let row = self.rows.iter_mut();
        let mut known = row.filter(|row| row.case == case && row.load == load);
        if let Some(row) = known.find(|row| row.subject == subject) {
            row.samples.push(sample);
            return;
        }
        self.rows.push(Row {
            case: case.to_owned(),
            load: load.to_owned(),
            subject: subject.to_owned(),
            samples: vec![sample],
        });
    }

    pub(crate) fn row(&self, case: &str, load: &str, subject: &str) -> Option<&Row> {
        let mut rows = self.rows.iter();
        rows.find(|row| row.case == case && row.load == load && row.subject == subject)
    }

    pub(crate) fn median(
        &self,
        case: &str,
        load: &str,
        subject: &str,
        figure: Figure,
    ) -> Option<f64> {
        Some(self.row(case, load, subject)?.spread(figure)?.median)
    }

    /// Messages a second of `row` divided by those of `other` under the same load, round by round.
    pub(crate) fn ratio(&self, row: &Row, other: &str) -> Option<Spread> {
        let other = self.row(&row.case, &row.load, other)?;
        let rate = |sample: &Sample| sample.get(&Figure::PerSecond).copied();
        let pairs = row.samples.iter().zip(&other.samples);
        Spread::of(pairs.filter_map(|(one, other)| Some(rate(one)? / rate(other)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(value: f64) -> Sample {
        Sample::from([(Figure::PerSecond, value)])
    }

    #[test]
    fn a_ratio_is_taken_within_each_round() {
        let mut results = Results::new(Machine::default(), Vec::new());
        // The machine is half as fast in the second round.
        for (mq, null) in [(60.0, 100.0), (35.0, 50.0), (80.0, 100.0)] {
            results.add("native", "1 KiB", NULL, rate(null));
            results.add("native", "1 KiB", "mq", rate(mq));
        }

        let row = results.row("native", "1 KiB", "mq").unwrap();
        let ratio = results.ratio(row, NULL).unwrap();

        assert!((ratio.median - 0.7).abs() < 1e-9, "{ratio:?}");
        assert!((ratio.min - 0.6).abs() < 1e-9, "{ratio:?}");
        assert!(results.ratio(row, "nobody").is_none());
    }
}
