//! Requests that nobody here answers: counted by code, and told once for each peer and code.
//!
//! Peers repeat such requests for as long as they run, some of them thousands of times.

use std::collections::BTreeMap;
use std::net::IpAddr;

use parking_lot::Mutex;

use super::peer::Peer;
use crate::told::{MOST_TOLD, Telling, Told};
use crate::wire::RequestCode;

/// So many codes have a count of their own.
const MOST_COUNTED: usize = 1_024;

/// Requests that nobody answers.
#[derive(Debug, Default)]
pub struct Unanswered(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    counts: BTreeMap<RequestCode, u64>,
    /// Requests of codes without a count of their own.
    others: u64,
    told: Told<(IpAddr, RequestCode)>,
}

impl Unanswered {
    /// How often each code was asked for.
    pub fn counts(&self) -> BTreeMap<RequestCode, u64> {
        self.0.lock().counts.clone()
    }

    /// How often codes were asked for beyond those that [`Self::counts`] has.
    pub fn others(&self) -> u64 {
        self.0.lock().others
    }

    /// A peer asks for `code`.
    pub(super) fn note(&self, code: RequestCode, peer: &Peer) {
        let client = peer.address();
        let telling = self.0.lock().note(code, client.ip().to_canonical());
        match telling {
            Telling::News => tracing::warn!(
                %client, ?code,
                "the request is not supported and is refused with code 3; further ones of this code \
                 from this host are counted only"
            ),
            Telling::Full => tracing::warn!(
                %client, ?code,
                "the request is not supported and is refused with code 3, as {MOST_TOLD} codes and \
                 hosts were: from now on such requests are counted only"
            ),
            Telling::Silence => {}
        }
    }
}

impl Table {
    /// Counts. Peers are known by address without port: tools connect
    /// anew for each question.
    fn note(&mut self, code: RequestCode, peer: IpAddr) -> Telling {
        if self.counts.len() < MOST_COUNTED || self.counts.contains_key(&code) {
            *self.counts.entry(code).or_default() += 1;
        } else {
            self.others += 1;
        }
        self.told.tell((peer, code))
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

        assert_eq!(told, [[Telling::News, Telling::News, Telling::Silence]; 2]);
        assert_eq!(table.counts, codes.map(|code| (code, 3)).into());
    }

    #[test]
    fn codes_that_peers_make_up_fill_no_memory_and_are_counted_all_the_same() {
        let mut table = Table::default();
        let host = "10.0.0.1".parse().unwrap();

        for code in 0..5_000 {
            table.note(RequestCode(code), host);
        }

        assert_eq!(table.counts.len(), MOST_COUNTED);
        assert_eq!(table.others, 5_000 - 1_024);
    }
}
