//! From annotations to consumers: listeners of one group share one, contradictions are refused.
//!
//! Everything wrong is gathered with the place of the annotation, so that one start shows it all.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::Duration;

use mq_core::message::{GroupName, TopicName};

use super::declaration::{Declaration, DeclarationKind, Origin, TransactionListener};
use super::modes::{ConsumeMode, MessageModel, SelectorType};
use super::reading::{Listener, ListenerInGroup, Reading};
use crate::cluster_name::ClusterName;
use crate::config::{ListenerSettings, Settings};
use crate::problem::Problem;
use crate::state::{AppState, Assembly};
use crate::transaction::TransactionListeners;

/// Handlers at a time when nobody says otherwise (`consumeThreadNumber`).
const DEFAULT_CONSUME_THREADS: u16 = 20;

/// A consumer to be started: a group of a cluster with all its listeners in this program.
#[derive(Clone, Debug)]
pub(crate) struct PlannedConsumer {
    pub(crate) cluster: ClusterName,
    pub(crate) group: GroupName,
    pub(crate) mode: ConsumeMode,
    pub(crate) model: MessageModel,
    /// Handlers at a time.
    pub(crate) threads: u16,
    /// Attempts after the first; `None` is the default of the mode.
    pub(crate) max_reconsume_times: Option<u32>,
    /// The pause of a queue in order after a failure; `None` is the client's.
    pub(crate) suspend: Option<Duration>,
    /// One per topic.
    pub(crate) listeners: Vec<Listener>,
}

/// What an application listens to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) consumers: Vec<PlannedConsumer>,
    pub(crate) transactions: TransactionListeners,
    /// The declarations of the transaction listeners, by the names that travel.
    transactions_from: BTreeMap<&'static str, &'static Declaration>,
    /// Listeners that the settings switch off.
    pub(crate) disabled: Vec<&'static Declaration>,
}

impl Plan {
    /// The plan; what is wrong goes to `problems`.
    pub(crate) fn of(
        declarations: &[&'static Declaration],
        settings: &Settings,
        overrides: &[ListenerSettings],
        state: &AppState,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let mut plan = Self::default();
        let mut unused: Vec<&ListenerSettings> = overrides.iter().collect();
        let mut groups: BTreeMap<(ClusterName, GroupName), Vec<ListenerInGroup>> = BTreeMap::new();
        for declaration in declarations {
            let listener = match &declaration.kind {
                DeclarationKind::MessageListener(listener) => listener,
                DeclarationKind::TransactionListener(listener) => {
                    plan.add_transactions(declaration, listener, state, problems);
                    continue;
                }
            };
            let mut reading = Reading::new(declaration, listener, settings, problems);
            let names = reading.names();
            let about = |o: &&ListenerSettings| {
                let names = names.as_ref();
                names.is_some_and(|(group, topic)| *group == *o.group && *topic == *o.topic)
            };
            let laid_over = overrides.iter().find(about);
            unused.retain(|o| !about(o));
            if laid_over.is_some_and(|o| !o.enabled) {
                plan.disabled.push(declaration);
                continue;
            }
            reading.lay_over(laid_over);
            if let Some(member) = reading.listener_in_group(names, state) {
                let consumer = (member.cluster.clone(), member.group.clone());
                groups.entry(consumer).or_default().push(member);
            }
        }
        problems.extend(unused.into_iter().map(no_such_listener));
        plan.consumers = groups
            .into_iter()
            .map(|((cluster, group), members)| together(cluster, group, members, problems))
            .collect();
        plan
    }

    /// Adds a transaction listener. Two of one name are refused: the broker's checks name one.
    fn add_transactions(
        &mut self,
        declaration: &'static Declaration,
        declared: &TransactionListener,
        state: &AppState,
        problems: &mut Vec<Problem>,
    ) {
        let mut complain = |what: String| {
            let what = format!("`{}`: {what}", declaration.name);
            problems.push(Problem::new(declaration.origin.to_string(), what));
        };
        if let Some(other) = self.transactions_from.get(declared.name) {
            complain(format!(
                "the transaction listener at {} has the name `{}` too: give one of them another, \
                 `#[rocketmq_transaction_listener(name = \"…\")]`",
                other.origin, declared.name
            ));
            return;
        }
        self.transactions_from.insert(declared.name, declaration);
        let mut assembly = Assembly::new(state);
        let listener = (declared.assemble)(&mut assembly);
        assembly.into_missing().into_iter().for_each(complain);
        if let Some(listener) = listener {
            self.transactions.add(declared.name, listener);
        }
    }

    /// The names of all listeners.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        let listeners = self
            .consumers
            .iter()
            .flat_map(|consumer| &consumer.listeners);
        let transactions = self.transactions_from.values();
        let transactions = transactions.map(|declaration| declaration.name);
        let listeners = listeners.map(|listener| listener.name);
        listeners.chain(transactions).collect()
    }

