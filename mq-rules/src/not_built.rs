//! Further attributes of Java's `@RocketMQMessageListener`, each with the reason why it is refused.

use super::spelling::snake_case;

/// An attribute that is not built. It may still be given the value that leaves its feature off.
#[derive(Debug)]
pub struct NotBuilt {
    /// In snake case.
    pub name: &'static str,
    /// Why it is refused.
    pub reason: Reason,
    /// The value that may be written, when one makes sense.
    pub neutral: Option<&'static str>,
}

/// Why something is refused.
#[derive(Clone, Copy, Debug)]
pub struct Reason {
    /// In an attribute: what applies instead.
    pub attribute: &'static str,
    /// In the settings: the whole message.
    pub settings: &'static str,
}

const fn reason(attribute: &'static str, settings: &'static str) -> Reason {
    Reason {
        attribute,
        settings,
    }
}

const fn not(name: &'static str, neutral: Option<&'static str>, reason: Reason) -> NotBuilt {
    NotBuilt {
        name,
        reason,
        neutral,
    }
}

/// Requests carry no signature.
pub const SIGNING: Reason = reason(
    "requests are not signed",
    "signing requests is not built yet, leave it out or empty",
);
/// Names have no namespace.
pub const NAMESPACES: Reason = reason(
    "write the namespace as a prefix into topics and groups",
    "namespaces are not built yet, write the prefix into the names",
);
/// Connections are not encrypted.
pub const TLS: Reason = reason(
    "connections are not encrypted",
    "TLS is not built yet, leave it out or set it to false",
);
/// Messages leave no traces.
pub const TRACES: Reason = reason(
    "no messages are traced",
    "message traces are not built yet, leave it out or set it to false",
);
/// A program has one cluster.
pub const CLUSTERS: Reason = reason(
    "all listeners use `rocketmq.name-server`",
    "a second cluster in one program is not built yet",
);

const EMPTY_TEXT: Option<&str> = Some("\"\"");
const FALSE: Option<&str> = Some("false");

/// Every attribute that is not built.
pub const NOT_BUILT: &[NotBuilt] = &[
    not(
        "access_channel",
        EMPTY_TEXT,
        reason("there is LOCAL alone", "there is LOCAL alone, leave it out"),
    ),
    not("access_key", EMPTY_TEXT, SIGNING),
    not(
        "await_termination_millis_when_shutdown",
        None,
        reason(
            "set `rocketmq.shutdown-timeout` for the whole program",
            "is not built, set `rocketmq.shutdown-timeout` for the whole program",
        ),
    ),
    not(
        "consume_from_where",
        None,
        reason(
            "where a new group begins cannot be chosen",
            "where a new group begins cannot be chosen yet, leave it out",
        ),
    ),
    not(
        "consume_message_batch_max_size",
        None,
        reason(
            "a listener takes one message at a time",
            "a listener takes one message at a time, batches are not built yet, leave it out",
        ),
    ),
    not(
        "consume_thread_max",
        None,
        reason(
            "`consume_thread_number` is the maximum",
            "`consume-thread-number` is the maximum, leave it out",
        ),
    ),
    not(
        "consume_timeout",
        None,
        reason(
            "every listener has 15 minutes for a message",
            "is 15 minutes, another time is not built yet, leave it out",
        ),
    ),
    not("customized_trace_topic", EMPTY_TEXT, TRACES),
    not("enable_msg_trace", FALSE, TRACES),
    not(
        "instance_name",
        EMPTY_TEXT,
        reason(
            "set `rocketmq.producer.instance-name` for the whole program",
            "is not built, set `rocketmq.producer.instance-name` for the whole program",
        ),
    ),
    not("name_server", EMPTY_TEXT, CLUSTERS),
    not("namespace", EMPTY_TEXT, NAMESPACES),
    not("namespace_v2", EMPTY_TEXT, NAMESPACES),
    not(
        "pull_batch_size",
        None,
        reason(
            "a pull brings at most 32 messages",
            "is 32, another number is not built yet, leave it out",
        ),
    ),
    not(
        "pull_interval",
        None,
        reason(
            "one pull follows the other without a pause",
            "is 0, a pause between pulls is not built yet, leave it out",
        ),
    ),
    not("secret_key", EMPTY_TEXT, SIGNING),
    not("tls_enable", FALSE, TLS),
];

impl NotBuilt {
    /// The attribute of this name, in any spelling.
    pub fn named(written: &str) -> Option<&'static Self> {
        let name = snake_case(written);
        NOT_BUILT.iter().find(|known| known.name == name)
    }
}
