//! The list: every request with a typed header, a sample value for each of its fields.
//!
//! Samples are `name=value` under Apache's names; `?` marks a field that may be absent, `~` one
//! that then has its type's default.

use std::fmt::Debug;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::wire::body::{
    BrokerMembers, BrokerStatsData, CheckClientRequestBody, ClusterInfo, ColdDataFlow,
    ConsumeMessageDirectlyResult, ConsumeQueueEntries, ConsumeStats, ConsumeStatsList,
    ConsumeTimeSpans, ConsumerConnection, ConsumerIds, ConsumerRunningInfo, ConsumerStatus,
    CorrectionOffsets, DataVersion, GroupForbidden, GroupList, GroupSubscription, HaRuntimeInfo,
    HeartbeatData, KvTable, LockBatchRequestBody, LockBatchResponseBody, ProducerConnection,
    ProducerTable, RegisterBrokerBody, RequestMode, RequestModes, ResetOffsetBody,
    SubscriptionGroupConfig, SubscriptionGroupList, SubscriptionGroups, TopicConfig,
    TopicConfigList, TopicConfigs, TopicList, TopicRouteData, TopicStatsTable,
};
use crate::wire::fastjson::{self, BodyError};
use crate::wire::header::*;
use crate::wire::{FieldError, Fields, Header, Request, RequestCode, ResponseCode};

/// A request and its answer.
pub(super) struct Case {
    pub(super) code: RequestCode,
    pub(super) accepts: &'static [ResponseCode],
    pub(super) request: Side,
    pub(super) answer: Side,
}

/// One of the two, without its type.
pub(super) struct Side {
    pub(super) samples: &'static str,
    /// Reads the typed header and gives what it writes.
    pub(super) reread: fn(&Fields) -> Result<Fields, FieldError>,
    /// The same with the body, when there is a type for it.
    pub(super) reread_body: Option<BodyReader>,
}

pub(super) type BodyReader = fn(&[u8]) -> Result<Bytes, BodyError>;

impl Side {
    fn of<H: Header + PartialEq + Debug>(samples: &'static str) -> Self {
        Self {
            samples,
            reread: |fields| {
                let header = H::read(fields)?;
                let written = Fields::of(&header);
                assert_eq!(H::read(&written).as_ref(), Ok(&header));
                Ok(written)
            },
            reread_body: None,
        }
    }
}

fn case<R>(request: &'static str, answer: &'static str) -> Case
where
    R: Request + PartialEq + Debug,
    R::Reply: PartialEq + Debug,
{
    Case {
        code: R::CODE,
        accepts: R::ACCEPTS,
        request: Side::of::<R>(request),
        answer: Side::of::<R::Reply>(answer),
    }
}

fn reread_body<B: DeserializeOwned + Serialize>(body: &[u8]) -> Result<Bytes, BodyError> {
    fastjson::read::<B>(body).map(|body| fastjson::write(&body))
}

impl Case {
    fn body<B: DeserializeOwned + Serialize>(mut self) -> Self {
        self.request.reread_body = Some(reread_body::<B>);
        self
    }

    fn answer_body<B: DeserializeOwned + Serialize>(mut self) -> Self {
        self.answer.reread_body = Some(reread_body::<B>);
        self
    }
}

const NONE: &str = "";
const SENT: &str = "msgId=7F queueId=1 queueOffset=2 transactionId?=x batchUniqId?=x \
    recallHandle?=x MSG_REGION?=x TRACE_ON?=true";
const LETTERS: &str = "a=x b=x c=x d=4 e=1 f=0 g=5 h=0 i?=x j?=0 k?=false l?=16 m?=true n?=x";
const LONG: &str = "producerGroup=x topic=x defaultTopic=x defaultTopicQueueNums=4 queueId=1 \
    sysFlag=0 bornTimestamp=5 flag=0 properties?=x reconsumeTimes?=0 unitMode?=false \
    maxReconsumeTimes?=16 batch?=true bname?=x";
const PULL: &str = "consumerGroup=x topic=x queueId=1 queueOffset=2 maxMsgNums=32 sysFlag=3 \
    commitOffset~=0 suspendTimeoutMillis~=15000 subscription?=* subVersion~=3 \
    expressionType?=TAG maxMsgBytes?=9 bname?=x";
