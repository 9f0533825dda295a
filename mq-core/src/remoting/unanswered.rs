//! Requests that nobody here answers: counted by code, and told once for each peer and code.
//!
//! Peers repeat such requests for as long as they run, some of them thousands of times.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use parking_lot::Mutex;

use super::Peer;
use crate::wire::RequestCode;

/// So much is remembered of what peers make up.
const MOST: usize = 1_024;

/// Requests that nobody answers.
#[derive(Debug, Default)]
pub struct Unanswered(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    counts: BTreeMap<RequestCode, u64>,
    told: BTreeSet<(IpAddr, RequestCode)>,
}

impl Unanswered {
    /// How often each code was asked for.
    pub fn counts(&self) -> BTreeMap<RequestCode, u64> {
        self.0.lock().counts.clone()
    }

    /// A peer asks for `code`. A peer is known by its address without the port: tools connect anew
    /// for each question.
    pub(super) fn note(&self, code: RequestCode, peer: &Peer) {
        let client = peer.address();
        let news = {
            let mut table = self.0.lock();
            if table.counts.len() < MOST || table.counts.contains_key(&code) {
                *table.counts.entry(code).or_default() += 1;
            }
            if table.told.len() >= MOST {
                table.told.clear();
            }
            table.told.insert((client.ip().to_canonical(), code))
        };
        if news {
            tracing::warn!(
                %client, ?code,
                "the request is not supported and is refused with code 3; further ones of this code \
                 from this host are counted only"
            );
        }
    }
}
