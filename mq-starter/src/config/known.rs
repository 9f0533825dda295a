//! Every key below `rocketmq.` that there is, as data.
//!
//! Invariant: a key that is set is in this table and built, or it is a problem. A key that is not
//! built may still be set to the value that leaves its feature off (`tls-enable: false`).

use super::error::ConfigProblem;
use super::key::{ConfigKey, plain, squash};
use super::layers::{ConfigLayers, Found};
use super::{placeholder, typed};

/// What setting a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    /// It does what it says.
    Works,
    /// It is not built, so it must not be set; the text says why and what to do.
    Refused(&'static str),
}

use Effect::{Refused, Works};

const NO_SIGNING: Effect = Refused(mq_rules::SIGNING.settings);
const NO_NAMESPACES: Effect = Refused(mq_rules::NAMESPACES.settings);
const NO_TLS: Effect = Refused(mq_rules::TLS.settings);
const TRACED_WHERE: Effect = Refused(
    "belongs to the producer (`rocketmq.producer`), the pull consumer (`rocketmq.pull-consumer`) and the \
     listeners (`rocketmq.consumer`), each for itself",
);
const NO_SECOND_CLUSTER: Effect = Refused(mq_rules::CLUSTERS.settings);
const SET_ON_LISTENER: Effect = Refused(
    "does nothing in rocketmq-spring since 2.2: set it on the listener, in its annotation or \
     under `rocketmq.consumer.listeners.<group>.<topic>`",
);
const GRPC_CLIENT_ONLY: &str = "belongs to the 5.x client that speaks gRPC; this one speaks the remoting \
                    protocol: set `rocketmq.name-server`";

/// All keys but those with a user's name inside. Also what a misspelt key is compared with.
const KEYS: &[(&str, Effect)] = &[
    ("rocketmq.enabled", Works),
    ("rocketmq.profiles.active", Works),
    ("rocketmq.name-server", Works),
    ("rocketmq.access-channel", Works),
    ("rocketmq.startup", Works),
    ("rocketmq.shutdown-timeout", Works),
    ("rocketmq.client.local-offset-store-dir", Works),
    ("rocketmq.embedded.store-path", Works),
    ("rocketmq.embedded.flush", Works),
    ("rocketmq.embedded.listen", Works),
    ("rocketmq.embedded.broker-port", Works),
    ("rocketmq.embedded.message-delay-level", Works),
    ("rocketmq.producer.group", Works),
    ("rocketmq.producer.namespace", NO_NAMESPACES),
    ("rocketmq.producer.namespace-v2", NO_NAMESPACES),
    ("rocketmq.producer.send-message-timeout", Works),
    ("rocketmq.producer.compress-message-body-threshold", Works),
    ("rocketmq.producer.retry-times-when-send-failed", Works),
    (
        "rocketmq.producer.retry-times-when-send-async-failed",
        Works,
    ),
    ("rocketmq.producer.retry-next-server", Works),
    ("rocketmq.producer.max-message-size", Works),
    ("rocketmq.producer.access-key", NO_SIGNING),
    ("rocketmq.producer.secret-key", NO_SIGNING),
    ("rocketmq.producer.enable-msg-trace", Works),
    ("rocketmq.producer.customized-trace-topic", Works),
    ("rocketmq.producer.tls-enable", NO_TLS),
    ("rocketmq.producer.instance-name", Works),
    ("rocketmq.consumer.namespace", NO_NAMESPACES),
    ("rocketmq.consumer.namespace-v2", NO_NAMESPACES),
    ("rocketmq.consumer.access-key", NO_SIGNING),
    ("rocketmq.consumer.secret-key", NO_SIGNING),
    ("rocketmq.consumer.customized-trace-topic", Works),
    ("rocketmq.consumer.enable-msg-trace", Works),
    ("rocketmq.consumer.tls-enable", NO_TLS),
    ("rocketmq.consumer.group", SET_ON_LISTENER),
    ("rocketmq.consumer.topic", SET_ON_LISTENER),
    ("rocketmq.consumer.message-model", SET_ON_LISTENER),
    ("rocketmq.consumer.selector-type", SET_ON_LISTENER),
    ("rocketmq.consumer.selector-expression", SET_ON_LISTENER),
    ("rocketmq.consumer.pull-batch-size", SET_ON_LISTENER),
    ("rocketmq.consumer.instance-name", SET_ON_LISTENER),
    ("rocketmq.pull-consumer.group", Works),
    ("rocketmq.pull-consumer.topic", Works),
    ("rocketmq.pull-consumer.message-model", Works),
    ("rocketmq.pull-consumer.selector-type", Works),
    ("rocketmq.pull-consumer.selector-expression", Works),
    ("rocketmq.pull-consumer.pull-batch-size", Works),
    ("rocketmq.pull-consumer.access-key", NO_SIGNING),
    ("rocketmq.pull-consumer.secret-key", NO_SIGNING),
    ("rocketmq.pull-consumer.namespace", NO_NAMESPACES),
    ("rocketmq.pull-consumer.namespace-v2", NO_NAMESPACES),
    ("rocketmq.pull-consumer.enable-msg-trace", Works),
    ("rocketmq.pull-consumer.customized-trace-topic", Works),
    ("rocketmq.pull-consumer.tls-enable", NO_TLS),
    ("rocketmq.pull-consumer.instance-name", Works),
];

