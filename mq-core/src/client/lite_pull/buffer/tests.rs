use super::*;
use crate::message::{Message, PhysicalOffset, SysFlag, TopicName};

const LIMITS: BufferLimits = BufferLimits {
    of_queue: FlowLimits {
        messages: 4,
        bytes: 100,
        span: 10,
    },
    waiting: 6,
};

fn queue(id: i32) -> MessageQueue {
    MessageQueue::new(TopicName::new("orders").unwrap(), "broker-a", id)
}

fn message(offset: u64) -> MessageExt {
    sized(offset, 1)
}

fn sized(offset: u64, bytes: usize) -> MessageExt {
    MessageExt {
        message: Message::new(TopicName::new("orders").unwrap(), vec![b'x'; bytes]),
        queue_id: 0,
        queue_offset: QueueOffset(offset),
        physical_offset: PhysicalOffset(offset * 100),
        sys_flag: SysFlag::default(),
        born_timestamp: 0,
        born_host: "127.0.0.1:1".parse().unwrap(),
        store_timestamp: 0,
        store_host: "127.0.0.1:2".parse().unwrap(),
        reconsume_times: 0,
        prepared_transaction_offset: 0,
        store_size: 0,
    }
}

/// A buffer to which these queues are assigned, from their first offset on.
fn assigned(ids: impl IntoIterator<Item = i32>) -> Buffer {
    let mut buffer = Buffer::default();
    for id in ids {
        buffer.assign(queue(id), QueueOffset(0)).unwrap();
    }
    buffer
}

fn ticket(buffer: &Buffer, id: i32) -> FetchTicket {
    let buffered = &buffer.queues[&queue(id)];
    FetchTicket {
        epoch: buffered.epoch,
        from: buffered.next,
    }
}

/// Fetches the messages with these offsets; the pull went on behind the last.
fn fetch(buffer: &mut Buffer, id: i32, offsets: impl IntoIterator<Item = u64>) {
    let messages: Vec<_> = offsets.into_iter().map(message).collect();
    let next = messages.last().unwrap().queue_offset.plus(1);
    let ticket = ticket(buffer, id);
    buffer.put(&queue(id), ticket, messages, next);
}

fn turn(buffer: &Buffer, id: i32) -> FetchTurn {
    let assigned = buffer.queues.get(&queue(id)).map(|own| own.assigned);
    buffer.turn(&queue(id), assigned.unwrap_or_default(), LIMITS)
}

fn taken(taken: &[(MessageExt, Receipt)]) -> Vec<(i32, u64)> {
    taken
        .iter()
        .map(|(message, receipt)| (receipt.queue.id, message.queue_offset.0))
        .collect()
}

fn position(buffer: &Buffer, id: i32) -> u64 {
    let positions = buffer.positions();
    let own = positions.iter().find(|(other, _)| *other == queue(id));
    own.unwrap().1.0
}

#[test]
fn queues_take_turns_and_each_keeps_its_order() {
    let mut buffer = assigned([0, 1]);
    fetch(&mut buffer, 0, [0, 1, 2]);
    fetch(&mut buffer, 1, [0, 1]);

    assert_eq!(taken(&buffer.take(2)), [(0, 0), (0, 1)]);
    assert_eq!(taken(&buffer.take(3)), [(1, 0), (1, 1), (0, 2)]);
    assert!(buffer.take(3).is_empty());
}

#[test]
fn the_position_is_the_lowest_offset_that_is_not_finished() {
    let mut buffer = assigned([0]);
    assert_eq!(position(&buffer, 0), 0);
    fetch(&mut buffer, 0, [0, 1, 2]);
    assert_eq!(position(&buffer, 0), 0);

    let taken = buffer.take(2);
    assert!(buffer.finish(&taken[1].1));
    assert_eq!(position(&buffer, 0), 0);
    assert!(buffer.finish(&taken[0].1));
    assert_eq!(position(&buffer, 0), 2);
    assert!(!buffer.finish(&taken[0].1), "twice");

    // Everything behind the last message was filtered out.
    let last = buffer.take(1);
    buffer.put(&queue(0), ticket(&buffer, 0), Vec::new(), QueueOffset(9));
    assert_eq!(position(&buffer, 0), 2);
    assert!(buffer.finish(&last[0].1));
    assert_eq!(position(&buffer, 0), 9);
}

#[test]
fn what_a_poll_handed_over_is_finished_with_the_next() {
    let mut buffer = assigned([0]);
    fetch(&mut buffer, 0, [0, 1]);
    let first = buffer.take(1);
    buffer.polled(first.into_iter().map(|(_, receipt)| receipt));
    assert_eq!(position(&buffer, 0), 0);

    buffer.finish_polled();

    assert_eq!(position(&buffer, 0), 1);
}

