//! The checks of a batch as a whole (`SendMessageProcessor.sendBatchMessage`).

use super::refusals::illegal;
use crate::remoting::Incoming;
use crate::wire::Refusal;
use crate::wire::header::SendMessage;

/// Refuses a batch to a retry topic, to a topic with too long a name, or with too long a body.
pub(super) fn check(request: &Incoming<SendMessage>, limit: usize) -> Result<(), Refusal> {
    let topic = &request.header.topic;
    if topic.starts_with("%RETRY%") {
        return Err(illegal("batch request does not support retry group"));
    }
    if topic.len() > 127 {
        return Err(illegal("the topic of a batch is longer than 127 bytes"));
    }
    let found = request.body.len();
    if found > limit {
        let remark = format!("a batch of {found} bytes is longer than the limit of {limit}");
        return Err(illegal(&remark));
    }
    Ok(())
}
