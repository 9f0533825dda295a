//! Requests with a code that no processor answers: counted by code, and logged once for each peer
//! and code.
//!
//! Some peers repeat such requests for as long as they run.

use std::collections::BTreeMap;
use std::net::IpAddr;

use parking_lot::Mutex;

use super::peer::Peer;
use crate::log_once::{LOG_LIMIT, LogDecision, LogOnce};
use crate::wire::RequestCode;

/// The number of codes that have a count of their own.
const MAX_COUNTED: usize = 1_024;

/// Counts of requests that no processor answers.
#[derive(Debug, Default)]
pub struct Unanswered(Mutex<UnansweredTable>);

#[derive(Debug, Default)]
struct UnansweredTable {
    counts: BTreeMap<RequestCode, u64>,
    /// Requests with further codes.
    others: u64,
    logged: LogOnce<(IpAddr, RequestCode)>,
}

impl Unanswered {
    /// The number of requests by code.
    pub fn counts(&self) -> BTreeMap<RequestCode, u64> {
        self.0.lock().counts.clone()
    }

    /// The number of requests whose codes are beyond the limit of [`Self::counts`].
    pub fn others(&self) -> u64 {
        self.0.lock().others
    }

    /// A peer sent a request with `code`.
    pub(crate) fn note(&self, code: RequestCode, peer: &Peer) {
        let client = peer.address();
        let telling = self.0.lock().note(code, client.ip().to_canonical());
        match telling {
            LogDecision::First => tracing::warn!(
                %client, ?code,
                "the request is not supported and is refused with code 3; requests with this code \
                 from this host are only counted from now on"
            ),
            LogDecision::LimitReached => tracing::warn!(
                %client, ?code,
                "the request is not supported and is refused with code 3, as {LOG_LIMIT} others \
                 were: from now on such requests are only counted"
            ),
            LogDecision::Skip => {}
        }
    }
}

impl UnansweredTable {
    /// Counts the request. Hosts are told apart by IP address without port, because tools open a
    /// new connection for each request.
    fn note(&mut self, code: RequestCode, peer: IpAddr) -> LogDecision {
        if self.counts.len() < MAX_COUNTED || self.counts.contains_key(&code) {
            *self.counts.entry(code).or_default() += 1;
        } else {
            self.others += 1;
        }
        self.logged.decide((peer, code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_is_counted_and_each_code_is_logged_once_for_each_host() {
        let mut table = UnansweredTable::default();
        let hosts = ["10.0.0.1", "10.0.0.2", "10.0.0.1"].map(|host| host.parse().unwrap());
        let codes = [RequestCode(900), RequestCode(901)];

        let logged = codes.map(|code| hosts.map(|host| table.note(code, host)));

        assert_eq!(
            logged,
            [[LogDecision::First, LogDecision::First, LogDecision::Skip]; 2]
        );
        assert_eq!(table.counts, codes.map(|code| (code, 3)).into());
    }

    #[test]
    fn made_up_codes_are_counted_in_bounded_memory() {
        let mut table = UnansweredTable::default();
        let host = "10.0.0.1".parse().unwrap();

        for code in 0..5_000 {
            table.note(RequestCode(code), host);
        }

        assert_eq!(table.counts.len(), MAX_COUNTED);
        assert_eq!(table.others, 5_000 - 1_024);
    }
}