#[test]
fn a_seek_drops_what_was_fetched_and_what_is_still_coming() {
    let mut buffer = assigned([0]);
    let before = ticket(&buffer, 0);
    fetch(&mut buffer, 0, [0, 1, 2]);
    let handed_over = buffer.take(1);

    assert!(buffer.seek(&queue(0), QueueOffset(7)));
    buffer.put(&queue(0), before, vec![message(3)], QueueOffset(4));

    assert!(buffer.take(9).is_empty());
    assert!(!buffer.finish(&handed_over[0].1));
    assert_eq!(position(&buffer, 0), 7);
    assert_eq!(buffer.waiting, 0);
    fetch(&mut buffer, 0, [7]);
    assert_eq!(taken(&buffer.take(9)), [(0, 7)]);
    assert!(!buffer.seek(&queue(1), QueueOffset(7)), "not assigned");
}

#[test]
fn a_jump_back_drops_what_was_fetched_and_a_jump_forward_keeps_it() {
    let mut buffer = assigned([0]);
    fetch(&mut buffer, 0, [3, 4]);
    let on = ticket(&buffer, 0);

    assert!(buffer.jump(&queue(0), on, QueueOffset(20)));
    assert_eq!(ticket(&buffer, 0).from, QueueOffset(20));
    assert_eq!(taken(&buffer.take(1)), [(0, 3)]);

    let back = ticket(&buffer, 0);
    assert!(buffer.jump(&queue(0), back, QueueOffset(1)));
    assert!(buffer.take(1).is_empty());
    assert_eq!(position(&buffer, 0), 1);
    assert!(
        !buffer.jump(&queue(0), back, QueueOffset(5)),
        "an old ticket"
    );
}

#[test]
fn a_paused_queue_is_neither_fetched_from_nor_handed_over() {
    let mut buffer = assigned([0, 1]);
    fetch(&mut buffer, 0, [0]);
    fetch(&mut buffer, 1, [0]);

    buffer.pause(&queue(0));
    assert_eq!(turn(&buffer, 0), FetchTurn::Wait);
    assert_eq!(taken(&buffer.take(9)), [(1, 0)]);

    buffer.resume(&queue(0));
    buffer.resume(&queue(0));
    assert!(matches!(turn(&buffer, 0), FetchTurn::Now(_)));
    assert_eq!(taken(&buffer.take(9)), [(0, 0)]);
}

#[test]
fn fetching_pauses_at_each_limit() {
    let mut buffer = assigned([0]);
    fetch(&mut buffer, 0, 0..4);
    assert!(matches!(turn(&buffer, 0), FetchTurn::Now(_)));
    fetch(&mut buffer, 0, [4]);
    assert_eq!(turn(&buffer, 0), FetchTurn::Wait, "messages of the queue");
    let handed_over = buffer.take(5);
    assert_eq!(turn(&buffer, 0), FetchTurn::Wait, "unfinished ones count");
    assert!(buffer.finish(&handed_over[4].1));
    assert!(matches!(turn(&buffer, 0), FetchTurn::Now(_)));

    let mut buffer = assigned([0]);
    let large = vec![sized(0, 101)];
    buffer.put(&queue(0), ticket(&buffer, 0), large, QueueOffset(1));
    assert_eq!(turn(&buffer, 0), FetchTurn::Wait, "bytes");
    let _taken = buffer.take(1);
    assert!(matches!(turn(&buffer, 0), FetchTurn::Now(_)));
    buffer.put(&queue(0), ticket(&buffer, 0), Vec::new(), QueueOffset(11));
    assert_eq!(turn(&buffer, 0), FetchTurn::Wait, "span");

    let mut buffer = assigned([0, 1, 2]);
    fetch(&mut buffer, 0, 0..4);
    fetch(&mut buffer, 1, 0..3);
    assert_eq!(turn(&buffer, 2), FetchTurn::Wait, "messages of all queues");
}

#[test]
fn a_queue_that_is_assigned_anew_has_nothing_of_before() {
    let mut buffer = assigned([0]);
    let first = buffer.queues[&queue(0)].assigned;
    fetch(&mut buffer, 0, [0, 1]);
    let handed_over = buffer.take(1);
    assert_eq!(buffer.assign(queue(0), QueueOffset(5)), None, "twice");

    assert_eq!(buffer.release(&queue(0)), Some(QueueOffset(0)));
    assert_eq!(buffer.release(&queue(0)), None);
    buffer.assign(queue(0), QueueOffset(5)).unwrap();

    assert_eq!(buffer.turn(&queue(0), first, LIMITS), FetchTurn::Gone);
    assert!(!buffer.finish(&handed_over[0].1));
    assert!(buffer.take(9).is_empty());
    assert_eq!(position(&buffer, 0), 5);
}
