//! 25, 318, 2003 and 2004: settings of running servers.

use bytestring::ByteString;
use mq_macros::Header;

use crate::wire::code::RequestCode;
use crate::wire::request::{NoFields, Request};

/// 25: change settings of a broker; the body is a text of Java properties.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Header)]
pub struct UpdateBrokerConfig;

impl Request for UpdateBrokerConfig {
    const CODE: RequestCode = RequestCode::UPDATE_BROKER_CONFIG;
    type Reply = NoFields;
}

/// 318: change settings of a name server; the body is a text of Java properties.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Header)]
pub struct UpdateNamesrvConfig;

impl Request for UpdateNamesrvConfig {
    const CODE: RequestCode = RequestCode::UPDATE_NAMESRV_CONFIG;
    type Reply = NoFields;
}

/// 2003: limits of reading old messages. The body of the answer is a
/// [`ColdDataFlow`](crate::wire::body::ColdDataFlow).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Header)]
pub struct GetColdDataFlowCtrInfo;

impl Request for GetColdDataFlowCtrInfo {
    const CODE: RequestCode = RequestCode::GET_COLD_DATA_FLOW_CTR_INFO;
    type Reply = NoFields;
}

/// 2004: whether files of the commit log are read ahead.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct SetCommitLogReadMode {
    /// 0 for reading ahead, 1 for not, as `madvise` numbers them.
    #[header(name = "READ_AHEAD_MODE")]
    pub mode: Option<ByteString>,
}

impl Request for SetCommitLogReadMode {
    const CODE: RequestCode = RequestCode::SET_COMMITLOG_READ_MODE;
    type Reply = NoFields;
}
