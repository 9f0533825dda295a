//! Name servers as they are typed.

use std::fmt;
use std::str::FromStr;

use mq_core::remoting::endpoint;

/// At least one `HOST:PORT`, several separated by semicolons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NameServers(pub(crate) Vec<String>);

impl fmt::Display for NameServers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(";"))
    }
}

impl FromStr for NameServers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let addresses = text.split(';').map(str::trim);
        let addresses = addresses.filter(|address| !address.is_empty());
        let addresses: Vec<_> = addresses.map(str::to_owned).collect();
        if addresses.is_empty() {
            return Err("no name server is named: write HOST:PORT".to_owned());
        }
        let is_address = |text: &str| endpoint(text).is_some_and(|(_, port)| port > 0);
        match addresses.iter().find(|address| !is_address(address)) {
            Some(wrong) => Err(format!("`{wrong}` is no name server: write HOST:PORT")),
            None => Ok(Self(addresses)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_server_is_a_host_and_a_port() {
        let typed = " a:1;[::1]:9876; ".parse();
        assert_eq!(
            typed,
            Ok(NameServers(vec!["a:1".into(), "[::1]:9876".into()]))
        );
        for wrong in ["", ";", "a:0", "a:1;nonsense"] {
            assert!(wrong.parse::<NameServers>().is_err(), "{wrong}");
        }
    }
}
