//! What the broker says it is called.
//!
//! Invariant: nobody is told an address of a family that the broker does not listen to.

use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::lookup_host;

use crate::remoting::{Listening, NotListened};

/// Where others reach the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advertised {
    /// `host:port` as name servers pass it on.
    pub text: String,
    /// The same as it stands in message ids.
    pub socket: SocketAddr,
}

/// Why a host cannot be advertised (`brokerIP1`).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdvertiseError {
    /// Whoever connected there would not reach the broker.
    #[error(
        "brokerIP1: no client would reach the broker at {address}: {why} (the broker listens at \
         {listens}); set `brokerIP1` to an address that is listened at"
    )]
    NotListened {
        /// As it was given, and what it stands for.
        address: String,
        /// What is wrong with the address.
        why: NotListened,
        /// Where the broker listens.
        listens: SocketAddr,
    },
    /// The name leads nowhere.
    #[error("brokerIP1: the host `{0}` has no address, write an address instead")]
    NoAddress(String),
    /// The name cannot be looked up.
    #[error("brokerIP1: the host `{host}` cannot be looked up, write an address instead: {source}")]
    LookUp {
        /// The name.
        host: String,
        /// Why not.
        source: io::Error,
    },
}

impl From<SocketAddr> for Advertised {
    fn from(socket: SocketAddr) -> Self {
        Self {
            text: socket.to_string(),
            socket,
        }
    }
}

impl Advertised {
    /// `host`, a name or an address, or without one an address that other machines reach.
    ///
    /// # Errors
    ///
    /// [`AdvertiseError`] when `host` does not lead to where the broker listens.
    pub async fn of(host: Option<&str>, listening: &Listening) -> Result<Self, AdvertiseError> {
        let Some(host) = host else {
            return Ok(Self::from(listening.from_elsewhere()));
        };
        let port = listening.socket().port();
        if let Ok(ip) = host.parse::<IpAddr>() {
            listening
                .check(ip)
                .map_err(not_listened(host, ip, listening))?;
            tell_of_a_detour(host, ip, listening);
            return Ok(Self::from(SocketAddr::new(ip, port)));
        }
        let found = lookup_host((host, port)).await;
        let found: Vec<_> = match found {
            Ok(found) => found.collect(),
            Err(source) => {
                let host = host.to_owned();
                return Err(AdvertiseError::LookUp { host, source });
            }
        };
        // A name may stand for addresses of both families; clients try one after the other.
        let mut refused = None;
        for socket in found {
            match listening.check(socket.ip()) {
                Ok(()) => {
                    tell_of_a_detour(host, socket.ip(), listening);
                    let text = format!("{host}:{port}");
                    return Ok(Self { text, socket });
                }
                Err(source) if refused.is_none() => {
                    refused = Some(not_listened(host, socket.ip(), listening)(source));
                }
                Err(_) => {}
            }
        }
        Err(refused.unwrap_or_else(|| AdvertiseError::NoAddress(host.to_owned())))
    }
}

/// Warns of an address that is right only if something passes connections on from there to here.
fn tell_of_a_detour(host: &str, ip: IpAddr, listening: &Listening) {
    let address = address(host, ip);
    if listening.is_behind(ip) {
        tracing::warn!(
            "brokerIP1: {address} is an address of this machine, but the broker listens at {} alone; \
             clients reach it only if a proxy at {ip} passes their connections on. Without one set \
             `bindAddress` to `0.0.0.0`",
            listening.socket()
        );
    } else if !listening.is_at(ip) {
        tracing::warn!(
            "brokerIP1: {address} is no address of this machine; clients reach the broker only if \
             their connections to it are passed on to {} here (NAT, a container's port). Otherwise \
             correct `brokerIP1`, or leave it out for {}",
            listening.socket(),
            listening.from_elsewhere().ip()
        );
    }
}

/// `host`, and what it stands for when that is not the same.
fn address(host: &str, ip: IpAddr) -> String {
    if host == ip.to_string() {
        format!("`{host}`")
    } else {
        format!("`{host}` ({ip})")
    }
}

fn not_listened<'a>(
    host: &'a str,
    ip: IpAddr,
    listening: &'a Listening,
) -> impl FnOnce(NotListened) -> AdvertiseError + 'a {
    move |why| AdvertiseError::NotListened {
        address: address(host, ip),
        why,
        listens: listening.socket(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::remoting::{RemotingServer, RemotingServerConfig};

    async fn advertised(bind: &str, host: Option<&str>) -> Result<Advertised, AdvertiseError> {
        let server = RemotingServer::bind(bind, RemotingServerConfig::default(), Clock::system());
        Advertised::of(host, &server.await.unwrap().listening()).await
    }

    /// `brokerIP1=::1` was registered while nothing listened there, and every client was refused.
    #[tokio::test]
    async fn an_address_that_is_not_listened_at_is_refused_with_what_to_do() {
        let refused = advertised("127.0.0.1:0", Some("::1")).await.unwrap_err();

        let text = refused.to_string();
        let begins = "brokerIP1: no client would reach the broker at `::1`: it is an IPv6 address, and \
                      only IPv4 is listened to (the broker listens at 127.0.0.1:";
        assert!(text.starts_with(begins), "{text}");
        assert!(text.contains("set `brokerIP1`"), "{text}");
    }

    /// A recording proxy of the tests and a TLS proxy of an operator stand there.
    #[tokio::test]
    async fn another_address_of_the_machine_is_one_of_a_proxy() {
        let other = advertised("127.0.0.1:0", Some("127.0.0.2")).await.unwrap();

        assert_eq!(other.socket.ip().to_string(), "127.0.0.2");
    }

    #[tokio::test]
    async fn a_name_is_passed_on_with_the_first_address_that_is_listened_at() {
        let known: Vec<_> = lookup_host(("localhost", 0)).await.unwrap().collect();
        for bind in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(here) = std::net::TcpListener::bind(bind) else {
                continue;
            };
            let here = here.local_addr().unwrap().ip();
            let is_known = known.iter().any(|address| address.ip() == here);

            match advertised(bind, Some("localhost")).await {
                Ok(named) => {
                    assert!(named.text.starts_with("localhost:"), "{named:?}");
                    assert_eq!(named.socket.ip(), here);
                }
                Err(refused) => assert!(!is_known, "{refused}"),
            }
        }
    }

    #[tokio::test]
    async fn without_a_host_the_address_is_one_that_is_listened_at() {
        let one = advertised("127.0.0.1:0", None).await.unwrap();
        let every = advertised("0.0.0.0:0", None).await.unwrap();

        assert_eq!(one.socket.ip().to_string(), "127.0.0.1");
        assert!(!every.socket.ip().is_unspecified());
    }
}
