//! Equal shares: in contiguous blocks, or round robin.

use crate::message::MessageQueue;

/// Contiguous queues; the first members get one more (`AllocateMessageQueueAveragely`).
pub(super) fn in_blocks(
    index: usize,
    queues: &[MessageQueue],
    members: usize,
) -> Vec<MessageQueue> {
    let (share, left) = (queues.len() / members, queues.len() % members);
    let (start, count) = if index < left {
        (index * (share + 1), share + 1)
    } else {
        (index * share + left, share)
    };
    queues.iter().skip(start).take(count).cloned().collect()
}

/// Every `members`th queue (`AllocateMessageQueueAveragelyByCircle`).
pub(super) fn by_circle(
    index: usize,
    queues: &[MessageQueue],
    members: usize,
) -> Vec<MessageQueue> {
    queues
        .iter()
        .skip(index)
        .step_by(members)
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::strategy::Strategy;
    use super::super::strategy::tests::{members, queues, shares};

    #[test]
    fn blocks_are_javas() {
        let queues = queues(&["a", "b"], 4);

        let three = shares(&Strategy::Average, &queues, &members(3));
        let ten = shares(&Strategy::Average, &queues, &members(10));

        assert_eq!(
            three,
            [
                vec!["a0", "a1", "a2"],
                vec!["a3", "b0", "b1"],
                vec!["b2", "b3"]
            ]
        );
        assert_eq!(ten[7], ["b3"]);
        assert!(ten[8].is_empty() && ten[9].is_empty());
    }

    #[test]
    fn a_circle_is_javas() {
        let queues = queues(&["a", "b"], 4);

        let three = shares(&Strategy::AverageByCircle, &queues, &members(3));

        assert_eq!(
            three,
            [
                vec!["a0", "a3", "b2"],
                vec!["a1", "b0", "b3"],
                vec!["a2", "b1"]
            ]
        );
    }
}
