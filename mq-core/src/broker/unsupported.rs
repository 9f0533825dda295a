//! Subscriptions that the broker would have to evaluate: refused, counted by language, and told
//! once for each client and topic.
//!
//! A Java consumer whose start was refused goes on sending heartbeats and pulls all the same.

use std::collections::{BTreeMap, BTreeSet};

use parking_lot::Mutex;

use crate::wire::Refusal;

/// So much is remembered of what clients make up.
const MOST: usize = 1_024;

/// Refused subscriptions.
#[derive(Debug, Default)]
pub(super) struct Unsupported(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    counts: BTreeMap<String, u64>,
    /// Client, group, topic, language.
    told: BTreeSet<[String; 4]>,
}

/// Whose subscription to what is refused.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refused<'a> {
    /// Client id, or an address.
    pub(super) client: &'a str,
    pub(super) group: &'a str,
    pub(super) topic: &'a str,
    /// What its expression is written in.
    pub(super) language: &'a str,
}

impl Unsupported {
    /// How many requests were refused, by language.
    pub(super) fn counts(&self) -> BTreeMap<String, u64> {
        self.0.lock().counts.clone()
    }

    /// Counts a refused request and tells of its subscription.
    pub(super) fn count(&self, refused: &Refused<'_>) {
        self.0.lock().count(refused.language);
        self.tell(refused);
    }

    /// Tells of a subscription that was not told yet.
    pub(super) fn tell(&self, refused: &Refused<'_>) {
        let Refused {
            client,
            group,
            topic,
            language,
        } = *refused;
        if self.0.lock().is_news(refused) {
            tracing::warn!(
                client,
                group,
                topic,
                language,
                "the subscription is refused, only expressions by tags are supported: its consumer \
                 gets nothing of the topic; further requests of the client are counted only"
            );
        }
    }
}

impl Table {
    fn count(&mut self, language: &str) {
        if self.counts.len() < MOST || self.counts.contains_key(language) {
            *self.counts.entry(language.to_owned()).or_default() += 1;
        }
    }

    fn is_news(&mut self, refused: &Refused<'_>) -> bool {
        let Refused {
            client,
            group,
            topic,
            language,
        } = *refused;
        if self.told.len() >= MOST {
            self.told.clear();
        }
        let refused = [client, group, topic, language].map(str::to_owned);
        self.told.insert(refused)
    }
}

/// As a broker of Apache's refuses with `enablePropertyFilter=false`.
pub(super) fn not_built(language: &str) -> Refusal {
    let remark = format!("The broker does not support consumer to filter message by {language}");
    Refusal::system(remark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_is_counted_and_each_subscription_of_a_client_is_told_once() {
        let mut table = Table::default();
        let of = |client| Refused {
            client,
            group: "g",
            topic: "orders",
            language: "SQL92",
        };

        let told = ["a", "b", "a"].map(|client| {
            table.count("SQL92");
            table.is_news(&of(client))
        });

        assert_eq!(told, [true, true, false]);
        let other = Refused {
            topic: "stock",
            ..of("a")
        };
        assert!(table.is_news(&other));
        assert_eq!(table.counts["SQL92"], 3);
    }

    #[test]
    fn what_clients_make_up_fills_no_memory() {
        let mut table = Table::default();

        for number in 0..5_000 {
            let text = number.to_string();
            table.count(&text);
            table.is_news(&Refused {
                client: &text,
                group: "g",
                topic: "orders",
                language: &text,
            });
        }

        assert!(table.counts.len() <= MOST && table.told.len() <= MOST);
    }
}
