//! Names async listeners that hold their thread, each at most once a minute.

use std::collections::HashMap;
use std::time::Duration;

use mq_core::clock::Moment;
use mq_core::message::TopicName;
use parking_lot::Mutex;

use super::call::Call;

/// An async handler that holds its thread for so long is named.
pub(super) const LONG: Duration = Duration::from_secs(1);

const TOLD_AGAIN_AFTER: Duration = Duration::from_mins(1);

/// Which listeners held a thread for too long, and when that was told.
#[derive(Debug, Default)]
pub(super) struct Holds(Mutex<HashMap<(&'static str, TopicName), Told>>);

#[derive(Debug)]
struct Told {
    at: Moment,
    /// Calls that held their thread since then.
    untold: u64,
    /// The longest hold of a call that ended since then.
    longest: Duration,
}

/// Whether a call still holds its thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    GoesOn,
    Over(Duration),
}

impl Holds {
    /// `call` holds its thread for too long, or did.
    pub(super) fn found(&self, call: &Call, hold: Hold, now: Moment) {
        let (listener, topic) = call.listener();
        let mut told = self.0.lock();
        let key = (listener, topic.clone());
        let before = told.get_mut(&key);
        if let Some(before) = before
            && now.since(before.at) < TOLD_AGAIN_AFTER
        {
            before.untold += 1;
            before.note(hold);
            return;
        }
        let fresh = Told {
            at: now,
            untold: 0,
            longest: Duration::ZERO,
        };
        let before = told.insert(key, fresh);
        drop(told);
        warn(call, hold, before);
    }

    /// The hold of `call`, which was found while it went on, took so long.
    pub(super) fn ended(&self, call: &Call, hold: Duration) {
        let (listener, topic) = call.listener();
        if let Some(told) = self.0.lock().get_mut(&(listener, topic.clone())) {
            told.note(Hold::Over(hold));
        }
    }
}

impl Told {
    fn note(&mut self, hold: Hold) {
        if let Hold::Over(hold) = hold {
            self.longest = self.longest.max(hold);
        }
    }
}

fn warn(call: &Call, hold: Hold, before: Option<Told>) {
    let ((listener, topic), message_id) = (call.listener(), call.message_id());
    let what = match hold {
        Hold::GoesOn => format!("has held its thread for more than {LONG:?} and still does"),
        Hold::Over(hold) => format!("held its thread for {hold:?}"),
    };
    let since = before.filter(|before| before.untold > 0 || !before.longest.is_zero());
    let since = since.map(|before| {
        let Told {
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
