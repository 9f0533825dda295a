//! A gateway that sends nothing, says so in the log, and fails as it is told.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mq_core::clock::Clock;
use serde::Serialize;

use super::{Gateway, GatewayError, Sending};

/// How long a slow gateway takes.
const SLOW: Duration = Duration::from_secs(2);

/// Sends nothing, and counts what it would have sent.
#[derive(Debug)]
pub struct FakeGateway {
    clock: Clock,
    state: Mutex<FakeState>,
}

/// How the fake gateway answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "mode", rename_all = "lowercase")]
pub enum GatewayMode {
    /// Takes everything.
    Ok,
    /// Takes everything after two seconds.
    Slow,
    /// Refuses so many text messages, and then takes everything.
    Fail { times: u32 },
    /// Refuses everything.
    Down,
}

/// What the fake gateway does and has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct FakeState {
    #[serde(flatten)]
    mode: GatewayMode,
    /// How many text messages it took.
    sent: u64,
}

impl GatewayMode {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Slow => "slow",
            Self::Fail { .. } => "fail",
            Self::Down => "down",
        }
    }
}

impl FakeGateway {
    pub fn new(clock: Clock) -> Self {
        let state = FakeState {
            mode: GatewayMode::Ok,
            sent: 0,
        };
        Self {
            clock,
            state: Mutex::new(state),
        }
    }

    /// Answers in this mode from now on.
    pub fn set(&self, mode: GatewayMode) {
        self.lock().mode = mode;
    }

    /// How many text messages it took.
    pub fn sent(&self) -> u64 {
        self.lock().sent
    }

    pub(super) fn state(&self) -> FakeState {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, FakeState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Refuses one text message when the mode says so.
    fn refuse(&self) -> Result<(), GatewayError> {
        let mut state = self.lock();
        let mode = state.mode;
        match mode {
            GatewayMode::Ok | GatewayMode::Slow => return Ok(()),
            GatewayMode::Down => {}
            GatewayMode::Fail { times } if times > 1 => {
                state.mode = GatewayMode::Fail { times: times - 1 };
            }
            GatewayMode::Fail { .. } => state.mode = GatewayMode::Ok,
        }
        Err(GatewayError::Fake(mode))
    }
}

impl Gateway for FakeGateway {
    fn send<'a>(&'a self, phone: &'a str, text: &'a str) -> Sending<'a> {
        Box::pin(async move {
            self.refuse()?;
            if self.state().mode == GatewayMode::Slow {
                self.clock.sleep(SLOW).await;
            }
            self.lock().sent += 1;
            tracing::info!(phone, text, "text message sent");
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn outcomes(gateway: &FakeGateway, count: usize) -> Vec<bool> {
        let mut outcomes = Vec::new();
        for _ in 0..count {
            outcomes.push(gateway.send("138", "hello").await.is_ok());
        }
        outcomes
    }

    #[tokio::test]
    async fn a_gateway_that_fails_twice_takes_the_third_text_message() {
        let gateway = FakeGateway::new(Clock::manual(0));
        gateway.set(GatewayMode::Fail { times: 2 });

        assert_eq!(outcomes(&gateway, 4).await, [false, false, true, true]);
        assert_eq!(gateway.sent(), 2);
        assert_eq!(gateway.state().mode, GatewayMode::Ok);
    }

    #[tokio::test]
    async fn a_gateway_that_is_down_takes_nothing_until_it_is_told_otherwise() {
        let gateway = FakeGateway::new(Clock::manual(0));
        gateway.set(GatewayMode::Down);
        assert_eq!(outcomes(&gateway, 3).await, [false; 3]);

        gateway.set(GatewayMode::Ok);

        assert_eq!(outcomes(&gateway, 1).await, [true]);
        assert_eq!(gateway.sent(), 1);
    }

    #[tokio::test]
    async fn a_slow_gateway_takes_its_time() {
        let clock = Clock::manual(0);
        let gateway = FakeGateway::new(clock.clone());
        gateway.set(GatewayMode::Slow);

        let time_passes = async {
            clock.advance(SLOW / 2).await;
            let before = gateway.sent();
            clock.advance(SLOW / 2).await;
            before
        };
        let (sent, before) = tokio::join!(gateway.send("138", "hello"), time_passes);

        assert!(sent.is_ok());
        assert_eq!((before, gateway.sent()), (0, 1));
    }
}
