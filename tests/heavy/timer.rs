//! Messages for a time of their own: the body of each has its number and its time.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use mq_core::message::MessageExt;

use crate::Outcome;
use crate::client::{Outgoing, queue_of};

/// The topic that they are for.
pub(crate) const TOPIC: &str = "timers";

/// A message that is due at `due_ms`, ms since 1970.
pub(crate) fn timer(number: u64, due_ms: i64) -> Outgoing<'static> {
    let mut body = BytesMut::with_capacity(16);
    body.put_u64(number);
    body.put_i64(due_ms);
    Outgoing {
        topic: TOPIC,
        queue: queue_of(number),
        sys_flag: 0,
        properties: vec![("TIMER_DELIVER_MS", due_ms.to_string())],
        body: body.freeze(),
    }
}

/// A message that is delivered at once, so that the topic is there.
pub(crate) fn plain() -> Outgoing<'static> {
    Outgoing {
        topic: TOPIC,
        queue: 0,
        sys_flag: 0,
        properties: Vec::new(),
        body: Bytes::new(),
    }
}

/// A timer that has come.
pub(crate) struct Came {
    pub(crate) number: u64,
    pub(crate) due_ms: i64,
    /// When it was stored in its topic, ms after it was due.
    pub(crate) late_ms: i64,
}

/// Which timers have come, and how often.
pub(crate) struct Delivered {
    times: Vec<u8>,
    /// Those that have come at least once.
    pub(crate) different: u64,
    /// Deliveries after the first of the same message.
    pub(crate) doubles: u64,
}

impl Delivered {
    pub(crate) fn new(count: u64) -> Outcome<Self> {
        Ok(Self {
            times: vec![0; usize::try_from(count)?],
            different: 0,
            doubles: 0,
        })
    }

    /// Counts a message; `None` when it is no timer.
    ///
    /// # Errors
    ///
    /// It was never sent.
    pub(crate) fn add(&mut self, message: &MessageExt) -> Outcome<Option<Came>> {
        let mut body = message.message.body.clone();
        if body.len() < 16 {
            return Ok(None);
        }
        let (number, due_ms) = (body.get_u64(), body.get_i64());
        let times = self.times.get_mut(usize::try_from(number)?);
        let times = times.ok_or_else(|| format!("timer {number} was never sent"))?;
        if *times == 0 {
            self.different += 1;
        } else {
            self.doubles += 1;
        }
        *times = times.saturating_add(1);
        Ok(Some(Came {
            number,
            due_ms,
            late_ms: message.store_timestamp - due_ms,
        }))
    }

    /// The first that has not come.
    pub(crate) fn missing(&self) -> Option<usize> {
        self.times.iter().position(|times| *times == 0)
    }
}
