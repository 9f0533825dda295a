//! Every request that the broker answers, one row each; a code without a row is answered with 3.

use crate::broker::parts::Parts;
use crate::broker::processors::admin;
use crate::broker::processors::clients::Clients;
use crate::broker::processors::locking::LockProcessor;
use crate::broker::processors::positions::OffsetProcessor;
use crate::broker::processors::pull::PullProcessor;
use crate::broker::processors::send::{
    RecallProcessor, ReplyProcessor, SendBackProcessor, SendProcessor,
};
use crate::broker::processors::transactions::EndTransactionProcessor;
use crate::remoting::Router;
use crate::wire::header::{
    CheckClientConfig, ConsumerSendMsgBack, EndTransaction, GetConsumerListByGroup,
    GetEarliestMsgStoreTime, GetMaxOffset, GetMinOffset, HeartBeat, LitePullMessage, LockBatchMq,
    PullMessage, QueryConsumerOffset, RecallMessage, ResumeCheckHalfMessage,
    SearchOffsetByTimestamp, SendBatchMessage, SendMessage, SendMessageV1, SendReplyMessage,
    SendReplyMessageV1, UnlockBatchMq, UnregisterClient, UpdateConsumerOffset,
};

pub(in crate::broker) fn routes(parts: &Parts) -> Router {
    let send = SendProcessor::new(parts);
    let replies = ReplyProcessor::new(parts, &send);
    let pull = PullProcessor::new(parts);
    let clients = Clients::new(parts);
    let positions = OffsetProcessor::new(parts);
    let locks = LockProcessor::new(parts);
    let transactions = EndTransactionProcessor::new(parts);
    Router::default()
        .counting(&parts.unanswered)
        .on::<SendMessageV1>(send.clone())
        .on::<SendMessage>(send.clone())
        .on::<SendBatchMessage>(send)
        .on::<SendReplyMessageV1>(replies.clone())
        .on::<SendReplyMessage>(replies)
        .on::<ConsumerSendMsgBack>(SendBackProcessor::new(parts))
        .on::<RecallMessage>(RecallProcessor::new(parts))
        .on::<EndTransaction>(transactions.clone())
        .on::<ResumeCheckHalfMessage>(transactions)
        .on::<PullMessage>(pull.clone())
        .on::<LitePullMessage>(pull)
        .on::<HeartBeat>(clients.clone())
        .on::<UnregisterClient>(clients.clone())
        .on::<GetConsumerListByGroup>(clients.clone())
        .on::<CheckClientConfig>(clients)
        .on::<QueryConsumerOffset>(positions.clone())
        .on::<UpdateConsumerOffset>(positions.clone())
        .on::<GetMaxOffset>(positions.clone())
        .on::<GetMinOffset>(positions.clone())
        .on::<SearchOffsetByTimestamp>(positions.clone())
        .on::<GetEarliestMsgStoreTime>(positions)
        .on::<LockBatchMq>(locks.clone())
        .on::<UnlockBatchMq>(locks)
        .merge(admin::routes(parts))
}