    /// Complaints about conditions: the broker of this process cannot judge them yet.
    pub(crate) fn conditions(&self) -> Vec<Problem> {
        let consumers = self.consumers.iter();
        let listeners = consumers.flat_map(|consumer| &consumer.listeners);
        let by_condition = listeners.filter(|one| one.selector != SelectorType::Tag);
        let complain = |listener: &Listener| {
            let what = format!(
                "`{}`: selector_type: the broker in this process has no {} yet: select by tags, or \
                 set `rocketmq.name-server` to a cluster that has it",
                listener.name,
                listener.selector.as_str()
            );
            Problem::new(listener.origin.to_string(), what)
        };
        by_condition.map(complain).collect()
    }

    /// All listeners, one line each, for the log at start.
    pub(crate) fn table(&self) -> String {
        let rows = self.consumers.iter().flat_map(|consumer| {
            consumer.listeners.iter().map(move |listener| {
                [
                    listener.name.to_owned(),
                    listener.topic.to_string(),
                    listener.expression.clone(),
                    consumer.group.to_string(),
                    format!("{} {}", consumer.model, consumer.mode),
                    listener.origin.to_string(),
                ]
            })
        });
        let transactions = self.transactions_from.values().map(|declaration| {
            let (name, origin) = (declaration.name.to_owned(), declaration.origin.to_string());
            let [topic, selector, group] = [const { String::new() }; 3];
            let mode = "transactions".to_owned();
            [name, topic, selector, group, mode, origin]
        });
        let rows = rows.chain(transactions);
        let head = ["listener", "topic", "selector", "group", "mode", "where"].map(str::to_owned);
        let rows: Vec<_> = std::iter::once(head).chain(rows).collect();
        let mut widths = [0; 6];
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let mut table = String::new();
        for row in &rows {
            let cells = row.iter().zip(widths);
            let cells: Vec<_> = cells
                .map(|(cell, width)| format!("{cell:width$}"))
                .collect();
            table.push_str("\n  ");
            table.push_str(cells.join("  ").trim_end());
        }
        table
    }
}

fn no_such_listener(unused: &ListenerSettings) -> Problem {
    let ListenerSettings { group, topic, .. } = unused;
    Problem::new(
        unused.origin.to_string(),
        format!(
            "rocketmq.consumer.listeners.{group}.{topic}: no listener of this program is in the \
             group `{group}` with the topic `{topic}`"
        ),
    )
}

/// Puts the listeners of one group together; a contradiction names both places.
fn together(
    cluster: ClusterName,
    group: GroupName,
    members: Vec<ListenerInGroup>,
    problems: &mut Vec<Problem>,
) -> PlannedConsumer {
    let mut agree = Agreement {
        group: &group,
        members: &members,
        problems,
    };
    let mode = agree.on("consume_mode", |member| Some(member.mode));
    let model = agree.on("message_model", |member| Some(member.model));
    let threads = agree.on("consume_thread_number", |member| member.threads);
    let retries = agree.on("max_reconsume_times", |member| member.max_reconsume_times);
    let suspend_ms = agree.on("suspend_current_queue_time_millis", |member| {
        member.suspend_ms
    });
    agree.on_topics();
    PlannedConsumer {
        mode: mode.unwrap_or_default(),
        model: model.unwrap_or_default(),
        threads: threads.unwrap_or(DEFAULT_CONSUME_THREADS),
        max_reconsume_times: retries,
        suspend: suspend_ms.map(|ms| Duration::from_millis(ms.into())),
        cluster,
        group,
        listeners: members.into_iter().map(|member| member.listener).collect(),
    }
}

/// The members of a group on their way to one consumer.
struct Agreement<'a> {
    group: &'a GroupName,
    members: &'a [ListenerInGroup],
    problems: &'a mut Vec<Problem>,
}

