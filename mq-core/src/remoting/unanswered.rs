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

    /// A peer asks for `code`.
    pub(super) fn note(&self, code: RequestCode, peer: &Peer) {
        let client = peer.address();
        if self.0.lock().note(code, client.ip().to_canonical()) {
            tracing::warn!(
                %client, ?code,
                "the request is not supported and is refused with code 3; further ones of this code \
                 from this host are counted only"
            );
        }
    }
}

impl Table {
    /// Counts; whether it is to be told. Peers are known by address without port: tools connect
    /// anew for each question.
    fn note(&mut self, code: RequestCode, peer: IpAddr) -> bool {
        if self.counts.len() < MOST || self.counts.contains_key(&code) {
            *self.counts.entry(code).or_default() += 1;
        }
        if self.told.len() >= MOST {
            self.told.clear();
        }
        self.told.insert((peer, code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_is_counted_and_each_code_is_told_once_for_each_host() {
        let mut table = Table::default();
        let hosts = ["10.0.0.1", "10.0.0.2", "10.0.0.1"].map(|host| host.parse().unwrap());
        let codes = [RequestCode(900), RequestCode(901)];

        let told = codes.map(|code| hosts.map(|host| table.note(code, host)));

        assert_eq!(told, [[true, true, false]; 2]);
        assert_eq!(table.counts, codes.map(|code| (code, 3)).into());
    }

    #[test]
    fn what_peers_make_up_fills_no_memory() {
        let mut table = Table::default();
        let host = "10.0.0.1".parse().unwrap();

        for code in 0..5_000 {
            table.note(RequestCode(code), host);
        }

        assert!(table.counts.len() <= MOST && table.told.len() <= MOST);
    }
}
