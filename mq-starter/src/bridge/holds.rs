//! Names async listeners that hold their thread, each at most once a minute.

use std::collections::HashMap;
use std::time::Duration;

use mq_core::clock::Moment;
use mq_core::message::TopicName;
use parking_lot::Mutex;

use super::call::Call;

/// An async handler that holds its thread for so long is named.
pub(super) const LONG_HOLD: Duration = Duration::from_secs(1);

/// A listener is warned of once in so long.
const WARNING_INTERVAL: Duration = Duration::from_mins(1);

/// When each listener that held its thread for too long was last warned of.
#[derive(Debug, Default)]
pub(super) struct Holds(Mutex<HashMap<(&'static str, TopicName), LastWarning>>);

#[derive(Debug)]
struct LastWarning {
    at: Moment,
    /// Calls that held their thread since then.
    untold: u64,
    /// The longest hold of a call that ended since then.
    longest: Duration,
}

/// Whether a call still holds its thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeldThread {
    GoesOn,
    Over(Duration),
}

impl Holds {
    /// Warns that `call` holds its thread for too long, or did; counts the call when its listener was
    /// warned of within the last minute.
    pub(super) fn found(&self, call: &Call, hold: HeldThread, now: Moment) {
        let (listener, topic) = call.listener();
        let mut told = self.0.lock();
        let key = (listener, topic.clone());
        let before = told.get_mut(&key);
        if let Some(before) = before
            && now.since(before.at) < WARNING_INTERVAL
        {
            before.untold += 1;
            before.note(hold);
            return;
        }
        let fresh = LastWarning {
            at: now,
            untold: 0,
            longest: Duration::ZERO,
        };
        let before = told.insert(key, fresh);
        drop(told);
        warn(call, hold, before);
    }

    /// Notes for the next warning how long a hold took that was still going on at the last one.
    pub(super) fn ended(&self, call: &Call, hold: Duration) {
        let (listener, topic) = call.listener();
        if let Some(told) = self.0.lock().get_mut(&(listener, topic.clone())) {
            told.note(HeldThread::Over(hold));
        }
    }
}

impl LastWarning {
    fn note(&mut self, hold: HeldThread) {
        if let HeldThread::Over(hold) = hold {
            self.longest = self.longest.max(hold);
        }
    }
}

fn warn(call: &Call, hold: HeldThread, before: Option<LastWarning>) {
    let ((listener, topic), message_id) = (call.listener(), call.message_id());
    let what = match hold {
        HeldThread::GoesOn => {
            format!("has held its thread for more than {LONG_HOLD:?} and still does")
        }
        HeldThread::Over(hold) => format!("held its thread for {hold:?}"),
    };
    let since = before.filter(|before| before.untold > 0 || !before.longest.is_zero());
    let since = since.map(|before| {
        let LastWarning {
            untold, longest, ..
        } = before;
        format!(" ({untold} more calls did since the last such line, the longest that ended: {longest:.1?})")
    });
    tracing::warn!(
        listener, %topic, message_id,
        "an async listener {what}, without an `.await`{}: declare it `blocking = true`, make it a plain \
         `fn`, or put what blocks into `tokio::task::spawn_blocking`",
        since.unwrap_or_default()
    );
}
