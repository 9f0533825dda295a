//! The bars: what a case has to reach. Speed never decides whether a test passes; the table says
//! which bars are held.

use mq_core::message::subscription::SelectorType;

use crate::cases::java::{self, BATCH, JavaLoad, single};
use crate::cases::{append, filtered, later, restart, transactions};
use crate::java::PEERS;
use crate::results::{NULL, Results};
use crate::sample::Figure;

/// A line of the table of bars.
pub(crate) struct Bar {
    pub(crate) case: &'static str,
    /// The figure when the bar was set.
    pub(crate) before: &'static str,
    pub(crate) limit: Limit,
    pub(crate) unit: &'static str,
    /// The figure of this run; `None` when it was not measured.
    pub(crate) measured: fn(&Results) -> Option<f64>,
}

/// The side on which a figure has to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Limit {
    AtLeast(f64),
    AtMost(f64),
}

impl Limit {
    pub(crate) fn holds(self, figure: f64) -> bool {
        match self {
            Self::AtLeast(bar) => figure >= bar,
            Self::AtMost(bar) => figure <= bar,
        }
    }

    pub(crate) fn text(self) -> String {
        match self {
            Self::AtLeast(bar) => format!("≥ {bar}"),
            Self::AtMost(bar) => format!("≤ {bar}"),
        }
    }
}

/// All bars.
pub(crate) const BARS: &[Bar] = &[
    Bar {
        case: "Java client, interval, 1 thread",
        before: "1.1",
        limit: Limit::AtLeast(1.0),
        unit: "of null",
        measured: |results| of_null(results, INTERVAL, single(1)),
    },
    Bar {
        case: "Java client, interval, 16 threads",
        before: "0.68",
        limit: Limit::AtLeast(0.85),
        unit: "of null",
        measured: |results| of_null(results, INTERVAL, single(16)),
    },
    Bar {
        case: "Java client, interval, 64 threads",
        before: "0.72",
        limit: Limit::AtLeast(0.9),
        unit: "of null",
        measured: |results| of_null(results, INTERVAL, single(64)),
    },
    Bar {
        case: "Java client, sync, 1 thread",
        before: "0.46",
        limit: Limit::AtLeast(0.5),
        unit: "of null",
        measured: |results| of_null(results, SYNC, single(1)),
    },
    Bar {
        case: "Java client, sync, 16 threads",
        before: "0.26",
        limit: Limit::AtLeast(0.42),
        unit: "of null",
        measured: |results| of_null(results, SYNC, single(16)),
    },
    Bar {
        case: "Java client, sync, 64 threads",
        before: "0.41",
        limit: Limit::AtLeast(0.5),
        unit: "of null",
        measured: |results| of_null(results, SYNC, single(64)),
    },
    Bar {
        case: "Java client, interval, 16 threads, batches of 32",
        before: "0.13",
        limit: Limit::AtLeast(0.45),
        unit: "of null",
        measured: |results| of_null(results, INTERVAL, BATCH),
    },
    Bar {
        case: "the same beside Apache's best",
        before: "",
        limit: Limit::AtLeast(2.0),
        unit: "times",
        measured: |results| {
            let own = rate(results, INTERVAL, BATCH)?;
            let peers = PEERS.map(|version| rate(results, &format!("{version} interval"), BATCH));
            Some(own / peers.into_iter().flatten().reduce(f64::max)?)
        },
    },
    Bar {
        case: "server CPU, interval, 64 Java threads",
        before: "8.4",
        limit: Limit::AtMost(4.0),
        unit: "µs a message",
        measured: |results| {
            let load = single(64).text();
            results.median(java::SENDS, &load, INTERVAL, Figure::ServerCpuUs)
        },
    },
    Bar {
        case: "writes of files, interval, 64 Java threads",
        before: "1.5",
        limit: Limit::AtMost(0.1),
        unit: "calls a message",
        measured: |results| calls(results, &["pwrite64", "pwritev", "pwritev2"]),
    },
    Bar {
        case: "reads of files, interval, 64 Java threads",
        before: "0.36",
        // A read now and then, by what runs beside the sends, is none on their way.
        limit: Limit::AtMost(0.001),
        unit: "calls a message",
        measured: |results| calls(results, &["pread64", "preadv", "preadv2"]),
    },
    Bar {
        case: "MessageStore::append, 1 KiB, one thread, warm",
        before: "not measured",
        limit: Limit::AtMost(400.0),
        unit: "ns",
        measured: |results| append_ns(results, append::GROUPS[0]),
    },
    Bar {
        case: "the same, 64 in one turn",
        before: "not measured",
        limit: Limit::AtMost(400.0),
        unit: "ns",
        measured: |results| append_ns(results, append::GROUPS[1]),
    },
    Bar {
        case: "end to end, one Java sender, average",
        before: "270",
        limit: Limit::AtMost(200.0),
        unit: "µs",
        measured: |results| {
            results.median(
                java::END_TO_END,
                java::ONE_SENDER,
                INTERVAL,
                Figure::AverageUs,
            )
        },
    },
    Bar {
        case: "late by, 10,000 messages/s, interval, p99",
        before: "not built",
        limit: Limit::AtMost(20.0),
        unit: "ms",
        measured: |results| late_ms(results, later::STEADILY),
    },
    Bar {
        case: "late by, a million due in one second, interval, p99",
        before: "not built",
        limit: Limit::AtMost(2_000.0),
        unit: "ms",
        measured: |results| late_ms(results, later::AT_ONCE),
    },
    Bar {
        case: "past 99 of 100 messages by tags",
        before: "not built",
        limit: Limit::AtLeast(5e6),
        unit: "messages/s",
        measured: |results| passed(results, SelectorType::Tag),
    },
    Bar {
        case: "past 99 of 100 messages by a condition",
        before: "not built",
        limit: Limit::AtLeast(1e6),
        unit: "messages/s",
        measured: |results| passed(results, SelectorType::Sql92),
    },
    Bar {
        case: "transactions, our client, interval, beside 5.3.3",
        before: "not built",
        limit: Limit::AtLeast(1.7),
        unit: "times",
        measured: |results| {
            beside_5(
                results,
                transactions::CASE,
                &transactions::load(ONE),
                INTERVAL,
            )
        },
    },
    Bar {
        case: "the same, sync",
        before: "not built",
        limit: Limit::AtLeast(1.7),
        unit: "times",
        measured: |results| beside_5(results, transactions::CASE, &transactions::load(ONE), SYNC),
    },
    Bar {
        case: "transactions, Java client, interval, beside 5.3.3",
        before: "not built",
        limit: Limit::AtLeast(1.7),
        unit: "times",
        measured: |results| {
            beside_5(
                results,
                transactions::JAVA_CASE,
                transactions::JAVA_LOAD,
                INTERVAL,
            )
        },
    },
    Bar {
        case: "the same, sync",
        before: "not built",
        limit: Limit::AtLeast(1.7),
        unit: "times",
        measured: |results| {
            beside_5(
                results,
                transactions::JAVA_CASE,
                transactions::JAVA_LOAD,
                SYNC,
            )
        },
    },
    Bar {
        case: "ready after kill -9, 3.3 GB",
        before: "240",
        limit: Limit::AtMost(300.0),
        unit: "ms",
        measured: |results| ready(results, restart::SIZES_MB[0]),
    },
    Bar {
        case: "ready after kill -9, 8 GB",
        before: "not measured",
        limit: Limit::AtMost(500.0),
        unit: "ms",
        measured: |results| ready(results, restart::SIZES_MB[1]),
    },
    Bar {
        case: "Java consumer, hot backlog, beside 4.9.7",
        before: "",
        limit: Limit::AtLeast(1.4),
        unit: "times",
        measured: |results| {
            let mut rows = results.rows.iter();
            let own = rows.find(|row| row.case == java::CONSUME && row.subject == INTERVAL)?;
            Some(results.ratio(own, "4.9.7 interval")?.median)
        },
    },
    Bar {
        case: "the null server is honest: 16 Java threads",
        before: "62700",
        limit: Limit::AtLeast(60_000.0),
        unit: "messages/s",
        measured: |results| rate(results, NULL, single(16)),
    },
    Bar {
        case: "the null server is honest: 64 Java threads",
        before: "83800",
        limit: Limit::AtLeast(80_000.0),
        unit: "messages/s",
        measured: |results| rate(results, NULL, single(64)),
    },
    Bar {
        case: "the null server is honest: batches",
        before: "975000",
        limit: Limit::AtLeast(900_000.0),
        unit: "messages/s",
        measured: |results| rate(results, NULL, BATCH),
    },
];

