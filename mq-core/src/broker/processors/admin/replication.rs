//! 907, 908, 2003 and 2004: what a broker without slaves, whose reads of old messages are not limited,
//! says of both.

use std::sync::Arc;

use crate::broker::parts::Parts;
use crate::remoting::{Incoming, Processor, Unanswered};
use crate::store::MessageStore;
use crate::wire::body::{ColdDataFlow, HaRuntimeInfo};
use crate::wire::header::{
    GetBrokerHaStatus, GetColdDataFlowCtrInfo, ResetMasterFlushOffset, SetCommitLogReadMode,
};
use crate::wire::{NoFields, Refusal, Reply, RequestCode, ResponseCode, fastjson};

/// Reads files ahead (`MADV_NORMAL`).
const READ_AHEAD: i32 = 0;
/// Does not (`MADV_RANDOM`).
const NO_READ_AHEAD: i32 = 1;

/// Answers requests about replication and the reading of old messages.
#[derive(Clone, Debug)]
pub(super) struct SingleMaster {
    store: MessageStore,
    unanswered: Arc<Unanswered>,
}

impl SingleMaster {
    pub(super) fn new(parts: &Parts) -> Self {
        Self {
            store: parts.store.clone(),
            unanswered: Arc::clone(&parts.unanswered),
        }
    }
}

impl Processor<GetBrokerHaStatus> for SingleMaster {
    async fn process(
        &self,
        _request: Incoming<GetBrokerHaStatus>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let body = HaRuntimeInfo {
            master: true,
            master_commit_log_max_offset: self.store.end().to_wire(),
            ..HaRuntimeInfo::default()
        };
        Ok(Reply::ok(NoFields).with_body(fastjson::write(&body)))
    }
}

impl Processor<ResetMasterFlushOffset> for SingleMaster {
    /// A master has no master: nothing changes.
    async fn process(
        &self,
        _request: Incoming<ResetMasterFlushOffset>,
    ) -> Result<Reply<NoFields>, Refusal> {
        Ok(Reply::ok(NoFields))
    }
}

impl Processor<GetColdDataFlowCtrInfo> for SingleMaster {
    async fn process(
        &self,
        _request: Incoming<GetColdDataFlowCtrInfo>,
    ) -> Result<Reply<NoFields>, Refusal> {
        Ok(Reply::ok(NoFields).with_body(fastjson::write(&ColdDataFlow::default())))
    }
}

impl Processor<SetCommitLogReadMode> for SingleMaster {
    async fn process(
        &self,
        request: Incoming<SetCommitLogReadMode>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let mode = request.header.mode.as_deref().map(str::parse);
        match mode {
            Some(Ok(READ_AHEAD)) => {
                let remark = format!("set commitlog readahead mode success, mode: {READ_AHEAD}");
                Ok(Reply::ok(NoFields).with_remark(remark))
            }
            Some(Ok(NO_READ_AHEAD)) => {
                let code = RequestCode::SET_COMMITLOG_READ_MODE;
                self.unanswered.note(code, &request.peer);
                Err(Refusal::new(
                    ResponseCode::REQUEST_CODE_NOT_SUPPORTED,
                    "the files of the commit log are always read ahead",
                ))
            }
            Some(Ok(_)) => Err(Refusal::new(
                ResponseCode::INVALID_PARAMETER,
                "set commitlog readahead mode param value error",
            )),
            Some(Err(_)) => Err(Refusal::system("set commitlog readahead mode failed")),
            None => Err(Refusal::system("set commitlog readahead mode param error")),
        }
    }
}