const IN_BLOCK_NAME: Effect = Refused("is in the block's own name, `<group>.<topic>`");

/// What may stand in the block `rocketmq.consumer.listeners.<group>.<topic>`.
fn listener() -> Vec<(String, Effect)> {
    let (names, attributes): (Vec<_>, Vec<_>) = mq_rules::KEYS.iter().partition(|key| key.required);
    let names = names
        .into_iter()
        .flat_map(|key| std::iter::once(&key.name).chain(key.aliases));
    let refused = mq_rules::NOT_BUILT
        .iter()
        .map(|known| (known.name, Refused(known.reason.settings)));
    std::iter::once(("enabled", Works))
        .chain(attributes.into_iter().map(|key| (key.name, Works)))
        .chain(names.map(|name| (*name, IN_BLOCK_NAME)))
        .chain(refused)
        .map(|(name, effect)| (name.replace('_', "-"), effect))
        .collect()
}

/// Keys of a producer or consumer that people set for the whole program. Variables with such names may
/// be the application's own.
const PROGRAM_WIDE_KEYS: &[(&str, Effect)] = &[
    ("rocketmq.access-key", NO_SIGNING),
    ("rocketmq.secret-key", NO_SIGNING),
    ("rocketmq.namespace", NO_NAMESPACES),
    ("rocketmq.namespace-v2", NO_NAMESPACES),
    ("rocketmq.enable-msg-trace", TRACED_WHERE),
    ("rocketmq.customized-trace-topic", TRACED_WHERE),
    ("rocketmq.tls-enable", NO_TLS),
];

/// What may be a list as well as one text.
const LIST_KEYS: [&str; 2] = ["rocketmq.name-server", "rocketmq.profiles.active"];

/// Spellings that people use and that are too different from the right key to be recognized.
const ALIASES: &[(&str, &str)] = &[
    ("rocketmq.config.namesrv-addr", "rocketmq.name-server"),
    ("rocketmq.namesrv-addr", "rocketmq.name-server"),
    ("rocketmq.namesrv", "rocketmq.name-server"),
    (
        "rocketmq.producer.producer-group",
        "rocketmq.producer.group",
    ),
    (
        "rocketmq.producer.send-msg-timeout",
        "rocketmq.producer.send-message-timeout",
    ),
    ("rocketmq.embedded.store", "rocketmq.embedded.store-path"),
];

const GRPC_KEYS: &[&str] = &[
    "rocketmq.producer.endpoints",
    "rocketmq.producer.topic",
    "rocketmq.producer.request-timeout",
    "rocketmq.producer.ssl-enabled",
    "rocketmq.producer.max-attempts",
];
const GRPC_SECTIONS: &[&str] = &["rocketmq.simple-consumer", "rocketmq.push-consumer"];

/// Complaints about every key of files and arguments that may not be set, and every variable that
/// is nearly the name of a key.
pub(super) fn complaints(layers: &ConfigLayers) -> Vec<ConfigProblem> {
    let in_files = layers.all().filter_map(|(key, found)| {
        let what = complaint(layers, key, found)?;
        Some(ConfigProblem::new(
            found.origin.clone(),
            found.written,
            what,
        ))
    });
    let in_variables = layers.variables("rocketmq").filter_map(|found| {
        let what = variable(layers, found).err()??;
        Some(ConfigProblem::new(
            found.origin.clone(),
            found.written,
            what,
        ))
    });
    in_files.chain(in_variables).collect()
}

/// Environment variables that look like settings and are none; Apache's own programs have some.
pub(super) fn foreign_variables(layers: &ConfigLayers) -> Vec<String> {
    layers
        .variables("rocketmq")
        .filter(|found| matches!(variable(layers, *found), Err(None)))
        .map(|found| format!("the environment variable {} is no setting", found.written))
        .collect()
}

