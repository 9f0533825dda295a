//! The address on which a server listens, and the addresses at which others reach it.
//!
//! The unspecified address means every address of the machine in both families: one IPv6 socket
//! accepts IPv4 as well. On a machine without IPv6 it is an IPv4 socket.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};

use socket2::{Domain, Protocol, Socket, Type};

const ACCEPT_BACKLOG: i32 = 1024;

/// Documentation addresses, which are never in use: the local address that the system would use to
/// reach them is the machine's outward address.
const EXTERNAL_PROBE_V4: (Ipv4Addr, u16) = (Ipv4Addr::new(192, 0, 2, 1), 9);
const EXTERNAL_PROBE_V6: (Ipv6Addr, u16) = (Ipv6Addr::new(0x2001, 0xDB8, 0, 0, 0, 0, 0, 1), 9);

/// The socket on which a server listens, and the addresses at which it can therefore be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listening {
    /// The socket's address, as the system reports it.
    socket: SocketAddr,
    families: Families,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Families {
    /// IPv6, and IPv4 as mapped addresses.
    Both,
    /// Only the family of the address.
    One,
}

/// Why a server that listens cannot be reached at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotListened {
    /// The unspecified address, to which no other machine can connect.
    #[error("it is the unspecified address, to which nobody can connect")]
    Unspecified,
    /// The server listens on IPv4 only.
    #[error("it is an IPv6 address, and only IPv4 is listened to")]
    Ipv6,
    /// The server listens on IPv6 only.
    #[error("it is an IPv4 address, and only IPv6 is listened to")]
    Ipv4,
}

impl Listening {
    /// The socket's address, as the system reports it; unspecified for all addresses.
    pub fn socket(&self) -> SocketAddr {
        self.socket
    }

    /// The address for programs on this machine.
    pub fn from_here(&self) -> SocketAddr {
        self.or_if_everywhere(|| self.loopback())
    }

    /// The address for programs on other machines: for the unspecified address, the one of the
    /// interface that leads out of the machine. No packet is sent to find it.
    pub fn from_elsewhere(&self) -> SocketAddr {
        self.or_if_everywhere(|| {
            let v4 = || outward(EXTERNAL_PROBE_V4.into(), Ipv4Addr::UNSPECIFIED.into());
            let v6 = || outward(EXTERNAL_PROBE_V6.into(), Ipv6Addr::UNSPECIFIED.into());
            let found = match (self.families, self.socket) {
                (Families::Both, _) => v4().or_else(v6),
                (Families::One, SocketAddr::V4(_)) => v4(),
                (Families::One, SocketAddr::V6(_)) => v6(),
            };
            found.unwrap_or_else(|| self.loopback())
        })
    }

    /// Checks that the server can be reached at `ip`. An address other than the socket's may belong
    /// to a NAT or a proxy, so it passes if the family matches.
    ///
    /// # Errors
    ///
    /// [`NotListened`] when it cannot.
    pub fn check(&self, ip: IpAddr) -> Result<(), NotListened> {
        let (ip, own) = (ip.to_canonical(), self.socket.ip());
        if ip.is_unspecified() {
            return Err(NotListened::Unspecified);
        }
        if self.families == Families::Both || ip == own {
            return Ok(());
        }
        match (ip, own) {
            (IpAddr::V6(_), IpAddr::V4(_)) => Err(NotListened::Ipv6),
            (IpAddr::V4(_), IpAddr::V6(_)) => Err(NotListened::Ipv4),
            _ => Ok(()),
        }
    }

    /// Whether `ip` is an address of this machine while the server listens on another one only, so
    /// that `ip` leads to the server only through a proxy on this machine.
    pub fn is_behind(&self, ip: IpAddr) -> bool {
        let (ip, own) = (ip.to_canonical(), self.socket.ip());
        !own.is_unspecified() && ip != own && is_of_this_machine(ip)
    }

    /// Whether `ip` is the socket's address or another address of this machine.
    pub fn is_at(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        ip == self.socket.ip() || is_of_this_machine(ip)
    }

    fn or_if_everywhere(&self, ip: impl FnOnce() -> IpAddr) -> SocketAddr {
        if self.socket.ip().is_unspecified() {
            SocketAddr::new(ip(), self.socket.port())
        } else {
            self.socket
        }
    }

