use std::time::Duration;

use mq_core::client::{ConsumerConfig, FlowLimits};
use mq_core::message::TopicName;

use super::*;
use crate::__private::{Assembly, Attributes, LiteralOrPlaceholder, Replier};
use crate::config::{MessageTrace, SettingsOptions};
use crate::listener::any_handler::AnyHandler;
use crate::listener::declaration::{MessageListener, Origin};
use crate::listener::handler::Handler;
use crate::listener::modes::{ConsumeMode, OnDecodeError};
use crate::listener::{Batch, BatchHandler, BatchOutcomes};

fn assemble(assembly: &mut Assembly<'_>) -> Option<AnyHandler> {
    let handler = Handler::new(|_| Box::pin(async { Ok(()) }));
    assembly.is_complete().then(|| handler.into())
}

fn assemble_plain(assembly: &mut Assembly<'_>) -> Option<AnyHandler> {
    let handler = Handler::blocking(|_| Ok(()));
    assembly.is_complete().then(|| handler.into())
}

fn assemble_batch(assembly: &mut Assembly<'_>) -> Option<AnyHandler> {
    let handler = BatchHandler::blocking(|_: Batch<String>, _| Ok(BatchOutcomes::default()));
    assembly.is_complete().then(|| handler.into())
}

fn wanting(assembly: &mut Assembly<'_>) -> Option<AnyHandler> {
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
    assemble: fn(&mut Assembly<'_>) -> Option<AnyHandler>,
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
fn the_default_of_the_attempts_is_a_number_that_others_may_contradict() {
    let attempts = |topic, times| Attributes {
        topic,
        max_reconsume_times: Some(LiteralOrPlaceholder::Literal(times)),
        ..SHOP
    };

    let (same, problems) = plan(
        vec![declared(1, &attempts("a", -1)), declared(2, &SHOP)],
        &[],
    );
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(same.consumers[0].max_reconsume_times, None);
    let declarations = vec![
        declared(1, &attempts("a", -1)),
        declared(2, &attempts("b", 3)),
    ];
    let (_, problems) = plan(declarations, &[]);
    let said = "max_reconsume_times is 3 here and -1 at src/sms.rs:1";
    assert!(problems[0].contains(said), "{problems:?}");
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

/// It was accepted, and each member replied to each request.
#[test]
fn a_reply_listener_that_every_member_has_is_refused() {
    fn replying(assembly: &mut Assembly<'_>) -> Option<AnyHandler> {
        Replier::take(assembly);
        assemble(assembly)
    }
    let key = "rocketmq.consumer.listeners.shop.order-topic.message-model";
    for (model, refusals) in [("CLUSTERING", 0), ("BROADCASTING", 1)] {
        let settings = [(key, model)];
        let (_, problems) = plan(vec![assembled_by(replying, 1, &SHOP)], &settings);

        let said = "`take`: a reply listener cannot be in Broadcasting";
        let found = problems.iter().filter(|problem| problem.contains(said));
        assert_eq!(found.count(), refusals, "{model}: {problems:?}");
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

#[test]
fn a_group_takes_batches_of_one_size_or_single_messages() {
    let batches = |topic, size| Attributes {
        topic,
        consume_message_batch_max_size: Some(LiteralOrPlaceholder::Literal(size)),
        ..SHOP
    };
    let batch = |line, topic, size| assembled_by(assemble_batch, line, &batches(topic, size));

    let (agreed, problems) = plan(vec![batch(1, "a", 32), batch(2, "b", 32)], &[]);
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(agreed.consumers[0].batch_size, 32);

    let (_, problems) = plan(vec![batch(1, "a", 32), declared(2, &SHOP)], &[]);
    let said = "group `shop`: consume_message_batch_max_size is 1 here and 32 at src/sms.rs:1";
    assert!(problems[0].contains(said), "{problems:?}");
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
        consume_from_where: Some(LiteralOrPlaceholder::Placeholder(text)),
        consume_timestamp: Some(text),
        consume_thread_number: Some(LiteralOrPlaceholder::Placeholder(text)),
        consume_message_batch_max_size: Some(LiteralOrPlaceholder::Placeholder(text)),
        max_reconsume_times: Some(LiteralOrPlaceholder::Placeholder(text)),
        delay_level_when_next_consume: Some(LiteralOrPlaceholder::Placeholder(text)),
        suspend_current_queue_time_millis: Some(LiteralOrPlaceholder::Placeholder(text)),
        consume_timeout: Some(LiteralOrPlaceholder::Placeholder(text)),
        pull_interval: Some(LiteralOrPlaceholder::Placeholder(text)),
        pull_batch_size: Some(LiteralOrPlaceholder::Placeholder(text)),
        pull_threshold_for_queue: Some(LiteralOrPlaceholder::Placeholder(text)),
        pull_threshold_size_for_queue: Some(LiteralOrPlaceholder::Placeholder(text)),
        pull_threshold_for_topic: Some(LiteralOrPlaceholder::Placeholder(text)),
        pull_threshold_size_for_topic: Some(LiteralOrPlaceholder::Placeholder(text)),
        consume_concurrently_max_span: Some(LiteralOrPlaceholder::Placeholder(text)),
        await_termination_millis_when_shutdown: Some(LiteralOrPlaceholder::Placeholder(text)),
        instance_name: Some(text),
        enable_msg_trace: Some(LiteralOrPlaceholder::Placeholder(text)),
        customized_trace_topic: Some(text),
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

/// What the client gets of a plan for the one listener with these attributes.
fn consumer_of(attributes: &Attributes, settings: &[(&str, &str)]) -> ConsumerConfig {
    let (plan, problems) = plan(vec![declared(1, attributes)], settings);
    assert!(problems.is_empty(), "{problems:?}");
    let planned = &plan.consumers[0];
    let mut config = ConsumerConfig::new(planned.group.clone());
    planned.pulling.apply(&mut config);
    config
}

#[test]
fn how_messages_are_fetched_is_in_the_attribute_or_in_the_settings() {
    let says = |number| Some(LiteralOrPlaceholder::Literal(number));
    let attributes = Attributes {
        pull_interval: says(100),
        pull_batch_size: says(16),
        pull_threshold_for_queue: says(10),
        pull_threshold_size_for_queue: says(2),
        pull_threshold_for_topic: says(40),
        pull_threshold_size_for_topic: says(8),
        consume_concurrently_max_span: says(50),
        ..SHOP
    };
    let keys = [
        ("pull-interval", "200"),
        ("pull-batch-size", "64"),
        ("pull-threshold-for-queue", "20"),
        ("pull-threshold-size-for-queue", "3"),
        ("pull-threshold-for-topic", "60"),
        ("pull-threshold-size-for-topic", "9"),
        ("consume-concurrently-max-span", "70"),
    ];
    let block = "rocketmq.consumer.listeners.shop.order-topic";
    let keys = keys.map(|(key, value)| (format!("{block}.{key}"), value));
    let settings: Vec<_> = keys.iter().map(|(key, value)| (&**key, *value)).collect();
    let fetched = |config: ConsumerConfig| {
        let FlowLimits {
            messages,
            bytes,
            span,
        } = config.flow;
        (
            (config.pull_interval.as_millis(), config.pull_batch_size),
            (messages, bytes >> 20, span),
            (
                config.topic_flow.messages,
                config.topic_flow.bytes.map(|bytes| bytes >> 20),
            ),
        )
    };

    let default = ConsumerConfig::new(GroupName::new("shop").unwrap());
    assert_eq!(fetched(consumer_of(&SHOP, &[])), fetched(default));
    assert_eq!(
        fetched(consumer_of(&attributes, &[])),
        ((100, 16), (10, 2, 50), (Some(40), Some(8)))
    );
    assert_eq!(
        fetched(consumer_of(&attributes, &settings)),
        ((200, 64), (20, 3, 70), (Some(60), Some(9)))
    );
}

#[test]
fn listeners_are_traced_as_they_say_and_else_as_the_settings_say_for_all() {
    let says = |enabled| Attributes {
        enable_msg_trace: Some(LiteralOrPlaceholder::Literal(enabled)),
        ..SHOP
    };
    let own_topic = Attributes {
        customized_trace_topic: Some("own-traces"),
        ..SHOP
    };
    let block = (
        "rocketmq.consumer.listeners.shop.order-topic.enable-msg-trace",
        "false",
    );
    let for_all = |enabled, topic: &'static str| MessageTrace {
        enabled,
        topic: Some(TopicName::new(topic).unwrap()),
    };
    let none = MessageTrace::default();
    for (attributes, settings, all, expected) in [
        (SHOP, &[][..], none.clone(), None),
        (SHOP, &[], for_all(true, "traces"), Some("traces")),
        (says(true), &[], none.clone(), Some("RMQ_SYS_TRACE_TOPIC")),
        (says(false), &[], for_all(true, "traces"), None),
        (says(true), &[block], for_all(true, "traces"), None),
        (own_topic, &[], for_all(true, "traces"), Some("own-traces")),
        (own_topic, &[], none, None),
    ] {
        let (plan, problems) = plan(vec![declared(1, &attributes)], settings);

        assert!(problems.is_empty(), "{problems:?}");
        let trace = plan.consumers[0].trace.over(&all);
        assert_eq!(trace.as_ref().map(|to| to.topic.as_str()), expected);
    }
}

#[test]
fn what_has_no_effect_in_order_is_refused_wherever_it_is_written() {
    let in_order = Attributes {
        consume_mode: Some(LiteralOrPlaceholder::Literal(ConsumeMode::Orderly)),
        consume_timeout: Some(LiteralOrPlaceholder::Literal(5)),
        ..SHOP
    };
    let span = "rocketmq.consumer.listeners.shop.order-topic.consume-concurrently-max-span";

    let (_, problems) = plan(vec![declared(1, &in_order)], &[(span, "5")]);

    assert_eq!(
        problems,
        [
            "src/sms.rs:1: `take`: consume_timeout has no effect in order",
            "src/sms.rs:1: `take`: consume_concurrently_max_span has no effect in order",
        ]
    );
}

#[test]
fn the_client_of_a_group_has_the_name_that_its_listener_says() {
    let named = |name| Attributes {
        instance_name: Some(name),
        ..SHOP
    };
    for (attributes, expected) in [
        (SHOP, None),
        (named("mine"), Some("mine")),
        (named("DEFAULT"), None),
        (named("${nobody:}"), None),
    ] {
        let (plan, problems) = plan(vec![declared(1, &attributes)], &[]);

        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(plan.consumers[0].instance_name.as_deref(), expected);
    }
}
