//! `rocketmq.pull-consumer.*`: what the template receives.
//!
//! Invariant: there is a pull consumer where both its group and its topic are set, as in
//! rocketmq-spring; any other of its keys without them is a problem.

use mq_core::client::MessageModel;
use mq_core::message::subscription::SelectorType;
use mq_core::message::{GroupName, TopicName};

use super::key::ConfigKey;
use super::names;
use super::reader::SettingReader;
use super::trace::{self, MessageTrace};

/// What the template receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullConsumerSettings {
    /// The consumer group.
    pub group: GroupName,
    /// The topic.
    pub topic: TopicName,
    /// Whether one member of the group receives a message, or every member.
    pub message_model: MessageModel,
    /// The language of the expression.
    pub selector_type: SelectorType,
    /// Which messages of the topic are received.
    pub selector_expression: String,
    /// The most messages of one pull.
    pub pull_batch_size: u16,
    /// The instance name of a client of its own; it shares that of the application when this is absent.
    pub instance_name: Option<String>,
    /// Whether what it receives is traced.
    pub trace: MessageTrace,
}

const HEADING: &str = "rocketmq.pull-consumer";
/// The default of rocketmq-spring, and of Java's lite pull consumer.
const PULL_BATCH_SIZE: u16 = 10;
/// What makes no sense without a group and a topic.
const OTHERS: [&str; 7] = [
    "message-model",
    "selector-type",
    "selector-expression",
    "pull-batch-size",
    "instance-name",
    "enable-msg-trace",
    "customized-trace-topic",
];

/// The pull consumer, when the settings have one.
pub(super) fn read(reader: &mut SettingReader<'_>) -> Option<PullConsumerSettings> {
    let key = |name: &str| format!("{HEADING}.{name}");
    let models = [
        ("CLUSTERING", MessageModel::Clustering),
        ("BROADCASTING", MessageModel::Broadcasting),
    ];
    let languages = [("TAG", SelectorType::Tag), ("SQL92", SelectorType::Sql92)];
    let has = ["group", "topic"].map(|name| is_set(reader, &key(name)));
    let group = reader.checked(&key("group"), names::group);
    let topic = reader.checked(&key("topic"), names::topic);
    let message_model = reader.choice(&key("message-model"), &models);
    let selector_type = reader.choice(&key("selector-type"), &languages);
    let selector_type = selector_type.unwrap_or_default();
    let selector_expression = reader.checked(&key("selector-expression"), |text| {
        names::selector_expression(selector_type, text)
    });
    let pull_batch_size = reader.number(&key("pull-batch-size"), 1..=1024);
    let instance_name = reader.text(&key("instance-name")).map(|value| value.text);
    let trace = trace::read(reader, HEADING);
    if has != [true, true] {
        missing_names(reader, has);
        return None;
    }
    let is_by_condition = selector_type != SelectorType::Tag;
    if is_by_condition && !is_set(reader, &key("selector-expression")) {
        let written = reader.filled(&key("selector-type"))?;
        reader.complain(&written, "needs a condition in `selector-expression`");
    }
    Some(PullConsumerSettings {
        group: group?,
        topic: topic?,
        message_model: message_model.unwrap_or(MessageModel::Clustering),
        selector_type,
        selector_expression: selector_expression.unwrap_or_else(|| "*".to_owned()),
        pull_batch_size: pull_batch_size.unwrap_or(PULL_BATCH_SIZE),
        instance_name: instance_name.filter(|name| name != "DEFAULT"),
        trace,
    })
}

/// Complains at the first key that is set that `group` or `topic` is missing.
fn missing_names(reader: &mut SettingReader<'_>, [has_group, has_topic]: [bool; 2]) {
    let missing = match (has_group, has_topic) {
        (true, _) => "`rocketmq.pull-consumer.topic` is",
        (false, true) => "`rocketmq.pull-consumer.group` is",
        (false, false) => "`rocketmq.pull-consumer.group` and `rocketmq.pull-consumer.topic` are",
    };
    let names = ["group", "topic"].into_iter().chain(OTHERS);
    let mut keys = names.map(|name| format!("{HEADING}.{name}"));
    let first = keys.find(|key| is_set(reader, key));
    if let Some(value) = first.and_then(|key| reader.filled(&key)) {
        let what =
            format!("does nothing alone: {missing} missing, the template receives only with both");
        reader.complain(&value, what);
    }
}

fn is_set(reader: &SettingReader<'_>, key: &str) -> bool {
    reader.layers.find(&ConfigKey::new(key)).is_some()
}