    fn loopback(&self) -> IpAddr {
        match (self.families, self.socket) {
            (Families::One, SocketAddr::V6(_)) => Ipv6Addr::LOCALHOST.into(),
            _ => Ipv4Addr::LOCALHOST.into(),
        }
    }
}

/// Listens on `address`; the unspecified address of either family means both families.
pub(super) fn open(address: SocketAddr) -> io::Result<(TcpListener, Listening)> {
    if !address.ip().is_unspecified() {
        return listen(address, Families::One);
    }
    let port = address.port();
    match listen((Ipv6Addr::UNSPECIFIED, port).into(), Families::Both) {
        Err(error) if !is_about_the_port(&error) => {
            tracing::debug!(%error, "no IPv6 on this machine, listening for IPv4 alone");
            listen((Ipv4Addr::UNSPECIFIED, port).into(), Families::One)
        }
        outcome => outcome,
    }
}

/// The peer's address in its own family: a socket for both families reports IPv4 addresses as
/// mapped IPv6.
pub(super) fn unmapped(peer: SocketAddr) -> SocketAddr {
    match peer {
        SocketAddr::V6(v6) => match v6.ip().to_ipv4_mapped() {
            Some(v4) => SocketAddr::from((v4, v6.port())),
            None => peer,
        },
        SocketAddr::V4(_) => peer,
    }
}

fn listen(address: SocketAddr, families: Families) -> io::Result<(TcpListener, Listening)> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(families == Families::One)?;
    }
    // On Windows the same option would let two servers share a port.
    if cfg!(unix) {
        socket.set_reuse_address(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(ACCEPT_BACKLOG)?;
    let listener = TcpListener::from(socket);
    let socket = listener.local_addr()?;
    Ok((listener, Listening { socket, families }))
}

fn is_about_the_port(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied
    )
}

/// The local address that the system would use to reach `outside`.
fn outward(outside: SocketAddr, any: IpAddr) -> Option<IpAddr> {
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect(outside).ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_unspecified()).then_some(ip)
}

/// Only an address of this machine can be bound.
fn is_of_this_machine(ip: IpAddr) -> bool {
    UdpSocket::bind((ip, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(socket: &str, families: Families) -> Listening {
        let socket = socket.parse().unwrap();
        Listening { socket, families }
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_unspecified_address_is_reached_over_both_families() {
        let both = at("[::]:9876", Families::Both);

        assert_eq!(both.check(ip("::1")), Ok(()));
        assert_eq!(both.check(ip("127.0.0.1")), Ok(()));
        assert_eq!(both.from_here().to_string(), "127.0.0.1:9876");
        assert_eq!(both.check(ip("0.0.0.0")), Err(NotListened::Unspecified));
    }

    #[test]
    fn without_ipv6_an_address_of_that_family_is_not_reached() {
        let v4 = at("0.0.0.0:9876", Families::One);

        assert_eq!(v4.check(ip("::1")), Err(NotListened::Ipv6));
        assert_eq!(v4.check(ip("127.0.0.1")), Ok(()));
        assert!(v4.from_elsewhere().is_ipv4());
    }

    #[test]
    fn another_address_of_the_same_family_may_be_a_proxy_or_nat() {
        let one = at("127.0.0.1:9876", Families::One);

        assert_eq!(one.check(ip("127.0.0.1")), Ok(()));
        assert_eq!(one.check(ip("::ffff:127.0.0.1")), Ok(()));
        assert_eq!(one.check(ip("127.0.0.2")), Ok(()));
        assert_eq!(one.check(ip("::1")), Err(NotListened::Ipv6));
        assert_eq!(one.check(ip("203.0.113.7")), Ok(()));
        assert!(!one.is_behind(ip("::ffff:127.0.0.1")) && !one.is_behind(ip("203.0.113.7")));
        assert!(one.is_at(ip("::ffff:127.0.0.1")) && !one.is_at(ip("203.0.113.7")));
        assert!(!at("0.0.0.0:9876", Families::One).is_behind(ip("127.0.0.1")));
        assert_eq!(one.from_elsewhere(), one.from_here());
        let six = at("[::1]:9876", Families::One);
        assert_eq!(six.check(ip("127.0.0.1")), Err(NotListened::Ipv4));
        assert_eq!(six.from_here().to_string(), "[::1]:9876");
    }
}
