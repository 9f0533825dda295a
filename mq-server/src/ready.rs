//! What is said when clients may come.

use std::io::Write;
use std::net::{IpAddr, SocketAddr, UdpSocket};

use mq_core::settings::Problem;

/// Prints to standard output, where a script may be reading.
pub(crate) fn say(line: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// Logs what a person should know about the settings.
pub(crate) fn warn(warnings: &[Problem]) {
    for warning in warnings {
        tracing::warn!("{warning}");
    }
}

/// `address` as a client on this machine can use it.
pub(crate) fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => SocketAddr::from(([127, 0, 0, 1], address.port())),
        IpAddr::V6(ip) if ip.is_unspecified() => {
            SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], address.port()))
        }
        _ => address,
    }
}

/// The address that other machines reach this one at: that of the way to the world outside.
///
/// Nothing is sent: connecting a datagram socket only picks the way.
pub(crate) fn own_address() -> Option<IpAddr> {
    /// An address of nobody's, for documentation (RFC 5737).
    const OUTSIDE: ([u8; 4], u16) = ([192, 0, 2, 1], 9);

    let socket = UdpSocket::bind(("0.0.0.0", 0)).ok()?;
    socket.connect(SocketAddr::from(OUTSIDE)).ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_unspecified()).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_for_all_is_shown_as_one_that_works() {
        let all: SocketAddr = "0.0.0.0:9876".parse().unwrap();
        assert_eq!(reachable(all).to_string(), "127.0.0.1:9876");
        let one: SocketAddr = "10.1.2.3:9876".parse().unwrap();
        assert_eq!(reachable(one), one);
    }
}
