//! What one run of a case yields, and what several runs say together: median, lowest and highest.

use std::collections::BTreeMap;

use serde::Serialize;

/// A figure of a run. The order is that of the table's columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Figure {
    /// Messages a second.
    PerSecond,
    /// CPU time of the server, user and system, µs a message.
    ServerCpuUs,
    /// CPU time of the client, user and system, µs a message.
    ClientCpuUs,
    /// Average latency, µs.
    AverageUs,
    /// Median latency, µs.
    P50Us,
    /// Latency that 99 % stay below, µs.
    P99Us,
    /// Latency that 99.9 % stay below, µs.
    P999Us,
    /// Longest latency, µs.
    MaxUs,
    /// Time of one append, ns.
    AppendNs,
    /// Allocations on the thread of one append.
    Allocations,
    /// From the start of the process until its line `ready`, ms.
    ReadyMs,
}

impl Figure {
    /// All, in the order of the columns.
    pub(crate) const ALL: [Self; 11] = [
        Self::PerSecond,
        Self::ServerCpuUs,
        Self::ClientCpuUs,
        Self::AverageUs,
        Self::P50Us,
        Self::P99Us,
        Self::P999Us,
        Self::MaxUs,
        Self::AppendNs,
        Self::Allocations,
        Self::ReadyMs,
    ];

    /// The head of its column.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::PerSecond => "messages/s",
            Self::ServerCpuUs => "server µs",
            Self::ClientCpuUs => "client µs",
            Self::AverageUs => "average µs",
            Self::P50Us => "p50 µs",
            Self::P99Us => "p99 µs",
            Self::P999Us => "p99.9 µs",
            Self::MaxUs => "max µs",
            Self::AppendNs => "ns",
            Self::Allocations => "allocations",
            Self::ReadyMs => "ready ms",
        }
    }
}

/// The figures of one run.
pub(crate) type Sample = BTreeMap<Figure, f64>;

/// Median, lowest and highest of several runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// `None` without values.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let upper = *sorted.get(sorted.len() / 2)?;
        let lower = *sorted.get((sorted.len() - 1) / 2)?;
        Some(Self {
            median: f64::midpoint(lower, upper),
            min,
            max,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_count_lies_between_the_two_in_the_middle() {
        let expected = |median, min, max| Some(Spread { median, min, max });
        assert_eq!(Spread::of([4.0, 1.0, 2.0, 9.0]), expected(3.0, 1.0, 9.0));
        assert_eq!(Spread::of([5.0, 7.0, 6.0]), expected(6.0, 5.0, 7.0));
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn every_figure_has_a_column_of_its_own_in_the_order_of_the_enum() {
        let titles: std::collections::BTreeSet<_> = Figure::ALL.map(Figure::title).into();

        assert_eq!(titles.len(), Figure::ALL.len());
        assert!(Figure::ALL.is_sorted());
    }
}
