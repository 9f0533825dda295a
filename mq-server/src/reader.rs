//! Whether anybody still reads the output: a command that prints what comes would learn it only from what
//! comes next.

use std::future::pending;

/// Waits until whoever reads the output through a pipe has gone; where that cannot be watched, as with a
/// file, for good.
#[cfg(unix)]
pub(crate) async fn gone() {
    use std::os::fd::AsFd;

    use tokio::io::Interest;
    use tokio::net::unix::pipe::Sender;

    // Unchecked, because a check would make the output one that never blocks, for those who print too.
    let output = std::io::stdout().as_fd().try_clone_to_owned();
    if let Ok(output) = output.and_then(Sender::from_owned_fd_unchecked)
        && output.ready(Interest::ERROR).await.is_ok()
    {
        return;
    }
    pending::<()>().await;
}

/// Nobody tells.
#[cfg(not(unix))]
pub(crate) async fn gone() {
    pending::<()>().await;
}