/// What is wrong with a key. A list is reported once, at its first element.
fn complaint(layers: &ConfigLayers, key: &ConfigKey, found: Found<'_>) -> Option<String> {
    let Some((list, index)) = key.as_str().split_once(".[") else {
        return complaint_about_one(layers, key, found);
    };
    let list = ConfigKey::new(list);
    let may_be_list = LIST_KEYS.iter().any(|name| ConfigKey::new(name) == list);
    let is_ours = list.below(&ConfigKey::new("rocketmq")).is_some();
    let what = complaint_about_one(layers, &list, found).or_else(|| {
        (is_ours && !may_be_list).then(|| "is a list, expected one value".to_owned())
    })?;
    index.starts_with("0]").then_some(what)
}

fn complaint_about_one(layers: &ConfigLayers, key: &ConfigKey, found: Found<'_>) -> Option<String> {
    let segments: Vec<&str> = key.as_str().split('.').collect();
    match segments.as_slice() {
        ["rocketmq", "consumer", "listeners", _, _, attribute] => {
            let known = listener();
            match known.iter().find(|(name, _)| plain(name) == **attribute) {
                Some((_, effect)) => refusal(layers, *effect, found),
                None => Some(unknown(attribute, &known)),
            }
        }
        ["rocketmq", "consumer", "listeners", ..] => needs(
            found,
            "write `rocketmq.consumer.listeners.<group>.<topic>: true`, false or a block",
        ),
        ["rocketmq", "topics", _, "queues"] => None,
        ["rocketmq", "topics", _, attribute] => {
            Some(unknown(attribute, &[("queues".to_owned(), Works)]))
        }
        ["rocketmq", "topics", ..] => needs(found, "write `rocketmq.topics.<name>.queues: 4`"),
        ["rocketmq", "clients", ..] => refusal(layers, NO_SECOND_CLUSTER, found),
        ["rocketmq", ..] => plain_key(layers, key, found),
        [first, ..] if near(first, "rocketmq") => {
            Some("unknown, did you mean `rocketmq`?".to_owned())
        }
        _ => None,
    }
}

/// The complaint that `found` needs keys below it, unless it is a heading whose keys are all commented
/// out.
fn needs(found: Found<'_>, what: &str) -> Option<String> {
    (!found.value.is_empty()).then(|| what.to_owned())
}

fn plain_key(layers: &ConfigLayers, key: &ConfigKey, found: Found<'_>) -> Option<String> {
    let is = |name: &&str| ConfigKey::new(name) == *key;
    let is_part = |name: &&str| ConfigKey::new(name).below(key).is_some();
    let mut known = KEYS.iter().chain(PROGRAM_WIDE_KEYS);
    if let Some((_, effect)) = known.find(|(name, _)| is(name)) {
        return refusal(layers, *effect, found);
    }
    if let Some((_, meant)) = ALIASES.iter().find(|(name, _)| is(name)) {
        return Some(format!("unknown, did you mean `{meant}`?"));
    }
    let below_grpc = GRPC_SECTIONS
        .iter()
        .any(|part| key.below(&ConfigKey::new(part)).is_some());
    if below_grpc || GRPC_KEYS.iter().any(is) {
        return Some(GRPC_CLIENT_ONLY.to_owned());
    }
    if KEYS.iter().any(|(name, _)| is_part(name)) || GRPC_SECTIONS.iter().any(is) {
        return needs(found, "is a heading, it has keys below it and no value");
    }
    Some(match suggestion(key.as_str()) {
        Some(meant) => format!("unknown, did you mean `{meant}`?"),
        None => siblings(key).unwrap_or_else(|| "unknown".to_owned()),
    })
}

/// The complaint that lists the known keys under the heading of an unknown `key`.
fn siblings(key: &ConfigKey) -> Option<String> {
    let (heading, _) = key.as_str().rsplit_once('.')?;
    if heading == "rocketmq" {
        return None;
    }
    let mut beside = KEYS.iter().filter_map(|(name, effect)| {
        let (its_heading, last) = name.rsplit_once('.')?;
        (*effect == Works && ConfigKey::new(its_heading).as_str() == heading).then_some(last)
    });
    let first = beside.next()?;
    let rest: Vec<_> = beside.collect();
    Some(format!("unknown, there are: {first}, {}", rest.join(", ")))
}

/// Why `found` may not be set; `None` for the value that leaves the feature off.
fn refusal(layers: &ConfigLayers, effect: Effect, found: Found<'_>) -> Option<String> {
    let Refused(reason) = effect else { return None };
    let value = placeholder::fill(layers, found.value);
    let neutral =
        value.is_ok_and(|value| value.trim().is_empty() || typed::truth(&value) == Some(false));
    (!neutral).then(|| reason.to_owned())
}

