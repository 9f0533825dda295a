//! Name servers as they are typed.

use std::num::NonZeroU16;
use std::str::FromStr;

/// At least one `HOST:PORT`, several separated by semicolons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NameServers(pub(crate) Vec<String>);

impl FromStr for NameServers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let addresses = text.split(';').map(str::trim);
        let addresses = addresses.filter(|address| !address.is_empty());
        let addresses: Vec<_> = addresses.map(str::to_owned).collect();
        if addresses.is_empty() {
            return Err("no name server is named: write HOST:PORT".to_owned());
        }
        match addresses.iter().find(|address| !is_address(address)) {
            Some(wrong) => Err(format!("`{wrong}` is no name server: write HOST:PORT")),
            None => Ok(Self(addresses)),
        }
    }
}

fn is_address(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else {
        return false;
    };
    !host.is_empty() && !host.contains('/') && port.parse::<NonZeroU16>().is_ok()
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
        for wrong in [
            "",
            ";",
            "nonsense",
            ":1",
            "a:",
            "a:0",
            "a:70000",
            "http://a:1",
        ] {
            assert!(wrong.parse::<NameServers>().is_err(), "{wrong}");
        }
    }
}