const INTERVAL: &str = "mq interval";
const SYNC: &str = "mq sync";
const ONE: (usize, usize) = transactions::SHAPES[0];

/// The rate of `mq` as a multiple of what 5.3.3 reaches in the same mode, round by round.
fn beside_5(results: &Results, case: &str, load: &str, own: &str) -> Option<f64> {
    let row = results.row(case, load, own)?;
    let peer = own.replace("mq", "5.3.3");
    Some(results.ratio(row, &peer)?.median)
}

/// Messages a second of Java's client.
fn rate(results: &Results, subject: &str, load: JavaLoad) -> Option<f64> {
    results.median(java::SENDS, &load.text(), subject, Figure::PerSecond)
}

/// The same as a part of what the null server reaches.
fn of_null(results: &Results, subject: &str, load: JavaLoad) -> Option<f64> {
    let row = results.row(java::SENDS, &load.text(), subject)?;
    Some(results.ratio(row, NULL)?.median)
}

fn append_ns(results: &Results, group: usize) -> Option<f64> {
    let load = append::load(group);
    results.median(append::CASE, &load, append::SUBJECT, Figure::AppendNs)
}

fn late_ms(results: &Results, when: later::When) -> Option<f64> {
    let us = results.median(later::CASE, &when.text(), INTERVAL, Figure::P99Us)?;
    Some(us / 1e3)
}

/// Messages a second that lie in a backlog of which one in a hundred is wanted.
fn passed(results: &Results, selector: SelectorType) -> Option<f64> {
    let load = filtered::load(selector);
    results.median(filtered::CASE, &load, INTERVAL, Figure::PerSecond)
}

fn ready(results: &Results, megabytes: u64) -> Option<f64> {
    let load = restart::load(megabytes);
    results.median(restart::CASE, &load, restart::SUBJECT, Figure::ReadyMs)
}

/// Calls of these names for each message of 64 Java threads.
fn calls(results: &Results, names: &[&str]) -> Option<f64> {
    let load = single(64).text();
    let mut all = results.calls.iter();
    let row = all.find(|row| row.load == load && row.subject == INTERVAL)?;
    Some(names.iter().map(|name| row.per_message(name)).sum())
}
