//! Values that are valid alone and not together.

use super::annotation::Reading;
use crate::listener::handler_times::HandlerTimes;
use crate::listener::modes::{ConsumeMode, MessageModel};
use crate::listener::pulling::Pulling;

impl Reading<'_> {
    /// Complains of what a listener that every member has cannot be, or has no use for.
    pub(super) fn check_broadcasting(
        &mut self,
        mode: ConsumeMode,
        retries: Option<i32>,
        is_reply: bool,
    ) {
        if mode == ConsumeMode::Orderly {
            self.complain(
                "Broadcasting cannot be Orderly: no broker locks a queue that every member reads",
            );
        }
        if retries.is_some_and(|times| times >= 0) {
            self.complain("max_reconsume_times has no effect in Broadcasting: a failed message is not tried again");
        }
        if is_reply {
            self.complain("a reply listener cannot be in Broadcasting: every member of the group would reply to each request, which takes one reply");
        }
    }

    /// Complains of a delay after failures that would have no effect.
    pub(super) fn check_delays(
        &mut self,
        mode: ConsumeMode,
        model: MessageModel,
        level: Option<i32>,
        pause: Option<i32>,
    ) {
        let in_order = mode == ConsumeMode::Orderly;
        if level.is_some() && in_order {
            self.complain("delay_level_when_next_consume has no effect in order: set suspend_current_queue_time_millis");
        } else if level.is_some() && model == MessageModel::Broadcasting {
            self.complain("delay_level_when_next_consume has no effect in Broadcasting: a failed message is not tried again");
        }
        if pause.is_some() && !in_order {
            self.complain("suspend_current_queue_time_millis has no effect unless consume_mode is Orderly: set delay_level_when_next_consume");
        }
    }

    /// Complains of what has no effect in order.
    pub(super) fn check_in_order(&mut self, times: HandlerTimes, pulling: &Pulling) {
        if times.timeout().is_some() {
            self.complain("consume_timeout has no effect in order");
        }
        if pulling.has_span() {
            self.complain("consume_concurrently_max_span has no effect in order");
        }
    }
}
