//! 401 and 402: whether groups pull or pop.

use mq_macros::Header;

use crate::wire::code::RequestCode;
use crate::wire::request::{NoFields, Request};

/// 401: pull or pop for a group; the body is a [`RequestMode`](crate::wire::body::RequestMode).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Header)]
pub struct SetMessageRequestMode;

impl Request for SetMessageRequestMode {
    const CODE: RequestCode = RequestCode::SET_MESSAGE_REQUEST_MODE;
    type Reply = NoFields;
}

/// 402: which groups pull and which pop. The body of the answer is a
/// [`RequestModes`](crate::wire::body::RequestModes).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Header)]
pub struct GetAllMessageRequestMode;

impl Request for GetAllMessageRequestMode {
    const CODE: RequestCode = RequestCode::GET_ALL_MESSAGE_REQUEST_MODE;
    type Reply = NoFields;
}
