//! Subscriptions that the broker cannot evaluate, because they are in a language that it does not
//! know or that is switched off, or because their condition cannot be read: refused, counted by
//! language, and logged once for each client, topic and reason.
//!
//! A Java consumer whose start was refused keeps sending heartbeats and pulls.

use std::collections::BTreeMap;

use mq_rules::sql::SqlError;
use parking_lot::Mutex;

use crate::excerpt::excerpt;
use crate::log_once::{LOG_LIMIT, LogDecision, LogOnce};
use crate::message::subscription::SelectorType;
use crate::wire::Refusal;

/// Unknown languages are counted under this name.
const UNKNOWN_LANGUAGE: &str = "other";

/// Refused subscriptions.
#[derive(Debug, Default)]
pub(in crate::broker) struct Unsupported(Mutex<UnsupportedTable>);

#[derive(Debug, Default)]
struct UnsupportedTable {
    counts: BTreeMap<&'static str, u64>,
    /// Excerpts of client, group, topic, reason.
    logged: LogOnce<[String; 4]>,
}

/// A refused subscription.
#[derive(Clone, Copy, Debug)]
pub(in crate::broker) struct Refused<'a> {
    /// Client id, or an address.
    pub(in crate::broker) client: &'a str,
    pub(in crate::broker) group: &'a str,
    pub(in crate::broker) topic: &'a str,
    /// The language of its expression.
    pub(in crate::broker) language: &'a str,
    /// Why its condition cannot be read; `None` when the language is the reason.
    pub(in crate::broker) error: Option<&'a SqlError>,
}

impl Unsupported {
    /// The number of refused requests, by language.
    pub(in crate::broker) fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.0.lock().counts.clone()
    }

    /// Counts a refused request and logs its subscription.
    pub(in crate::broker) fn count(&self, refused: &Refused<'_>) {
        self.0.lock().count(refused.language);
        self.log(refused);
    }

    /// Logs a subscription, unless it was logged before.
    pub(in crate::broker) fn log(&self, refused: &Refused<'_>) {
        let excerpts = refused.excerpts();
        let [client, group, topic, reason] = &excerpts;
        let telling = self.0.lock().logged.decide(excerpts.clone());
        match telling {
            LogDecision::First => tracing::warn!(
                client,
                group,
                topic,
                reason,
                "the subscription is refused: its consumer gets nothing of the topic; further requests \
                 of the client are counted only"
            ),
            LogDecision::LimitReached => tracing::warn!(
                client,
                group,
                topic,
                reason,
                "the subscription is refused as {LOG_LIMIT} others were: from now on refused \
                 subscriptions are counted only, see refusedSubscription_… of the runtime info"
            ),
            LogDecision::Skip => {}
        }
    }
}

impl Refused<'_> {
    fn excerpts(&self) -> [String; 4] {
        let reason = match self.error {
            Some(error) => format!("the condition cannot be read: {error}"),
            None => format!("no filter by {}", excerpt(self.language)),
        };
        [self.client, self.group, self.topic, &reason].map(|text| excerpt(text).into_owned())
    }
}

impl UnsupportedTable {
    fn count(&mut self, language: &str) {
        let known = SelectorType::from_wire(Some(language)).map(SelectorType::as_str);
        *self
            .counts
            .entry(known.unwrap_or(UNKNOWN_LANGUAGE))
            .or_default() += 1;
    }
}

/// The refusal of Apache's broker with `enablePropertyFilter=false`.
pub(in crate::broker) fn switched_off(language: &str) -> Refusal {
    let language = excerpt(language);
    let remark = format!("The broker does not support consumer to filter message by {language}");
    Refusal::system(remark)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::excerpt::MAX_EXCERPT_BYTES;

    #[test]
    fn languages_that_clients_make_up_are_counted_as_one() {
        let unsupported = Unsupported::default();

        for language in ["SQL92", "a", "b", "SQL92", "", "TAG"] {
            unsupported.0.lock().count(language);
        }

        let expected = [("SQL92", 2), ("TAG", 2), (UNKNOWN_LANGUAGE, 2)];
        assert_eq!(unsupported.counts(), expected.into());
    }

    #[test]
    fn of_what_clients_make_up_only_the_beginning_is_kept() {
        let long = "x".repeat(1_000_000);
        let refused = Refused {
            client: &long,
            group: &long,
            topic: &long,
            language: &long,
            error: None,
        };

        let kept = refused.excerpts();

        assert!(
            kept.iter()
                .all(|text| text.len() <= MAX_EXCERPT_BYTES + '…'.len_utf8())
        );
        assert!(switched_off(&long).remark.len() < 400);
    }
}
