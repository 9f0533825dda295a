//! The signals that end a program: Ctrl-C and SIGTERM.

use mq_core::stop::StopSignal;

/// Resolves at Ctrl-C and, on Unix, at SIGTERM. A second one ends the program at once, with the
/// exit status 130 or 143.
pub async fn asked_to_stop() {
    match StopSignal::listen() {
        Ok(mut signal) => {
            signal.received_once().await;
            tracing::info!("stopping; a second signal ends the program at once");
        }
        Err(error) => {
            tracing::warn!(%error, "Ctrl-C and SIGTERM cannot be listened to");
            std::future::pending::<()>().await;
        }
    }
}
