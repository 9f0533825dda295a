//! 401 and 402: whether groups pull or pop (`QueryAssignmentProcessor.setMessageRequestMode`).
//!
//! Groups always pull. That an administrator asks for it is answered with success; popping is refused.

use std::sync::Arc;

use crate::broker::admit::Admit;
use crate::broker::parts::Parts;
use crate::excerpt::excerpt;
use crate::message::TopicName;
use crate::remoting::{Incoming, Processor, Unanswered};
use crate::wire::body::{RequestMode, RequestModes};
use crate::wire::header::{GetAllMessageRequestMode, SetMessageRequestMode};
use crate::wire::{NoFields, Refusal, Reply, RequestCode, ResponseCode, fastjson};

/// Answers requests about request modes.
#[derive(Clone, Debug)]
pub(super) struct RequestModeAdmin {
    admit: Admit,
    unanswered: Arc<Unanswered>,
}

impl RequestModeAdmin {
    pub(super) fn new(parts: &Parts) -> Self {
        Self {
            admit: parts.admit.clone(),
            unanswered: Arc::clone(&parts.unanswered),
        }
    }
}

impl Processor<SetMessageRequestMode> for RequestModeAdmin {
    async fn process(
        &self,
        request: Incoming<SetMessageRequestMode>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let mode: RequestMode = fastjson::read(&request.body)?;
        let topic = &mode.topic;
        if TopicName::new(topic.clone()).is_ok_and(|name| name.is_retry()) {
            let remark = "retry topic is not allowed to set mode";
            return Err(Refusal::new(ResponseCode::NO_PERMISSION, remark));
        }
        if self.admit.topics.find(topic).is_none() {
            let remark = format!("topic[{topic}] not exist");
            return Err(Refusal::new(ResponseCode::TOPIC_NOT_EXIST, remark));
        }
        if self.admit.groups.find(&mode.consumer_group).is_none() {
            let remark = "subscription group does not exist";
            let code = ResponseCode::SUBSCRIPTION_GROUP_NOT_EXIST;
            return Err(Refusal::new(code, remark));
        }
        if mode.mode == "PULL" {
            return Ok(Reply::ok(NoFields));
        }
        let code = RequestCode::SET_MESSAGE_REQUEST_MODE;
        self.unanswered.note(code, &request.peer);
        let remark = format!(
            "the mode {} is not supported: groups of this broker always pull",
            excerpt(&mode.mode)
        );
        let code = ResponseCode::REQUEST_CODE_NOT_SUPPORTED;
        Err(Refusal::new(code, remark))
    }
}

impl Processor<GetAllMessageRequestMode> for RequestModeAdmin {
    async fn process(
        &self,
        _request: Incoming<GetAllMessageRequestMode>,
    ) -> Result<Reply<NoFields>, Refusal> {
        Ok(Reply::ok(NoFields).with_body(fastjson::write(&RequestModes::default())))
    }
}
