//! One message as bytes: the layout shared by the commit log, pull responses and pushed messages.
//!
//! A record says its own length first, so that a reader can walk from one to the next. `RECORD.md`
//! beside this file lists the fields.

mod draft;
mod error;
mod layout;
mod view;

pub use draft::{RecordDraft, RecordPosition};
pub use error::RecordError;
pub use layout::{BLANK_SIZE, MAGIC_BLANK, MAGIC_V1, MAGIC_V2, MIN_RECORD_SIZE, checksum};
pub use view::{RecordView, decode_all};

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::message::{Message, PhysicalOffset, QueueOffset, SysFlag, TopicName};

    fn draft(topic: &str, host: &str) -> RecordDraft {
        let mut message = Message::new(TopicName::new(topic.to_owned()).unwrap(), "hello");
        message.properties.set("TAGS", "created");
        message.flag = 7;
        RecordDraft {
            message,
            queue_id: 3,
            sys_flag: SysFlag::default(),
            born_timestamp: 1,
            born_host: host.parse().unwrap(),
            store_host: "127.0.0.1:10911".parse().unwrap(),
            reconsume_times: 2,
            prepared_transaction_offset: 0,
        }
    }

    fn position() -> RecordPosition {
        RecordPosition {
            queue_offset: QueueOffset(5),
            physical_offset: PhysicalOffset(6),
            store_timestamp: 77,
        }
    }

    fn encoded(draft: &RecordDraft) -> Bytes {
        let mut bytes = Vec::new();
        draft.encode(&mut bytes);
        position().write(&mut bytes);
        bytes.into()
    }

    #[test]
    fn what_is_written_is_read_back() {
        let long = format!("%RETRY%{}", "g".repeat(200));
        for (topic, host) in [
            ("t", "1.2.3.4:5"),
            ("t", "[::1]:5"),
            (long.as_str(), "1.2.3.4:5"),
        ] {
            let draft = draft(topic, host);

            let bytes = encoded(&draft);
            let back = decode_all(bytes.clone()).unwrap().remove(0);

            assert_eq!(bytes.len(), draft.size());
            assert_eq!(back.message, draft.message);
            assert_eq!(back.born_host, draft.born_host);
            assert_eq!(back.store_host, draft.store_host);
            assert_eq!(
                (back.queue_offset, back.physical_offset),
                (QueueOffset(5), PhysicalOffset(6))
            );
            assert_eq!((back.queue_id, back.reconsume_times), (3, 2));
            assert_eq!(back.store_timestamp, 77);
        }
    }

    #[test]
    fn a_record_cut_anywhere_is_no_record() {
        let bytes = encoded(&draft("t", "1.2.3.4:5"));

        for end in 0..bytes.len() {
            assert!(RecordView::parse(&bytes[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn a_damaged_body_is_seen() {
        let mut bytes = encoded(&draft("t", "1.2.3.4:5")).to_vec();
        bytes[88] ^= 1;

        let view = RecordView::parse(&bytes).unwrap();

        assert!(matches!(
            view.check_body(),
            Err(RecordError::Checksum { .. })
        ));
    }

    #[test]
    fn lengths_that_do_not_add_up_are_refused() {
        let good = encoded(&draft("t", "1.2.3.4:5"));
        for at in [3, 87, 93] {
            let mut bytes = good.to_vec();
            bytes[at] = bytes[at].wrapping_add(1);
            bytes.extend_from_slice(&[0; 8]);

            assert!(RecordView::parse(&bytes).is_err(), "byte {at}");
        }
    }
}
