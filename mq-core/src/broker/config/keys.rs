//! Every key of Apache's `BrokerConfig`, `MessageStoreConfig` and `NettyServerConfig`, as data.
//!
//! Invariant: a key is here with Apache's default and what setting it does; what is not here is
//! unknown.

use crate::settings::{KeyEffect, SettingKey};

use KeyEffect::{Harmless, Refused, Works};

const TASKS: KeyEffect = Harmless("connections are tasks, there are no thread pools");
const QUEUES: KeyEffect =
    Harmless("there are no request queues, a connection that is behind waits");
const LOG_SYNC: KeyEffect = Harmless("SYNC_FLUSH syncs at once, ASYNC_FLUSH every 200 ms or 4 MiB");
const QUEUE_SYNC: KeyEffect = Harmless("consume queues are derived, they follow the checkpoint");
const MAPPED: KeyEffect = Harmless("segments are not mapped as a whole");
const LIMITS: KeyEffect = Harmless("this limit stays at its default");
const REMOTING: KeyEffect = Harmless("the remoting has its own timings");
const POP: KeyEffect = Harmless("pop consumption is not built yet");
const TRANSACTIONS: KeyEffect = Harmless("transactional messages are not built yet");
const TIMER: KeyEffect = Harmless("timer messages are not built yet");
const REPLICATION: KeyEffect = Harmless("replication is not built yet");
const SQL: KeyEffect = Harmless("SQL92 filters are not built yet");
const STATISTICS: KeyEffect = Harmless("statistics are kept in one way only");
const ADDRESSES: KeyEffect = Harmless("name servers are those of `namesrvAddr`");
const FULL: KeyEffect = Harmless("every registration carries all topics");

const NO_REPLICA: KeyEffect = Refused("replication is not built yet, only a single ASYNC_MASTER");
const NO_LOOKUP: KeyEffect = Refused("looking up name servers is not built yet, set `namesrvAddr`");
const NO_SQL: KeyEffect = Refused("SQL92 filters are not built yet");
const NO_ACL: KeyEffect =
    Refused("access control is not built yet: anybody who reaches the port may read and write");
const NO_LMQ: KeyEffect = Refused("light message queues are not built yet");
const NO_TRACE: KeyEffect = Refused("the trace topic is not built yet");
const NO_STORE: KeyEffect = Refused("only Apache's file store is built");
const NO_POOL: KeyEffect = Refused("there is no pool of off-heap buffers, writes go to the log");

const fn key(name: &'static str, default: &'static str, effect: KeyEffect) -> SettingKey {
    SettingKey {
        name,
        default,
        effect,
        also: &[],
    }
}

const fn spelled(key: SettingKey, also: &'static [(&'static str, &'static str)]) -> SettingKey {
    SettingKey { also, ..key }
}

/// The default of `brokerName`; a program that knows its host lays the host's name over it.
const BROKER_NAME: &str = "mq";

