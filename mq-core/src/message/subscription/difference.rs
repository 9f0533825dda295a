//! How the subscriptions of two members of one consumer group differ.
//!
//! Rebalancing shares the queues of a topic among all members, so a message that the owner of its
//! queue filters out is lost for the whole group.

use std::collections::BTreeMap;
use std::fmt;

use bytestring::ByteString;

use super::selector::{SelectorType, Subscription};
use crate::excerpt::{excerpt, list};
use crate::message::names::TopicName;

/// A topic to which two members subscribe differently.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// The topic.
    pub topic: TopicName,
    /// The first member's expression; `None` when it does not subscribe to the topic.
    pub first: Option<ByteString>,
    /// The same of the second member.
    pub second: Option<ByteString>,
}

/// Compares two members topic by topic. Retry topics and the order of tags are ignored.
pub fn differences<'a>(
    first: impl IntoIterator<Item = &'a Subscription>,
    second: impl IntoIterator<Item = &'a Subscription>,
) -> Vec<Difference> {
    let mut topics: BTreeMap<&TopicName, (Option<ByteString>, Option<ByteString>)> =
        BTreeMap::new();
    for subscription in first.into_iter().filter(|own| !own.topic.is_retry()) {
        topics.entry(&subscription.topic).or_default().0 = Some(normal_form(subscription));
    }
    for subscription in second.into_iter().filter(|own| !own.topic.is_retry()) {
        topics.entry(&subscription.topic).or_default().1 = Some(normal_form(subscription));
    }
    let differing = topics
        .into_iter()
        .filter(|(_, (first, second))| first != second);
    differing
        .map(|(topic, (first, second))| Difference {
            topic: topic.clone(),
            first,
            second,
        })
        .collect()
}

/// The expression in a normal form: equal texts mean equal subscriptions.
fn normal_form(subscription: &Subscription) -> ByteString {
    let tags = subscription.filter.tags();
    let Some(tags) = tags.filter(|_| subscription.selector == SelectorType::Tag) else {
        let language = subscription.selector.as_str();
        return format!("{language} {}", subscription.expression).into();
    };
    let mut tags = tags.tags().to_vec();
    if tags.is_empty() {
        return ByteString::from_static("*");
    }
    tags.sort_unstable();
    tags.dedup();
    tags.join(" || ").into()
}

/// The first few differences as text, with long expressions cut.
pub fn summary(differences: &[Difference]) -> String {
    list(differences, "; ")
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |normal_form: &Option<ByteString>| match normal_form {
            Some(normal_form) => format!("`{}`", excerpt(normal_form)),
            None => "not subscribed".to_owned(),
        };
        let (topic, first, second) = (&self.topic, text(&self.first), text(&self.second));
        write!(f, "{topic}: {first} against {second}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::subscription::Filter;

    fn by_tags(topic: &'static str, expression: &'static str) -> Subscription {
        Subscription {
            topic: TopicName::new(topic).unwrap(),
            expression: expression.into(),
            selector: SelectorType::Tag,
            filter: Filter::by_tags(expression).unwrap(),
            version: 0,
        }
    }

    #[test]
    fn members_differ_in_topics_and_in_tags_but_not_in_the_order_of_tags() {
        let first = [
            by_tags("orders", "A||B"),
            by_tags("stock", "*"),
            by_tags("x", "A"),
        ];
        let second = [by_tags("orders", "B || A"), by_tags("x", "A || B")];

        let found = differences(&first, &second);

        assert_eq!(
            summary(&found),
            "stock: `*` against not subscribed; x: `A` against `A || B`"
        );
    }

    #[test]
    fn long_expressions_and_long_lists_are_cut() {
        let wants = |tag: &str, number: usize| Subscription {
            topic: TopicName::new(format!("t{number}")).unwrap(),
            expression: tag.into(),
            selector: SelectorType::Tag,
            filter: Filter::by_tags(tag).unwrap(),
            version: 0,
        };
        let first: Vec<_> = (0..100).map(|n| wants(&"A".repeat(10_000), n)).collect();
        let second: Vec<_> = (0..100).map(|n| wants(&"B".repeat(10_000), n)).collect();

        let told = summary(&differences(&first, &second));

        assert!(told.len() < 5_000, "{} bytes", told.len());
        assert!(told.ends_with("; and 92 more"), "{told}");
    }

    #[test]
    fn the_retry_topic_is_no_difference() {
        let found = differences(&[by_tags("%RETRY%g", "*")], &[]);

        assert_eq!(found, []);
    }
}
