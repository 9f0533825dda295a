//! A broker's settings: from what is written to what is meant.
//!
//! Invariant: whoever holds a [`BrokerConfig`] need not check it again, and nothing that was
//! written was dropped in silence.

mod delay_levels;
mod keys;
mod rules;
mod storage;

use std::net::IpAddr;
use std::time::Duration;

use crate::settings::{Key, Problem, Problems, Setting, Sheet};
use crate::store::StoreConfig;

pub use delay_levels::{DelayError, DelayLevels};
pub use rules::Rules;
pub use storage::{FlushMode, Retention, Storage};

/// Everything a broker is told before it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerConfig {
    /// Who it is.
    pub identity: Identity,
    /// Where it is reached, and whom it tells.
    pub network: Network,
    /// What it takes.
    pub rules: Rules,
    /// Where messages rest, and how long.
    pub storage: Storage,
}

/// Who the broker is. It is always the master, number 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `brokerClusterName`.
    pub cluster: String,
    /// `brokerName`.
    pub name: String,
}

/// Where the broker is reached, and whom it tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// The address it listens at; unspecified for all.
    pub bind: IpAddr,
    /// `listenPort`; 0 picks a free one.
    pub port: u16,
    /// `brokerIP1`: the host it tells others; absent: the one it can be reached at.
    pub advertised: Option<String>,
    /// `HOST:PORT` of the name servers to register with.
    pub name_servers: Vec<String>,
    /// How often it registers.
    pub register_every: Duration,
}

impl Default for BrokerConfig {
    fn default() -> Self {
        read(&mut Sheet::new(keys::KEYS, Vec::new()))
    }
}

impl BrokerConfig {
    /// What `settings`, weakest first, mean, and what a person should be told about them.
    ///
    /// # Errors
    ///
    /// All that is unknown, misspelt, out of range, of the wrong type or not built yet.
    pub fn from_settings(settings: Vec<Setting>) -> Result<(Self, Vec<Problem>), Problems> {
        let mut sheet = Sheet::new(keys::KEYS, settings);
        let config = read(&mut sheet);
        sheet.finish(config)
    }

    /// Whether a broker has a key of this name.
    pub fn has_key(name: &str) -> bool {
        Key::is_among(keys::KEYS, name)
    }

    /// What the store is told.
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

/// Names of brokers and clusters become topics and stand in addresses of the protocol. Consumers
/// that share by machine room take a broker's name as `room@name`.
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

/// A host name or an address, or nothing.
fn host(text: &str) -> Result<&str, String> {
    let v6 = text.parse::<std::net::Ipv6Addr>().is_ok();
    if !v6 && text.contains([':', '/', ' ', ';', ',']) {
        return Err(format!(
            "`{text}` is no host: write a name or an address, without a port"
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
    let is_address = |address: &&str| {
        let parts = address.rsplit_once(':');
        parts.is_some_and(|(host, port)| {
            !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0)
        })
    };
    let (right, wrong): (Vec<_>, Vec<_>) = addresses.partition(is_address);
    match wrong.as_slice() {
        [] => Ok(right.into_iter().map(str::to_owned).collect()),
        [one] => Err(format!(
            "`{one}` is no address, expected HOST:PORT;HOST:PORT"
        )),
        all => Err(format!(
            "`{}` are no addresses, expected HOST:PORT;HOST:PORT",
            all.join("`, `")
        )),
    }
}

#[cfg(test)]
mod tests;