pub(super) const KEYS: &[SettingKey] = &[
    // Who it is.
    key("brokerClusterName", "DefaultCluster", Works),
    key("brokerName", BROKER_NAME, Works),
    key(
        "brokerId",
        "0",
        Refused("slaves are not built yet, only the master with brokerId=0"),
    ),
    key("brokerRole", "ASYNC_MASTER", NO_REPLICA),
    key("brokerPermission", "6", Works),
    key("regionId", "DefaultRegion", Harmless("there is one region")),
    key(
        "rocketmqHome",
        "",
        Harmless("there is no installation directory"),
    ),
    key(
        "brokerConfigPath",
        "",
        Harmless("the file is the one given by `-c`"),
    ),
    key(
        "configBlackList",
        "configBlackList;brokerConfigPath",
        Harmless("no key changes while it runs"),
    ),
    // Where it is reached, and whom it tells.
    spelled(
        key("bindAddress", "0.0.0.0", Works),
        &[(
            "listenIp",
            "is no key of Apache's, which ignores it; taken as `bindAddress`",
        )],
    ),
    key("listenPort", "10911", Works),
    key("brokerIP1", "", Works),
    key("brokerIP2", "", REPLICATION),
    key("namesrvAddr", "", Works),
    key("registerNameServerPeriod", "30000", Works),
    key("registerBrokerTimeoutMills", "24000", REMOTING),
    key("brokerHeartbeatInterval", "1000", REPLICATION),
    key("brokerNotActiveTimeoutMillis", "10000", REPLICATION),
    key("forceRegister", "true", FULL),
    key("compressedRegister", "false", FULL),
    key("enableSingleTopicRegister", "false", FULL),
    key("enableSplitRegistration", "false", FULL),
    key("splitRegistrationSize", "800", FULL),
    key("enableSplitMetadata", "true", FULL),
    key("splitMetadataSize", "2000", FULL),
    key("updateNameServerAddrPeriod", "120000", ADDRESSES),
    key("fetchNamesrvAddrByAddressServer", "false", NO_LOOKUP),
    key("fetchNameSrvAddrByDnsLookup", "false", NO_LOOKUP),
    key("channelExpiredTimeout", "120000", REMOTING),
    key("serverChannelMaxIdleTimeSeconds", "120", REMOTING),
    key("clientChannelMaxIdleTimeSeconds", "120", REMOTING),
    key("connectTimeoutMillis", "3000", REMOTING),
    key("serverWorkerThreads", "8", TASKS),
    key("serverSelectorThreads", "3", TASKS),
    key("serverCallbackExecutorThreads", "0", TASKS),
    key("serverOnewaySemaphoreValue", "256", QUEUES),
    key("serverAsyncSemaphoreValue", "64", QUEUES),
    key("serverSocketSndBufSize", "0", REMOTING),
    key("serverSocketRcvBufSize", "0", REMOTING),
    key("serverSocketBacklog", "1024", REMOTING),
    key("serverPooledByteBufAllocatorEnable", "true", REMOTING),
    key("useEpollNativeSelector", "false", REMOTING),
    key("tlsEnable", "false", Refused("TLS is not built yet")),
    // Topics, groups, messages.
    key("defaultTopicQueueNums", "8", Works),
    key("autoCreateTopicEnable", "true", Works),
    key("autoCreateSubscriptionGroup", "true", Works),
    key(
        "clusterTopicEnable",
        "true",
        Harmless("the topic named like the cluster always exists"),
    ),
    key(
        "brokerTopicEnable",
        "true",
        Harmless("the topic named like the broker always exists"),
    ),
    key("traceTopicEnable", "false", NO_TRACE),
    key(
        "msgTraceTopicName",
        "RMQ_SYS_TRACE_TOPIC",
        Harmless("the trace topic is not built yet"),
    ),
    key(
        "traceOn",
        "true",
        Harmless("the trace topic is not built yet"),
    ),
    key("maxMessageSize", "4194304", Works),
    key(
        "messageDelayLevel",
        "1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h",
        Works,
    ),
    key("flushDelayOffsetInterval", "10000", QUEUE_SYNC),
    key("enableScheduleAsyncDeliver", "false", TIMER),
    key(
        "validateSystemTopicWhenUpdateTopic",
        "true",
        Harmless("system topics are never changed"),
    ),
    key(
        "clearRetryTopicWhenDeleteTopic",
        "true",
        Harmless("retry topics stay until they are deleted by name"),
    ),
    key(
        "enableMixedMessageType",
        "false",
        Harmless("message types are not checked"),
    ),
    key(
        "autoMessageVersionOnTopicLen",
        "true",
        Harmless("the version always follows the topic's length"),
    ),
    key("aclEnable", "false", NO_ACL),
    key("authenticationEnabled", "false", NO_ACL),
    key("authorizationEnabled", "false", NO_ACL),
    // Consumers.
    key("longPollingEnable", "true", Harmless("pulls always wait")),
    key(
        "shortPollingTimeMills",
        "1000",
        Harmless("pulls always wait"),
    ),
    key(
        "notifyConsumerIdsChangedEnable",
        "true",
        Harmless("consumers are always told"),
    ),
    key(
        "realTimeNotifyConsumerChange",
        "true",
        Harmless("consumers are told at once"),
    ),
    key("flushConsumerOffsetInterval", "5000", Works),
    key(
        "flushConsumerOffsetHistoryInterval",
        "60000",
        Harmless("no history of offsets is kept"),
    ),
    key(
        "subscriptionExpiredTimeout",
        "600000",
        Harmless("a subscription goes with its connection"),
    ),
    key(
        "useServerSideResetOffset",
        "true",
        Harmless("offsets are reset at the broker"),
    ),
    key(
        "disableConsumeIfConsumerReadSlowly",
        "false",
        Refused("slow groups are not stopped"),
    ),
    key(
        "consumerFallbehindThreshold",
        "17179869184",
        Harmless("slow groups are not stopped"),
    ),
    key("slaveReadEnable", "false", NO_REPLICA),
    key(
        "transferMsgByHeap",
        "true",
        Harmless("answers are slices of the log"),
    ),
    key(
        "litePullMessageEnable",
        "true",
        Harmless("lite pulls are always answered"),
    ),
    key(
        "rejectPullConsumerEnable",
        "false",
        Refused("pull consumers are always served"),
    ),
    key("enablePropertyFilter", "false", NO_SQL),
    key("filterSupportRetry", "false", SQL),
    key("enableCalcFilterBitMap", "false", SQL),
    key("expectConsumerNumUseFilter", "32", SQL),
    key("maxErrorRateOfBloomFilter", "20", SQL),
    key("filterDataCleanTimeSpan", "86400000", SQL),
    key("enableConsumeQueueExt", "false", NO_SQL),
    key("bitMapLengthConsumeQueueExt", "64", SQL),
    key("reviveQueueNum", "8", POP),
    key("popPollingSize", "1024", POP),
    key("maxPopPollingSize", "100000", POP),
    key("popFromRetryProbability", "20", POP),
    key("enableRetryTopicV2", "false", POP),
    key("serverLoadBalancerEnable", "true", POP),
    key("defaultMessageRequestMode", "PULL", POP),
    key("defaultPopShareQueueNum", "-1", POP),
    key(
        "lockInStrictMode",
        "false",
        Harmless("locks expire after 60 s"),
    ),
    // Transactions and timers.
    spelled(
        key("transactionTimeOut", "6000", TRANSACTIONS),
        &[("transactionTimeout", "")],
    ),
    key("transactionCheckMax", "15", TRANSACTIONS),
    key("transactionCheckInterval", "30000", TRANSACTIONS),
    key("transactionOpMsgMaxSize", "4096", TRANSACTIONS),
    key("transactionOpBatchInterval", "3000", TRANSACTIONS),
    key("rejectTransactionMessage", "false", TRANSACTIONS),
    key(
        "storeReplyMessageEnable",
        "true",
        Harmless("request and reply are not built yet"),
    ),
    key("recallMessageEnable", "false", TIMER),
    key("timerWheelEnable", "true", TIMER),
    key("timerPrecisionMs", "1000", TIMER),
    key("timerMaxDelaySec", "259200", TIMER),
    key("timerRollWindowSlot", "172800", TIMER),
    key("timerFlushIntervalMs", "1000", TIMER),
    key("timerCongestNumEachSlot", "2147483647", TIMER),
    // Where messages rest.
    key("storePathRootDir", "./data", Works),
    key("storePathCommitLog", "", Works),
    key(
        "storePathConsumeQueue",
        "",
        Refused("consume queues lie in `consumequeue` below `storePathRootDir`"),
    ),
    key(
        "storePathIndex",
        "",
        Refused("the index lies in `index` below `storePathRootDir`"),
    ),
    key(
        "storeCheckpoint",
        "",
        Refused("the checkpoint lies in `storePathRootDir`"),
    ),
    key(
        "abortFile",
        "",
        Refused("the file `abort` lies in `storePathRootDir`"),
    ),
    key("storeType", "default", NO_STORE),
    spelled(
        key("mappedFileSizeCommitLog", "1073741824", Works),
        &[("mapedFileSizeCommitLog", "")],
    ),
    spelled(
        key("mappedFileSizeConsumeQueue", "6000000", Works),
        &[("mapedFileSizeConsumeQueue", "")],
    ),
    key("flushDiskType", "SYNC_FLUSH", Works),
    key("flushIntervalCommitLog", "500", LOG_SYNC),
    key("flushCommitLogTimed", "true", LOG_SYNC),
    key("flushCommitLogLeastPages", "4", LOG_SYNC),
    key("flushCommitLogThoroughInterval", "10000", LOG_SYNC),
    key("commitIntervalCommitLog", "200", LOG_SYNC),
    key("commitCommitLogLeastPages", "4", LOG_SYNC),
    key("commitCommitLogThoroughInterval", "200", LOG_SYNC),
    key("syncFlushTimeout", "5000", LOG_SYNC),
    key("putMessageTimeout", "8000", LOG_SYNC),
    key("flushIntervalConsumeQueue", "1000", QUEUE_SYNC),
    key("flushConsumeQueueLeastPages", "2", QUEUE_SYNC),
    key("flushConsumeQueueThoroughInterval", "60000", QUEUE_SYNC),
    key("deleteWhen", "04", Works),
    key("fileReservedTime", "72", Works),
    key("diskMaxUsedSpaceRatio", "75", Works),
    key("diskSpaceCleanForciblyRatio", "85", Works),
    key("diskSpaceWarningLevelRatio", "90", Works),
    key("cleanFileForciblyEnable", "true", Works),
    key(
        "cleanResourceInterval",
        "10000",
        Harmless("retention looks every 10 s"),
    ),
    key(
        "deleteFileBatchMax",
        "10",
        Harmless("a run deletes all that has expired"),
    ),
    key(
        "deleteCommitLogFilesInterval",
        "100",
        Harmless("a run deletes all that has expired"),
    ),
    key(
        "deleteConsumeQueueFilesInterval",
        "100",
        Harmless("a run deletes all that has expired"),
    ),
    key("destroyMapedFileIntervalForcibly", "120000", MAPPED),
    key("redeleteHangedFileInterval", "120000", MAPPED),
    key("warmMapedFileEnable", "false", MAPPED),
    key("flushLeastPagesWhenWarmMapedFile", "4096", MAPPED),
    key(
        "useReentrantLockWhenPutMessage",
        "true",
        Harmless("there is one short lock"),
    ),
    key(
        "topicQueueLockNum",
        "32",
        Harmless("there is one short lock"),
    ),
    key("transientStorePoolEnable", "false", NO_POOL),
    key("transientStorePoolSize", "5", MAPPED),
    key("fastFailIfNoBufferInStorePool", "false", MAPPED),
    key("osPageCacheBusyTimeOutMills", "1000", QUEUES),
    key("messageIndexEnable", "true", Works),
    key(
        "messageIndexSafe",
        "false",
        Harmless("what was indexed is found again after a crash"),
    ),
    key(
        "maxHashSlotNum",
        "5000000",
        Harmless("index files have Apache's size"),
    ),
    key(
        "maxIndexNum",
        "20000000",
        Harmless("index files have Apache's size"),
    ),
    key(
        "checkCRCOnRecover",
        "true",
        Harmless("recovery always checks"),
    ),
    key(
        "enabledAppendPropCRC",
        "false",
        Harmless("records carry the checksum of their body"),
    ),
    key(
        "maxRecoveryCommitlogFiles",
        "30",
        Harmless("recovery starts at the checkpoint"),
    ),
    key("maxFilterMessageSize", "16000", LIMITS),
    key("maxTransferBytesOnMessageInMemory", "262144", Works),
    key("maxTransferCountOnMessageInMemory", "32", Works),
    key("maxTransferBytesOnMessageInDisk", "65536", Works),
    key("maxTransferCountOnMessageInDisk", "8", Works),
    key("accessMessageInMemoryMaxRatio", "40", Works),
    key("pullBatchMaxMessageCount", "160", LIMITS),
    key("travelCqFileNumWhenGetMessage", "1", LIMITS),
    key("defaultQueryMaxNum", "32", LIMITS),
    key("maxMsgsNumBatch", "64", LIMITS),
    key("enableLmq", "false", NO_LMQ),
    key("enableMultiDispatch", "false", NO_LMQ),
    key(
        "maxLmqConsumeQueueNum",
        "20000",
        Harmless("light message queues are not built yet"),
    ),
    key(
        "enableCompaction",
        "true",
        Harmless("compacted topics are not built yet"),
    ),
    // More than one machine.
    key("haListenPort", "10912", REPLICATION),
    key("haSendHeartbeatInterval", "5000", REPLICATION),
    key("haHousekeepingInterval", "20000", REPLICATION),
    key("haTransferBatchSize", "32768", REPLICATION),
    key("haMaxGapNotInSync", "268435456", REPLICATION),
    key("haMasterAddress", "", NO_REPLICA),
    key("haSlaveFallbehindMax", "268435456", REPLICATION),
    key("slaveTimeout", "3000", REPLICATION),
    key("offsetCheckInSlave", "false", REPLICATION),
    key("totalReplicas", "1", NO_REPLICA),
    key("inSyncReplicas", "1", NO_REPLICA),
    key("minInSyncReplicas", "1", NO_REPLICA),
    key("duplicationEnable", "false", NO_REPLICA),
    key("enableSlaveActingMaster", "false", NO_REPLICA),
    key("enableControllerMode", "false", NO_REPLICA),
    key("enableDLegerCommitLog", "false", NO_REPLICA),
    // How busy it may be.
    key("sendMessageThreadPoolNums", "4", TASKS),
    key("pullMessageThreadPoolNums", "16", TASKS),
    key("queryMessageThreadPoolNums", "8", TASKS),
    key("adminBrokerThreadPoolNums", "16", TASKS),
    key("clientManageThreadPoolNums", "32", TASKS),
    key("consumerManageThreadPoolNums", "32", TASKS),
    key("heartbeatThreadPoolNums", "32", TASKS),
    key("endTransactionThreadPoolNums", "8", TASKS),
    key("ackMessageThreadPoolNums", "16", TASKS),
    key("asyncSendEnable", "true", TASKS),
    key("enableFastChannelEventProcess", "false", TASKS),
    key("sendThreadPoolQueueCapacity", "10000", QUEUES),
    key("pullThreadPoolQueueCapacity", "100000", QUEUES),
    key("litePullThreadPoolQueueCapacity", "100000", QUEUES),
    key("replyThreadPoolQueueCapacity", "10000", QUEUES),
    key("queryThreadPoolQueueCapacity", "20000", QUEUES),
    key("heartbeatThreadPoolQueueCapacity", "50000", QUEUES),
    key("endTransactionPoolQueueCapacity", "100000", QUEUES),
    key("clientManagerThreadPoolQueueCapacity", "1000000", QUEUES),
    key("consumerManagerThreadPoolQueueCapacity", "1000000", QUEUES),
    key("adminBrokerThreadPoolQueueCapacity", "10000", QUEUES),
    key("brokerFastFailureEnable", "true", QUEUES),
    key("waitTimeMillsInSendQueue", "200", QUEUES),
    key("waitTimeMillsInPullQueue", "5000", QUEUES),
    key("waitTimeMillsInLitePullQueue", "5000", QUEUES),
    key("waitTimeMillsInHeartbeatQueue", "31000", QUEUES),
    key("waitTimeMillsInTransactionQueue", "3000", QUEUES),
    key("waitTimeMillsInAckQueue", "3000", QUEUES),
    key("waitTimeMillsInAdminBrokerQueue", "5000", QUEUES),
    key(
        "startAcceptSendRequestTimeStamp",
        "0",
        Harmless("sends are accepted at once"),
    ),
    key("enableDetailStat", "true", STATISTICS),
];
