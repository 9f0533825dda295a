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
        let language = refused.language;
        {
            let counts = &mut self.0.lock().counts;
            if counts.len() < MOST || counts.contains_key(language) {
                *counts.entry(language.to_owned()).or_default() += 1;
            }
        }
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
        let news = {
            let told = &mut self.0.lock().told;
            if told.len() >= MOST {
                told.clear();
            }
            told.insert([client, group, topic, language].map(str::to_owned))
        };
        if news {
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

/// As a broker of Apache's refuses with `enablePropertyFilter=false`.
pub(super) fn not_built(language: &str) -> Refusal {
    let remark = format!("The broker does not support consumer to filter message by {language}");
    Refusal::system(remark)
}
