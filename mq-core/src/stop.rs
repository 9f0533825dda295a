//! Ctrl-C and SIGTERM: the first ends the program in order, the second at once.
//!
//! The second is for a shutdown that hangs, so it is handled on a thread of its own.
//! Supervisors that signal both the program and its process group count as one request.

use std::io;
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;
#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use crate::clock::{Clock, Moment};

/// Signals that follow the first one within this time are the same request.
const REPEATED_SIGNAL_WINDOW: Duration = Duration::from_millis(300);

/// The signal that asked the program to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

impl Asked {
    /// The exit status by shell convention, 128 + signal: 130 or 143.
    pub fn exit_status(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }
}

/// Listens for Ctrl-C and, on Unix, SIGTERM from its creation on.
#[derive(Debug)]
pub struct StopSignal {
    #[cfg(unix)]
    terminate: Signal,
    #[cfg(unix)]
    interrupt: Signal,
}

impl StopSignal {
    /// Starts to listen, on the runtime of the caller.
    ///
    /// # Errors
    ///
    /// The system's error when the signal handlers cannot be installed.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            terminate: signal(SignalKind::terminate())?,
            #[cfg(unix)]
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Resolves each time that the program is asked to end.
    pub async fn received(&mut self) -> Asked {
        #[cfg(unix)]
        tokio::select! {
            _ = self.interrupt.recv() => Asked::Interrupt,
            _ = self.terminate.recv() => Asked::Terminate,
        }
        #[cfg(not(unix))]
        {
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
            Asked::Interrupt
        }
    }

    /// Resolves when the program is asked to end. From then on the next request ends it at once,
    /// with [`Asked::exit_status`].
    pub async fn received_once(&mut self) -> Asked {
        let asked = self.received().await;
        if let Err(error) = end_when_asked_again().await {
            tracing::warn!(%error, "a second Ctrl-C or SIGTERM will not be noticed");
        }
        asked
    }
}

/// Ends the program at the next signal. When this returns, the handler is installed.
///
/// A thread with a runtime of its own listens, because the program's runtime may be what hangs.
async fn end_when_asked_again() -> io::Result<()> {
    let (listens, listening) = oneshot::channel();
    let wait = move || {
        let runtime = match Builder::new_current_thread().enable_io().build() {
            Ok(runtime) => runtime,
            Err(error) => return drop(listens.send(Err(error))),
        };
        runtime.block_on(async {
            match StopSignal::listen() {
                Ok(mut signal) => {
                    // The receiver may have been dropped.
                    drop(listens.send(Ok(())));
                    let clock = Clock::system();
                    let first = clock.moment();
                    end(asked_again(&mut signal, &clock, first).await);
                }
                Err(error) => drop(listens.send(Err(error))),
            }
        });
    };
    thread::Builder::new()
        .name("mq-stop".to_owned())
        .spawn(wait)?;
    listening.await.map_err(io::Error::other)?
}

async fn asked_again(signal: &mut StopSignal, clock: &Clock, first: Moment) -> Asked {
    loop {
        let asked = signal.received().await;
        if is_another_request(first, clock.moment()) {
            return asked;
        }
        tracing::debug!("a signal right behind the first one: the same request");
    }
}

fn is_another_request(first: Moment, now: Moment) -> bool {
    now.since(first) >= REPEATED_SIGNAL_WINDOW
}

#[expect(clippy::exit, reason = "this is what a second signal asks for")]
fn end(asked: Asked) {
    tracing::error!(
        "asked to end for the second time: the program ends at once, without finishing its work"
    );
    std::process::exit(asked.exit_status().into());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `timeout` signals its child and the process group of it: one run in three ended at once.
    #[tokio::test]
    async fn a_signal_right_behind_the_first_is_the_same_request() {
        let clock = Clock::manual(0);
        let first = clock.moment();
        assert!(!is_another_request(first, clock.moment()));
        clock.advance(Duration::from_millis(299)).await;
        assert!(!is_another_request(first, clock.moment()));

        clock.advance(Duration::from_millis(1)).await;

        assert!(is_another_request(first, clock.moment()));
    }
}