const PULLED: &str = "suggestWhichBrokerId=0 nextBeginOffset=2 minOffset=0 maxOffset=9 \
    offsetDelta?=1 topicSysFlag?=0 groupSysFlag?=0 forbiddenType?=1";
const RESET: &str = "topic=x group=x queueId?=-1 offset?=-1 timestamp=-1 isForce~=true";
const BROKER: &str = "brokerName=x brokerAddr=x clusterName=x brokerId=0";

/// Every request with a typed header.
pub(super) fn all() -> Vec<Case> {
    let parts = [of_messages(), of_topics_and_groups(), of_administration()];
    parts.into_iter().flatten().collect()
}

#[rustfmt::skip]
fn of_messages() -> Vec<Case> {
    vec![
        case::<SendMessageV1>(LONG, SENT),
        case::<PullMessage>(PULL, PULLED),
        case::<QueryMessage>(
            "topic=x key=x maxNum=32 beginTimestamp=0 endTimestamp=9 _UNIQUE_KEY_QUERY?=true",
            "indexLastUpdateTimestamp=5 indexLastUpdatePhyoffset=6",
        ),
        case::<QueryConsumerOffset>("consumerGroup=x topic=x queueId=1 setZeroIfNotFound?=false", "offset=7"),
        case::<UpdateConsumerOffset>("consumerGroup=x topic=x queueId?=1 commitOffset?=2", NONE),
        case::<UpdateAndCreateTopic>(
            "topic=x defaultTopic~=x readQueueNums=4 writeQueueNums=4 perm=6 \
             topicFilterType?=SINGLE_TAG topicSysFlag?=0 order~=false attributes?=+a=b force?=true",
            NONE,
        ),
        case::<GetAllTopicConfig>("topicSeq?=0 maxTopicNum?=9 dataVersion?={}", "totalTopicNum?=5")
            .answer_body::<TopicConfigs>(),
        case::<GetBrokerRuntimeInfo>(NONE, NONE).answer_body::<KvTable>(),
        case::<SearchOffsetByTimestamp>("topic=x queueId=1 timestamp=5 boundaryType~=UPPER", "offset=7"),
        case::<GetMaxOffset>("topic=x queueId=1 committed?=true", "offset=7"),
        case::<GetMinOffset>("topic=x queueId=1", "offset=7"),
        case::<GetEarliestMsgStoreTime>("topic=x queueId=1", "timestamp=-1"),
        case::<ViewMessageById>("offset=9 topic?=x", NONE),
        case::<HeartBeat>(NONE, "IS_SUPPORT_HEART_BEAT_V2?=true IS_SUB_CHANGE?=true")
            .body::<HeartbeatData>(),
        case::<UnregisterClient>("clientID~=x producerGroup?=x consumerGroup?=x", NONE),
        case::<ConsumerSendMsgBack>(
            "offset=9 group=x delayLevel=0 originMsgId?=x originTopic?=x unitMode?=false \
             maxReconsumeTimes?=16",
            NONE,
        ),
        case::<EndTransaction>(
            "topic?=x producerGroup=x tranStateTableOffset=1 commitLogOffset=2 commitOrRollback=8 \
             fromTransactionCheck?=true msgId?=x transactionId?=x",
            NONE,
        ),
        case::<GetConsumerListByGroup>("consumerGroup=x", NONE).answer_body::<ConsumerIds>(),
        case::<CheckTransactionState>(
            "topic?=x tranStateTableOffset=1 commitLogOffset=2 msgId?=x transactionId?=x \
             offsetMsgId?=x",
            NONE,
        ),
        case::<NotifyConsumerIdsChanged>("consumerGroup=x", NONE),
        case::<LockBatchMq>(NONE, NONE)
            .body::<LockBatchRequestBody>()
            .answer_body::<LockBatchResponseBody>(),
        case::<UnlockBatchMq>(NONE, NONE).body::<LockBatchRequestBody>(),
        case::<CheckClientConfig>(NONE, NONE).body::<CheckClientRequestBody>(),
    ]
}