impl Agreement<'_> {
    /// The one value that all members want; the first one where they do not agree.
    fn on<T: PartialEq + Display>(
        &mut self,
        key: &str,
        wanted: impl Fn(&ListenerInGroup) -> Option<T>,
    ) -> Option<T> {
        let mut first: Option<(T, Origin)> = None;
        for member in self.members {
            let Some(value) = wanted(member) else {
                continue;
            };
            let origin = member.listener.origin;
            match &first {
                None => first = Some((value, origin)),
                Some((agreed, _)) if *agreed == value => {}
                Some((agreed, other)) => {
                    let group = self.group;
                    self.problems.push(Problem::new(
                        origin.to_string(),
                        format!(
                            "group `{group}`: {key} is {value} here and {agreed} at {other}; a \
                             group has one, use two groups otherwise"
                        ),
                    ));
                }
            }
        }
        first.map(|(value, _)| value)
    }

    /// A message of a topic can go to one listener of a group only.
    fn on_topics(&mut self) {
        let mut first: BTreeMap<&TopicName, &Listener> = BTreeMap::new();
        for ListenerInGroup { listener, .. } in self.members {
            let Some(other) = first.get(&listener.topic) else {
                first.insert(&listener.topic, listener);
                continue;
            };
            let (group, topic) = (self.group, &listener.topic);
            let what = if other.expression == listener.expression {
                "the message would go to either".to_owned()
            } else {
                format!(
                    "it selects `{}` here and `{}` there, and a group has one selection per topic",
                    listener.expression, other.expression
                )
            };
            self.problems.push(Problem::new(
                listener.origin.to_string(),
                format!(
                    "group `{group}` listens to `{topic}` here and at {}: {what}; use two groups",
                    other.origin
                ),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::__private::{Assembly, Attributes, LiteralOrPlaceholder};
    use crate::config::SettingsOptions;
    use crate::listener::OnDecodeError;
    use crate::listener::declaration::MessageListener;
    use crate::listener::handler::Handler;

    fn assemble(assembly: &mut Assembly<'_>) -> Option<Handler> {
        let handler = Handler::new(|_| Box::pin(async { Ok(()) }));
        assembly.is_complete().then_some(handler)
    }

    fn assemble_plain(assembly: &mut Assembly<'_>) -> Option<Handler> {
        let handler = Handler::blocking(|_| Ok(()));
        assembly.is_complete().then_some(handler)
    }

    fn wanting(assembly: &mut Assembly<'_>) -> Option<Handler> {
        assembly.take::<u128>("it")?;
        None
    }

    const SHOP: Attributes = Attributes {
        topic: "order-topic",
        consumer_group: "shop",
        ..Attributes::NONE
    };

    fn declared(line: u32, attributes: &Attributes) -> Declaration {
        assembled_by(assemble, line, attributes)
    }

    fn assembled_by(
        assemble: fn(&mut Assembly<'_>) -> Option<Handler>,
        line: u32,
        attributes: &Attributes,
    ) -> Declaration {
        Declaration {
            name: "take",
            origin: Origin {
                package: "shop-user",
                file: "src/sms.rs",
                line,
            },
            cluster: ClusterName::DEFAULT,
            kind: DeclarationKind::MessageListener(MessageListener {
                attributes: *attributes,
                assemble,
            }),
        }
    }

    fn plan(declarations: Vec<Declaration>, settings: &[(&str, &str)]) -> (Plan, Vec<String>) {
        let mut options = SettingsOptions::default();
        for (key, value) in settings {
            options = options.set(*key, *value);
        }
        let settings = Settings::load(&options).unwrap();
        let overrides = settings.rocketmq().unwrap().listeners;
        let declarations: Vec<&'static Declaration> = declarations
            .into_iter()
            .map(|declaration| &*Box::leak(Box::new(declaration)))
            .collect();
        let mut problems = Vec::new();
        let state = AppState::default();
        let plan = Plan::of(&declarations, &settings, &overrides, &state, &mut problems);
        (plan, problems.iter().map(ToString::to_string).collect())
    }

    fn transactions_of(line: u32, name: &'static str) -> Declaration {
        Declaration {
            kind: DeclarationKind::TransactionListener(TransactionListener {
                name,
                assemble: |assembly| {
                    assembly.take::<u128>("it")?;
                    None
                },
            }),
            ..declared(line, &SHOP)
        }
    }

    #[test]
    fn transaction_listeners_have_each_a_name_and_what_they_need() {
        let (plan, problems) = plan(
            vec![transactions_of(1, "greet"), transactions_of(2, "greet")],
            &[],
        );

        let [missing, twice] = &problems[..] else {
            panic!("{problems:?}")
        };
        assert!(
            missing.starts_with("src/sms.rs:1: `take`: it needs a `u128`"),
            "{missing}"
        );
        let expected = "src/sms.rs:2: `take`: the transaction listener at src/sms.rs:1 has the name \
                        `greet` too";
        assert!(twice.starts_with(expected), "{twice}");
        assert_eq!(plan.names(), ["take"]);
        assert!(plan.table().contains("transactions"), "{}", plan.table());
    }

    #[test]
    fn listeners_of_one_group_share_a_consumer() {
        let other = Attributes {
            topic: "other-topic",
            consume_thread_number: Some(LiteralOrPlaceholder::Literal(7)),
            ..SHOP
        };

        let (plan, problems) = plan(vec![declared(1, &SHOP), declared(2, &other)], &[]);

        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(plan.consumers.len(), 1);
        assert_eq!(plan.consumers[0].listeners.len(), 2);
        assert_eq!(plan.consumers[0].threads, 7);
    }

    #[test]
    fn a_group_in_two_clusters_is_two_consumers() {
        let mut elsewhere = declared(2, &SHOP);
        elsewhere.cluster = ClusterName::named("elsewhere");

        let (plan, problems) = plan(vec![declared(1, &SHOP), elsewhere], &[]);

        assert!(problems.is_empty(), "{problems:?}");
        let clusters: Vec<_> = plan
            .consumers
            .iter()
            .map(|one| one.cluster.to_string())
            .collect();
        assert_eq!(clusters, ["default", "elsewhere"]);
    }

    #[test]
    fn contradictions_in_a_group_name_both_places() {
        let orderly = Attributes {
            topic: "other-topic",
            consume_mode: Some(LiteralOrPlaceholder::Literal(ConsumeMode::Orderly)),
            ..SHOP
        };
        let tagged = Attributes {
            selector_expression: Some("paid"),
            ..SHOP
        };

        let declarations = vec![
            declared(1, &SHOP),
            declared(2, &orderly),
            declared(3, &tagged),
        ];
        let (_, problems) = plan(declarations, &[]);

        assert_eq!(problems.len(), 2, "{problems:?}");
        for (problem, line) in problems.iter().zip([2, 3]) {
            assert!(
                problem.starts_with(&format!("src/sms.rs:{line}: ")),
                "{problem}"
            );
            assert!(problem.contains("at src/sms.rs:1"), "{problem}");
        }
    }

    #[test]
    fn placeholders_are_filled_and_settings_are_stronger_than_annotations() {
        let attributes = Attributes {
            topic: "${shop.topic:order-topic}",
            consume_thread_number: Some(LiteralOrPlaceholder::Placeholder("${shop.threads}")),
            max_reconsume_times: Some(LiteralOrPlaceholder::Literal(16)),
            ..SHOP
        };
        let settings = [
            ("shop.threads", "3"),
            (
                "rocketmq.consumer.listeners.shop.order-topic.max-reconsume-times",
                "2",
            ),
            (
                "rocketmq.consumer.listeners.shop.order-topic.selector-expression",
                "paid",
            ),
        ];

        let (plan, problems) = plan(vec![declared(1, &attributes)], &settings);

        assert!(problems.is_empty(), "{problems:?}");
        let consumer = &plan.consumers[0];
        assert_eq!(
            (consumer.threads, consumer.max_reconsume_times),
            (3, Some(2))
        );
        assert_eq!(consumer.listeners[0].expression, "paid");
    }

    #[test]
    fn what_happens_after_a_failure_is_in_the_attribute_or_in_the_settings() {
        let says = Attributes {
            delay_level_when_next_consume: Some(LiteralOrPlaceholder::Literal(-1)),
            on_decode_error: Some(LiteralOrPlaceholder::Literal(OnDecodeError::Drop)),
            reply_timeout: Some(LiteralOrPlaceholder::Placeholder("${shop.reply:500}")),
            ..SHOP
        };
        let block = "rocketmq.consumer.listeners.shop.order-topic";
        let level = format!("{block}.delay-level-when-next-consume");
        let decoding = format!("{block}.on-decode-error");
        let stronger = [
            (&*level, "18"),
            (&*decoding, "RETRY"),
            ("shop.reply", "700"),
        ];
        for (attributes, settings, expected) in [
            (SHOP, &[][..], (0, OnDecodeError::DeadLetter, None)),
            (says, &[], (-1, OnDecodeError::Drop, Some(500))),
            (says, &stronger, (18, OnDecodeError::Retry, Some(700))),
        ] {
            let (plan, problems) = plan(vec![declared(1, &attributes)], settings);

            assert!(problems.is_empty(), "{problems:?}");
            let listener = &plan.consumers[0].listeners[0];
            let (level, on_decode_error, timeout) = expected;
            assert_eq!(listener.delay_level, level);
            assert_eq!(listener.on_decode_error, on_decode_error);
            assert_eq!(listener.reply_timeout, timeout.map(Duration::from_millis));
        }
    }

    #[test]
    fn a_delay_that_would_have_no_effect_is_refused() {
        let block = "rocketmq.consumer.listeners.shop.order-topic";
        let key = |name: &str| format!("{block}.{name}");
        let (level, pause) = (
            key("delay-level-when-next-consume"),
            key("suspend-current-queue-time-millis"),
        );
        let (mode, model) = (key("consume-mode"), key("message-model"));
        for (settings, said) in [
            (vec![(&*level, "3"), (&*mode, "ORDERLY")], "in order"),
            (
                vec![(&*level, "3"), (&*model, "BROADCASTING")],
                "in Broadcasting",
            ),
            (vec![(&*pause, "500")], "unless consume_mode is Orderly"),
        ] {
            let (_, problems) = plan(vec![declared(1, &SHOP)], &settings);
            assert_eq!(problems.len(), 1, "{settings:?}: {problems:?}");
            assert!(problems[0].contains(said), "{problems:?}");
        }
    }

    #[test]
    fn a_group_in_order_pauses_as_long_as_its_listeners_want() {
        let in_order = Attributes {
            consume_mode: Some(LiteralOrPlaceholder::Literal(ConsumeMode::Orderly)),
            suspend_current_queue_time_millis: Some(LiteralOrPlaceholder::Literal(250)),
            ..SHOP
        };
        let other = Attributes {
            topic: "other-topic",
            suspend_current_queue_time_millis: Some(LiteralOrPlaceholder::Literal(300)),
            ..in_order
        };

        let (one, problems) = plan(vec![declared(1, &in_order)], &[]);
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(one.consumers[0].suspend, Some(Duration::from_millis(250)));
        let (_, problems) = plan(vec![declared(1, &in_order), declared(2, &other)], &[]);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(
            problems[0].contains("is 300 here and 250 at src/sms.rs:1"),
            "{problems:?}"
        );
    }

    #[test]
    fn a_listener_may_block_when_its_annotation_or_the_settings_say_so() {
        let key = "rocketmq.consumer.listeners.shop.order-topic.blocking";
        let says = Attributes {
            blocking: Some(LiteralOrPlaceholder::Placeholder("${shop.blocking:true}")),
            ..SHOP
        };
        for (attributes, settings, expected) in [
            (SHOP, &[][..], false),
            (says, &[], true),
            (says, &[("shop.blocking", "off")], false),
            (says, &[(key, "false")], false),
            (SHOP, &[(key, "true")], true),
        ] {
            let (plan, problems) = plan(vec![declared(1, &attributes)], settings);

            assert!(problems.is_empty(), "{problems:?}");
            assert_eq!(
                plan.consumers[0].listeners[0].blocking, expected,
                "{settings:?}"
            );
        }
    }

    /// Not known to block, it would get its threads all the same, but only after a while.
    #[test]
    fn a_plain_function_blocks_without_saying_so_and_cannot_say_otherwise() {
        let key = "rocketmq.consumer.listeners.shop.order-topic.blocking";
        let plain = || assembled_by(assemble_plain, 1, &SHOP);

        let (silent, problems) = plan(vec![plain()], &[]);
        assert!(problems.is_empty(), "{problems:?}");
        assert!(silent.consumers[0].listeners[0].blocking);
        let (_, problems) = plan(vec![plain()], &[(key, "false")]);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].contains("a plain `fn` blocks"), "{problems:?}");
    }

    /// A key of the table that nobody reads would be taken and do nothing.
    #[test]
    fn every_key_of_the_attribute_is_read() {
        let text = "${unset}";
        let attributes = Attributes {
            topic: text,
            consumer_group: text,
            selector_type: Some(LiteralOrPlaceholder::Placeholder(text)),
            selector_expression: Some(text),
            consume_mode: Some(LiteralOrPlaceholder::Placeholder(text)),
            message_model: Some(LiteralOrPlaceholder::Placeholder(text)),
            consume_thread_number: Some(LiteralOrPlaceholder::Placeholder(text)),
            max_reconsume_times: Some(LiteralOrPlaceholder::Placeholder(text)),
            delay_level_when_next_consume: Some(LiteralOrPlaceholder::Placeholder(text)),
            suspend_current_queue_time_millis: Some(LiteralOrPlaceholder::Placeholder(text)),
            on_decode_error: Some(LiteralOrPlaceholder::Placeholder(text)),
            reply_timeout: Some(LiteralOrPlaceholder::Placeholder(text)),
            blocking: Some(LiteralOrPlaceholder::Placeholder(text)),
        };

        let (_, problems) = plan(vec![declared(1, &attributes)], &[]);

        for key in mq_rules::KEYS {
            let start = format!("src/sms.rs:1: {}: `{text}` is set nowhere", key.name);
            let told = problems.iter().any(|problem| problem.starts_with(&start));
            assert!(told, "{}: {problems:#?}", key.name);
        }
    }

    #[test]
    fn everything_wrong_with_a_listener_is_reported_at_once() {
        let attributes = Attributes {
            selector_expression: Some("${shop.tags}"),
            consume_mode: Some(LiteralOrPlaceholder::Placeholder("${shop.mode:sideways}")),
            consume_thread_number: Some(LiteralOrPlaceholder::Placeholder("${shop.threads:0}")),
            ..SHOP
        };
        let declaration = assembled_by(wanting, 9, &attributes);

        let (plan, problems) = plan(vec![declaration], &[]);

        assert!(plan.consumers.is_empty());
        assert_eq!(problems.len(), 4, "{problems:?}");
        assert!(
            problems
                .iter()
                .all(|problem| problem.starts_with("src/sms.rs:9: "))
        );
        assert!(
            problems
                .iter()
                .any(|problem| problem.contains("needs a `u128`"))
        );
    }

    #[test]
    fn the_settings_switch_a_listener_off() {
        let settings = [("rocketmq.consumer.listeners.shop.order-topic", "false")];

        let (plan, problems) = plan(vec![declared(1, &SHOP)], &settings);

        assert!(problems.is_empty(), "{problems:?}");
        assert!(plan.consumers.is_empty());
        assert_eq!(plan.disabled.len(), 1);
    }

    #[test]
    fn settings_for_a_listener_that_does_not_exist_are_a_mistake() {
        let settings = [("rocketmq.consumer.listeners.shop.order-topci", "false")];

        let (_, problems) = plan(vec![declared(1, &SHOP)], &settings);

        assert_eq!(problems.len(), 1);
        assert!(problems[0].contains("order-topci"), "{problems:?}");
    }

    #[test]
    fn names_from_the_settings_are_checked_as_literals_are() {
        let attributes = Attributes {
            topic: "${shop.topic}",
            consumer_group: "${shop.group}",
            ..Attributes::NONE
        };
        let settings = [("shop.topic", "a.b"), ("shop.group", "DEFAULT_CONSUMER")];

        let (_, problems) = plan(vec![declared(4, &attributes)], &settings);

        assert_eq!(problems.len(), 2, "{problems:?}");
    }

    #[test]
    fn the_table_says_who_listens_to_what_and_where_it_stands() {
        let (plan, _) = plan(vec![declared(12, &SHOP)], &[]);

        let table = plan.table();

        let row = table.lines().last().unwrap();
        let words: Vec<_> = row.split_whitespace().collect();
        let expected = [
            "take",
            "order-topic",
            "*",
            "shop",
            "CLUSTERING",
            "CONCURRENTLY",
            "src/sms.rs:12",
        ];
        assert_eq!(words, expected);
    }
}
