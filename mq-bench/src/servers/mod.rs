//! The servers that are measured, each a process of its own: `mq`, one that only answers, Apache's.

mod apache;
mod mq;
pub(crate) mod null;
mod process;
mod settings;

use std::fmt;

use anyhow::Result;

pub(crate) use mq::start as start_mq;
pub(crate) use process::Server;

use crate::bench::{Bench, Flush};
use crate::java::PEERS;

/// Who takes part in a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contender {
    /// Answers every send and stores nothing: what protocol and client cost at least.
    Null,
    /// `mq standalone`.
    Mq(Flush),
    /// Apache's broker of this release.
    Apache(&'static str, Flush),
}

impl Contender {
    /// `mq`, and behind it Apache's brokers in the same mode.
    pub(crate) fn with_peers(flush: Flush) -> Vec<Self> {
        let peers = PEERS.map(|version| Self::Apache(version, flush));
        std::iter::once(Self::Mq(flush)).chain(peers).collect()
    }

    /// `mq` in the mode without syncs, with Apache's brokers behind it when peers were asked for.
    pub(crate) fn in_interval_mode(bench: &Bench) -> Vec<Self> {
        match bench.java {
            Some(_) => Self::with_peers(Flush::Interval),
            None => vec![Self::Mq(Flush::Interval)],
        }
    }

    /// `mq` in both modes, each time with Apache's brokers behind it when peers were asked for.
    pub(crate) fn in_both_modes(bench: &Bench) -> Vec<Self> {
        let mut all = Vec::new();
        for flush in [Flush::Interval, Flush::Sync] {
            match bench.java {
                Some(_) => all.extend(Self::with_peers(flush)),
                None => all.push(Self::Mq(flush)),
            }
        }
        all
    }

    /// Starts it with an empty store, which goes with it.
    pub(crate) async fn start(self, bench: &Bench) -> Result<Server> {
        match self {
            Self::Null => null::start(bench).await,
            Self::Mq(flush) => mq::start(bench, flush, bench.scratch()?).await,
            Self::Apache(version, flush) => {
                apache::start(bench, bench.java()?, version, flush).await
            }
        }
    }
}

impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str(crate::results::NULL),
            Self::Mq(flush) => write!(f, "mq {}", flush.name()),
            Self::Apache(version, flush) => write!(f, "{version} {}", flush.name()),
        }
    }
}
