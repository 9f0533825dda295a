//! Addresses as people write them.

use std::net::Ipv6Addr;

/// The host and the port of `HOST:PORT`, where HOST is a name, an IPv4 address, or an IPv6 address in
/// brackets; `None` when `text` is something else.
///
/// ```
/// # use mq_core::remoting::endpoint;
/// assert_eq!(endpoint("[::1]:9876"), Some(("[::1]", 9876)));
/// assert_eq!(endpoint("http://names:9876"), None);
/// ```
pub fn endpoint(text: &str) -> Option<(&str, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let is_host = match bare {
        Some(v6) => v6.parse::<Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty() && !host.contains(|c: char| ":/[],;".contains(c) || c.is_whitespace())
        }
    };
    let is_port = port.bytes().all(|byte| byte.is_ascii_digit());
    (is_host && is_port).then_some((host, port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_host_and_a_port() {
        for (text, host) in [
            ("a:1", "a"),
            ("10.0.0.1:1", "10.0.0.1"),
            ("[fe80::1]:1", "[fe80::1]"),
        ] {
            assert_eq!(endpoint(text), Some((host, 1)), "{text}");
        }
        for text in [
            "",
            "nonsense",
            ":1",
            "a:",
            "a:+1",
            "a:70000",
            "http://a:1",
            "a b:1",
            "a,b:1",
            "::1:9876",
            "[a]:1",
            "[]:1",
        ] {
            assert_eq!(endpoint(text), None, "{text}");
        }
    }
}
