//! Subscriptions that the broker would have to evaluate: refused, counted by language, and told
//! once for each client and topic.
//!
//! A Java consumer whose start was refused goes on sending heartbeats and pulls all the same.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use crate::excerpt::excerpt;
use crate::message::subscription::SelectorType;
use crate::told::{MOST_TOLD, Telling, Told};
use crate::wire::Refusal;

/// Languages that nobody knows are counted under one name.
const OTHER: &str = "other";

/// Refused subscriptions.
#[derive(Debug, Default)]
pub(in crate::broker) struct Unsupported(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    counts: BTreeMap<&'static str, u64>,
    /// Excerpts of client, group, topic, language.
    told: Told<[String; 4]>,
}

/// Whose subscription to what is refused.
#[derive(Clone, Copy, Debug)]
pub(in crate::broker) struct Refused<'a> {
    /// Client id, or an address.
    pub(in crate::broker) client: &'a str,
    pub(in crate::broker) group: &'a str,
    pub(in crate::broker) topic: &'a str,
    /// What its expression is written in.
    pub(in crate::broker) language: &'a str,
}

impl Unsupported {
    /// How many requests were refused, by language.
    pub(in crate::broker) fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.0.lock().counts.clone()
    }

    /// Counts a refused request and tells of its subscription.
    pub(in crate::broker) fn count(&self, refused: &Refused<'_>) {
        self.0.lock().count(refused.language);
        self.tell(refused);
    }

    /// Tells of a subscription that was not told yet.
    pub(in crate::broker) fn tell(&self, refused: &Refused<'_>) {
        let excerpts = refused.excerpts();
        let [client, group, topic, language] = &excerpts;
        let telling = self.0.lock().told.tell(excerpts.clone());
        match telling {
            Telling::News => tracing::warn!(
                client,
                group,
                topic,
                language,
                "the subscription is refused, only expressions by tags are supported: its consumer \
                 gets nothing of the topic; further requests of the client are counted only"
            ),
            Telling::Full => tracing::warn!(
                client,
                group,
                topic,
                language,
                "the subscription is refused as {MOST_TOLD} others were: from now on refused \
                 subscriptions are counted only, see refusedSubscription_… of the runtime info"
            ),
            Telling::Silence => {}
        }
    }
}

impl Refused<'_> {
    fn excerpts(&self) -> [String; 4] {
        [self.client, self.group, self.topic, self.language].map(|text| excerpt(text).into_owned())
    }
}

impl Table {
    fn count(&mut self, language: &str) {
        let known = SelectorType::from_wire(Some(language)).map(SelectorType::as_str);
        *self.counts.entry(known.unwrap_or(OTHER)).or_default() += 1;
    }
}

/// As a broker of Apache's refuses with `enablePropertyFilter=false`.
pub(in crate::broker) fn not_built(language: &str) -> Refusal {
    let language = excerpt(language);
    let remark = format!("The broker does not support consumer to filter message by {language}");
    Refusal::system(remark)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::excerpt::LONGEST;

    #[test]
    fn languages_that_clients_make_up_are_counted_as_one() {
        let unsupported = Unsupported::default();

        for language in ["SQL92", "a", "b", "SQL92", "", "TAG"] {
            unsupported.0.lock().count(language);
        }

        let expected = [("SQL92", 2), ("TAG", 2), (OTHER, 2)];
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
        };

        let kept = refused.excerpts();

        assert!(
            kept.iter()
                .all(|text| text.len() <= LONGEST + '…'.len_utf8())
        );
        assert!(not_built(&long).remark.len() < 400);
    }
}
