//! The text that is printed when everything is ready.

use std::io::Write;
use std::net::SocketAddr;

/// The addresses of the services.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServiceAddresses {
    pub(crate) order: SocketAddr,
    pub(crate) user: SocketAddr,
}

/// Prints the addresses and what to try.
pub(crate) fn tell(addresses: &ServiceAddresses) -> std::io::Result<()> {
    let (order, user) = (addresses.order, addresses.user);
    say(&format!(
        "ready order=http://{order} user=http://{user}\n\n\
         order something:       curl 'http://{order}/order?pid=1'\n\
         see the text message:  curl http://{user}/sms\n\
         unpaid? cancelled:     curl http://{order}/orders\n\n\
         Ctrl-C ends it; the data stay."
    ))
}

/// Prints to standard output, where a script may be reading.
pub(crate) fn say(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}
