//! Whether a consumer is paused.

use tokio::sync::watch;

/// While it is on no pull begins and no listener call.
#[derive(Debug)]
pub(super) struct Pause(watch::Sender<bool>);

impl Default for Pause {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Pause {
    pub(super) fn set(&self, is_on: bool) {
        self.0.send_replace(is_on);
    }

    pub(super) fn is_on(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is over.
    pub(super) async fn over(&self) {
        let mut changes = self.0.subscribe();
        if changes.wait_for(|is_on| !is_on).await.is_err() {
            tracing::trace!("the consumer is gone");
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn who_waits_goes_on_when_the_pause_is_over() {
        let pause = Pause::default();
        assert!(pause.over().now_or_never().is_some());

        pause.set(true);
        assert!(pause.is_on());
        let mut waiting = Box::pin(pause.over());
        assert!((&mut waiting).now_or_never().is_none());

        pause.set(false);
        waiting.await;
    }
}