#[rustfmt::skip]
fn of_topics_and_groups() -> Vec<Case> {
    vec![
        case::<PutKvConfig>("namespace=x key=x value=x", NONE),
        case::<GetKvConfig>("namespace=x key=x", "value?=x"),
        case::<DeleteKvConfig>("namespace=x key=x", NONE),
        case::<RegisterBroker>(
            "brokerName=x brokerAddr=x clusterName=x haServerAddr~=x brokerId=0 \
             heartbeatTimeoutMillis?=9 enableActingMaster?=false compressed~=true bodyCrc32~=5 \
             __ZONE_NAME?=x",
            "haServerAddr?=x masterAddr?=x",
        )
        .body::<RegisterBrokerBody>()
        .answer_body::<KvTable>(),
        case::<UnregisterBroker>(BROKER, NONE),
        case::<GetRouteInfoByTopic>("topic=x acceptStandardJsonOnly?=true", NONE)
            .answer_body::<TopicRouteData>(),
        case::<GetBrokerClusterInfo>(NONE, NONE).answer_body::<ClusterInfo>(),
        case::<UpdateAndCreateSubscriptionGroup>(NONE, NONE).body::<SubscriptionGroupConfig>(),
        case::<GetAllSubscriptionGroupConfig>("groupSeq?=0 maxGroupNum?=9 dataVersion?={}", "totalGroupNum?=5")
            .answer_body::<SubscriptionGroups>(),
        case::<GetTopicStatsInfo>("topic=x", NONE).answer_body::<TopicStatsTable>(),
        case::<GetConsumerConnectionList>("consumerGroup=x", NONE).answer_body::<ConsumerConnection>(),
        case::<GetProducerConnectionList>("producerGroup=x", NONE).answer_body::<ProducerConnection>(),
        case::<WipeWritePermOfBroker>("brokerName=x", "wipeTopicCount=3"),
        case::<GetAllTopicListFromNameserver>(NONE, NONE).answer_body::<TopicList>(),
        case::<DeleteSubscriptionGroup>("groupName=x cleanOffset~=true", NONE),
        case::<GetConsumeStats>("consumerGroup=x topic?=x topicList?=x", NONE).answer_body::<ConsumeStats>(),
        case::<DeleteTopicInBroker>("topic=x", NONE),
        case::<DeleteTopicInNamesrv>("topic=x clusterName?=x", NONE),
        case::<RegisterTopicInNamesrv>("topic=x", NONE).body::<TopicRouteData>(),
        case::<GetKvListByNamespace>("namespace=x", NONE).answer_body::<KvTable>(),
        case::<ResetConsumerClientOffset>(RESET, NONE).body::<ResetOffsetBody>(),
        case::<InvokeBrokerToResetOffset>(RESET, NONE).answer_body::<ResetOffsetBody>(),
        case::<GetTopicsByCluster>("cluster=x", NONE).answer_body::<TopicList>(),
        case::<QueryTopicConsumeByWho>("topic=x", NONE).answer_body::<GroupList>(),
        case::<GetSystemTopicListFromNs>(NONE, NONE).answer_body::<TopicList>(),
        case::<SendMessage>(LETTERS, SENT),
        case::<SendBatchMessage>(LETTERS, SENT),
        case::<QueryDataVersion>(BROKER, "changed=true")
            .body::<DataVersion>()
            .answer_body::<DataVersion>(),
        case::<SendReplyMessageV1>(LONG, SENT),
        case::<SendReplyMessage>(LETTERS, SENT),
        case::<PushReplyMessage>(
            "producerGroup=x topic=x defaultTopic=x defaultTopicQueueNums=4 queueId=1 sysFlag=0 \
             bornTimestamp=5 flag=0 properties?=x reconsumeTimes?=0 unitMode?=false bornHost=x \
             storeHost=x storeTimestamp=6",
            NONE,
        ),
        case::<AddWritePermOfBroker>("brokerName=x", "addTopicCount=3"),
        case::<GetTopicConfig>("topic=x lo?=true", NONE).answer_body::<TopicConfig>(),
        case::<GetSubscriptionGroupConfig>("group=x", NONE).answer_body::<SubscriptionGroupConfig>(),
        case::<LitePullMessage>(PULL, PULLED),
    ]
}

