//! The names that the topic and the group of a listener may have.

use mq_core::message::{GroupName, TopicName};
use mq_rules::names::{MAX_GROUP_LENGTH, refused_group, refused_topic};

/// The topic a listener reads.
pub(super) fn topic_name(name: &str) -> Result<TopicName, String> {
    let topic = TopicName::new(name).map_err(|error| error.to_string())?;
    refused_topic(name).map_or(Ok(topic), Err)
}

/// The group a listener is in.
pub(super) fn group_name(name: &str) -> Result<GroupName, String> {
    let group = GroupName::new(name).map_err(|error| error.to_string())?;
    if name.len() > MAX_GROUP_LENGTH {
        return Err(format!(
            "the group name has {} characters, at most {MAX_GROUP_LENGTH} are allowed",
            name.len()
        ));
    }
    refused_group(name).map_or(Ok(group), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_that_brokers_close_are_no_listeners() {
        for name in mq_rules::names::RESERVED_TOPICS {
            // The template of new topics alone may be sent to.
            assert_eq!(
                TopicName::new(*name).unwrap().is_closed(),
                *name != "TBW102"
            );
            assert!(topic_name(name).is_err(), "{name}");
        }
    }
}
