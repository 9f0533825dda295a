//! The configuration of a broker, validated from its settings.
//!
//! Invariant: a [`BrokerConfig`] is valid, and no setting is ignored silently.

mod delay_levels;
mod keys;
mod rules;
mod storage;

use std::net::IpAddr;
use std::time::Duration;

use crate::remoting::endpoint;
use crate::settings::{Setting, SettingKey, SettingProblem, SettingProblems, Sheet};
use crate::store::StoreConfig;

pub use delay_levels::{DelayError, DelayLevels};
pub(in crate::broker) use delay_levels::{MAX_DELAY, MAX_LEVELS};
pub use rules::{FilterRules, Rules, TimerRules, TraceRules, TransactionRules};
pub use storage::{FlushMode, RetentionSettings, Storage};

/// The configuration of a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerConfig {
    /// Its names.
    pub identity: Identity,
    /// Its addresses and its name servers.
    pub network: Network,
    /// Its limits and permissions.
    pub rules: Rules,
    /// Where messages are stored, and for how long.
    pub storage: Storage,
}

/// The names of the broker. Its broker id is always 0, the master.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `brokerClusterName`.
    pub cluster: String,
    /// `brokerName`.
    pub name: String,
}

/// The addresses of the broker, and its name servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// The address to listen on; unspecified for all.
    pub bind: IpAddr,
    /// `listenPort`; 0 picks a free one.
    pub port: u16,
    /// `brokerIP1`: the host that it advertises; `None`: an address of this machine.
    pub advertised: Option<String>,
    /// `HOST:PORT` of the name servers to register with.
    pub name_servers: Vec<String>,
    /// The interval of registering.
    pub register_every: Duration,
}

impl Default for BrokerConfig {
    fn default() -> Self {
        read(&mut Sheet::new(keys::KEYS, Vec::new()))
    }
}

impl BrokerConfig {
    /// Reads `settings`, of which later ones override earlier ones; also returns warnings about
    /// them.
    ///
    /// # Errors
    ///
    /// Every setting that is unknown, out of range, of the wrong type or not supported yet.
    pub fn from_settings(
        settings: Vec<Setting>,
    ) -> Result<(Self, Vec<SettingProblem>), SettingProblems> {
        let mut sheet = Sheet::new(keys::KEYS, settings);
        let config = read(&mut sheet);
        sheet.finish(config)
    }

    /// Whether a broker has a key of this name.
    pub fn has_key(name: &str) -> bool {
        SettingKey::is_among(keys::KEYS, name)
    }

    /// The configuration of the store.
    pub fn store(&self) -> StoreConfig {
        self.storage.for_store(&self.rules)
    }
}

fn read(sheet: &mut Sheet) -> BrokerConfig {
    BrokerConfig {
        identity: Identity {
            cluster: sheet.checked("brokerClusterName", name),
            name: sheet.checked("brokerName", name),
        },
        network: network(sheet),
        rules: rules::read(sheet),
        storage: storage::read(sheet),
    }
}

fn network(sheet: &mut Sheet) -> Network {
    let advertised = sheet.checked("brokerIP1", |text| host(text).map(str::to_owned));
    Network {
        bind: sheet.address("bindAddress"),
        port: sheet.number("listenPort", &(0..=u16::MAX)),
        advertised: Some(advertised).filter(|host| !host.is_empty()),
        name_servers: sheet.checked("namesrvAddr", name_servers),
        register_every: sheet.milliseconds("registerNameServerPeriod", 10_000, 60_000),
    }
}

/// Validates the name of a broker or cluster. Such names become topics and are used in the
/// protocol; machine-room strategies read a broker's name as `room@name`.
fn name(text: &str) -> Result<String, String> {
    let legal = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '%' | '|' | '@');
    if text.is_empty() || text.len() > 127 {
        return Err(format!("has {} bytes, expected 1 to 127", text.len()));
    }
    match text.chars().find(|c| !legal(*c)) {
        Some(c) => Err(format!("`{text}` has the illegal character {c:?}")),
        None => Ok(text.to_owned()),
    }
}

/// A host name, an address, or an empty text.
fn host(text: &str) -> Result<&str, String> {
    let v6 = text.parse::<std::net::Ipv6Addr>().is_ok();
    if !v6 && text.contains([':', '/', ' ', ';', ',']) {
        return Err(format!(
            "`{text}` is not a host: write a name or an address, without a port"
        ));
    }
    Ok(text)
}

/// `h:p;h:p`, as Apache separates them.
fn name_servers(text: &str) -> Result<Vec<String>, String> {
    let addresses = text
        .split(';')
        .map(str::trim)
        .filter(|address| !address.is_empty());
    let is_address = |address: &&str| endpoint(address).is_some_and(|(_, port)| port > 0);
    let (right, wrong): (Vec<_>, Vec<_>) = addresses.partition(is_address);
    match wrong.as_slice() {
        [] => Ok(right.into_iter().map(str::to_owned).collect()),
        [one] => Err(format!(
            "`{one}` is not an address, expected HOST:PORT;HOST:PORT"
        )),
        all => Err(format!(
            "`{}` are not addresses, expected HOST:PORT;HOST:PORT",
            all.join("`, `")
        )),
    }
}

#[cfg(test)]
mod tests;