#[rustfmt::skip]
fn of_administration() -> Vec<Case> {
    vec![
        case::<UpdateAndCreateTopicList>(NONE, NONE).body::<TopicConfigList>(),
        case::<UpdateBrokerConfig>(NONE, NONE),
        case::<GetAllConsumerOffset>(NONE, NONE),
        case::<GetAllDelayOffset>(NONE, NONE),
        case::<GetConsumerStatusFromClient>("topic=x group=x clientAddr?=x", NONE)
            .answer_body::<ConsumerStatus>(),
        case::<InvokeBrokerToGetConsumerStatus>("topic=x group=x clientAddr?=x", NONE)
            .answer_body::<ConsumerStatus>(),
        case::<UpdateAndCreateSubscriptionGroupList>(NONE, NONE).body::<SubscriptionGroupList>(),
        case::<QueryConsumeTimeSpan>("topic=x group=x", NONE).answer_body::<ConsumeTimeSpans>(),
        case::<GetSystemTopicListFromBroker>(NONE, NONE).answer_body::<TopicList>(),
        case::<CleanExpiredConsumeQueue>(NONE, NONE),
        case::<GetConsumerRunningInfo>("consumerGroup=x clientId=x jstackEnable~=true", NONE)
            .answer_body::<ConsumerRunningInfo>(),
        case::<QueryCorrectionOffset>("filterGroups?=x compareGroup=x topic=x", NONE)
            .answer_body::<CorrectionOffsets>(),
        case::<ConsumeMessageDirectly>(
            "consumerGroup=x clientId?=x msgId?=x brokerName?=x topic?=x topicSysFlag?=1 \
             groupSysFlag?=1",
            NONE,
        )
        .answer_body::<ConsumeMessageDirectlyResult>(),
        case::<GetUnitTopicList>(NONE, NONE).answer_body::<TopicList>(),
        case::<GetHasUnitSubTopicList>(NONE, NONE).answer_body::<TopicList>(),
        case::<GetHasUnitSubUnunitTopicList>(NONE, NONE).answer_body::<TopicList>(),
        case::<CloneGroupOffset>("srcGroup=x destGroup=x topic?=x offline~=true", NONE),
        case::<ViewBrokerStatsData>("statsName=x statsKey=x", NONE).answer_body::<BrokerStatsData>(),
        case::<CleanUnusedTopic>(NONE, NONE),
        case::<GetBrokerConsumeStats>("isOrder=true", NONE).answer_body::<ConsumeStatsList>(),
        case::<UpdateNamesrvConfig>(NONE, NONE),
        case::<QueryConsumeQueue>(
            "topic?=x queueId~=1 index~=2 count~=3 consumerGroup?=x",
            NONE,
        )
        .answer_body::<ConsumeQueueEntries>(),
        case::<ResumeCheckHalfMessage>("topic?=x msgId?=x", NONE),
        case::<GetAllProducerInfo>(NONE, NONE).answer_body::<ProducerTable>(),
        case::<DeleteExpiredCommitLog>(NONE, NONE),
        case::<QueryTopicsByConsumer>("group=x", NONE).answer_body::<TopicList>(),
        case::<QuerySubscriptionByConsumer>("group=x topic?=x", NONE)
            .answer_body::<GroupSubscription>(),
        case::<UpdateAndGetGroupForbidden>("group=x topic=x readable?=true", NONE)
            .answer_body::<GroupForbidden>(),
        case::<SetMessageRequestMode>(NONE, NONE).body::<RequestMode>(),
        case::<GetAllMessageRequestMode>(NONE, NONE).answer_body::<RequestModes>(),
        case::<GetBrokerMemberGroup>("clusterName=x brokerName=x", NONE)
            .answer_body::<BrokerMembers>(),
        case::<BrokerHeartbeat>("clusterName=x brokerAddr=x brokerName=x", NONE),
        case::<GetBrokerHaStatus>(NONE, NONE).answer_body::<HaRuntimeInfo>(),
        case::<ResetMasterFlushOffset>("masterFlushOffset?=7", NONE),
        case::<GetColdDataFlowCtrInfo>(NONE, NONE).answer_body::<ColdDataFlow>(),
        case::<SetCommitLogReadMode>("READ_AHEAD_MODE?=x", NONE),
    ]
}