/// `Ok` when the variable is a setting; `Err(None)` when it has nothing to do with ours.
fn variable(layers: &ConfigLayers, found: Found<'_>) -> Result<(), Option<String>> {
    let is_named = |key: &str| ConfigKey::new(key).is_named_by(found.written);
    if let Some((_, effect)) = KEYS.iter().find(|(key, _)| is_named(key)) {
        return refusal(layers, *effect, found).map_or(Ok(()), |what| Err(Some(what)));
    }
    if layers.all().any(|(key, _)| key.is_named_by(found.written)) {
        return Ok(());
    }
    let name = squash(found.written);
    for part in ["topics", "consumer.listeners", "clients"] {
        if name.starts_with(&squash(&format!("rocketmq.{part}"))) {
            return Err(Some(format!(
                "a variable can only override what a file has under `rocketmq.{part}`: the name \
                 inside it cannot be told; use an argument, `--rocketmq.{part}.…=…`"
            )));
        }
    }
    let meant = KEYS.iter().find(|(key, _)| near(&name, &squash(key)));
    Err(meant.map(|(key, _)| {
        let variable = key.replace(['.', '-'], "_").to_uppercase();
        format!("unknown, did you mean `{variable}`?")
    }))
}

/// Complaints about every key of files and arguments below `heading` that is not among `known`,
/// and about headings that are nearly `heading`.
pub(super) fn strangers(
    layers: &ConfigLayers,
    heading: &str,
    known: &[&str],
) -> Vec<ConfigProblem> {
    let top = ConfigKey::new(heading);
    let is_known = |rest: &str| {
        known.iter().any(|name| {
            let name = ConfigKey::new(name);
            rest == name.as_str() || ConfigKey::new(rest).below(&name).is_some()
        })
    };
    let found = layers.all().filter_map(|(key, found)| {
        let first = key.as_str().split('.').next().unwrap_or_default();
        let what = match key.below(&top) {
            Some(rest) if is_known(rest) || found.value.is_empty() => return None,
            Some(rest) => match known
                .iter()
                .find(|name| near(rest, ConfigKey::new(name).as_str()))
            {
                Some(name) => format!("unknown, did you mean `{heading}.{name}`?"),
                None => format!("unknown, below `{heading}` there are: {}", known.join(", ")),
            },
            None if first != top.as_str() && near(first, top.as_str()) => {
                format!("unknown, did you mean `{heading}`?")
            }
            None => return None,
        };
        let origin = found.origin.clone();
        Some(ConfigProblem::new(origin, found.written, what))
    });
    found.collect()
}

fn unknown(attribute: &str, known: &[(String, Effect)]) -> String {
    let nearest = known.iter().find(|(name, _)| near(attribute, &plain(name)));
    if let Some((meant, _)) = nearest {
        return format!("unknown, did you mean `{meant}`?");
    }
    let working = known.iter().filter(|(_, effect)| *effect == Works);
    let names: Vec<_> = working.map(|(name, _)| name.as_str()).collect();
    format!("unknown, there are: {}", names.join(", "))
}

/// The known key that `canonical` is most like, if it is like any.
fn suggestion(canonical: &str) -> Option<&'static str> {
    let last = canonical.rsplit('.').next().unwrap_or_default();
    let allowed = last.chars().count().div_ceil(4).max(2);
    let distance = |name: &str| strsim::osa_distance(ConfigKey::new(name).as_str(), canonical);
    let nearest = KEYS.iter().map(|(name, _)| (distance(name), *name)).min();
    let misspelt = nearest.filter(|(distance, _)| *distance <= allowed);
    misspelt.map(|(_, name)| name).or_else(|| {
        // The right key under a wrong heading: `rocketmq.group`.
        let misplaced = KEYS.iter().find(|(name, effect)| {
            *effect == Works && ConfigKey::new(name).as_str().rsplit('.').next() == Some(last)
        });
        misplaced.map(|(name, _)| *name)
    })
}

/// Whether `written` is probably a misspelt `known`.
pub(super) fn near(written: &str, known: &str) -> bool {
    let allowed = known.chars().count().div_ceil(8).clamp(1, 3);
    strsim::osa_distance(written, known) <= allowed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_that_works_is_in_the_readme() {
        let readme = include_str!("../../README.md");
        for (key, effect) in KEYS {
            let row = format!("| `{key}` |");
            assert_eq!(readme.contains(&row), *effect == Works, "{key}");
        }
    }
}
