//! Names of topics and groups, and the expressions of selectors, in settings: by the rules of attributes.

use mq_core::message::subscription::SelectorType;
use mq_core::message::{GroupName, TopicName};
use mq_rules::names;

pub(super) fn group(name: &str) -> Result<GroupName, String> {
    names::group(name)?;
    GroupName::new(name.to_owned()).map_err(|error| error.to_string())
}

pub(super) fn topic(name: &str) -> Result<TopicName, String> {
    names::topic(name)?;
    TopicName::new(name.to_owned()).map_err(|error| error.to_string())
}

/// The expression, when it is one of the language `selector`.
pub(crate) fn selector_expression(selector: SelectorType, text: &str) -> Result<String, String> {
    match selector {
        SelectorType::Tag => names::selected_tags(text)?,
        _ => names::condition(text)?,
    }
    Ok(text.to_owned())
}
