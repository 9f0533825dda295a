//! The settings of a name server, of which two can be changed while it runs (318), until it stops.
//!
//! Invariant: a change with an error in it changes nothing.

use std::sync::atomic::{AtomicBool, Ordering};

use super::config::NamesrvConfig;
use crate::excerpt::excerpt;
use crate::settings::properties;

const ORDER: &str = "orderMessageEnable";
const ORDER_TO_BROKERS: &str = "returnOrderTopicConfigToBroker";

/// The settings as they are now.
#[derive(Debug)]
pub(super) struct LiveSettings {
    config: NamesrvConfig,
    tell_clients_order: AtomicBool,
    tell_brokers_order: AtomicBool,
}

/// Why nothing is changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ChangeError {
    /// The text is no Java properties.
    #[error("string2Properties error: line {line}: {what}")]
    Unreadable { line: u64, what: String },
    /// A key that is known, or not, but cannot be changed.
    #[error(
        "`{0}` cannot be changed while the name server runs: {ORDER} and {ORDER_TO_BROKERS} can; write \
         it to the properties of the name server and start it again"
    )]
    NotChangeable(String),
    /// Neither true nor false.
    #[error("`{key}` is `{value}`, expected true or false")]
    Value { key: &'static str, value: String },
}

impl LiveSettings {
    pub(super) fn new(config: NamesrvConfig) -> Self {
        Self {
            tell_clients_order: AtomicBool::new(config.tell_clients_order),
            tell_brokers_order: AtomicBool::new(config.tell_brokers_order),
            config,
        }
    }

    /// Whether routes contain the queue order of ordered topics.
    pub(super) fn tell_clients_order(&self) -> bool {
        self.tell_clients_order.load(Ordering::Relaxed)
    }

    /// Whether brokers are sent the ordered topics.
    pub(super) fn tell_brokers_order(&self) -> bool {
        self.tell_brokers_order.load(Ordering::Relaxed)
    }

    /// The settings as Java properties.
    pub(super) fn to_properties(&self) -> String {
        let now = NamesrvConfig {
            tell_clients_order: self.tell_clients_order(),
            tell_brokers_order: self.tell_brokers_order(),
            ..self.config.clone()
        };
        now.to_properties()
    }

    /// Changes what `text`, Java properties, says.
    pub(super) fn change(&self, text: &str) -> Result<(), ChangeError> {
        let pairs = properties::read(text).map_err(|error| ChangeError::Unreadable {
            line: error.line,
            what: error.to_string(),
        })?;
        let changes = pairs.iter().map(|pair| {
            let (key, setting) = match pair.key.as_str() {
                ORDER => (ORDER, &self.tell_clients_order),
                ORDER_TO_BROKERS => (ORDER_TO_BROKERS, &self.tell_brokers_order),
                other => return Err(ChangeError::NotChangeable(excerpt(other).into_owned())),
            };
            match pair.value.trim().to_ascii_lowercase().as_str() {
                "true" => Ok((setting, true)),
                "false" => Ok((setting, false)),
                _ => {
                    let value = excerpt(&pair.value).into_owned();
                    Err(ChangeError::Value { key, value })
                }
            }
        });
        let changes: Vec<_> = changes.collect::<Result<_, _>>()?;
        for (setting, on) in changes {
            setting.store(on, Ordering::Relaxed);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_with_an_error_changes_nothing() {
        let settings = LiveSettings::new(NamesrvConfig::default());

        settings.change("orderMessageEnable=true").unwrap();
        assert!(settings.tell_clients_order());
        for wrong in [
            "kvConfigPath=/etc/passwd",
            "returnOrderTopicConfigToBroker=no",
            "nobodyKnows=1",
            "listenPort=\\u00",
        ] {
            let text = format!("orderMessageEnable=false\n{wrong}");
            assert!(settings.change(&text).is_err(), "{wrong}");
        }

        assert!(settings.tell_clients_order());
        assert!(
            settings
                .to_properties()
                .contains("orderMessageEnable=true\n")
        );
    }
}
