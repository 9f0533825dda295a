//! Every key of Apache's `BrokerConfig`, `MessageStoreConfig` and `NettyServerConfig`, as data.
//!
//! Invariant: a key is here with Apache's default and what setting it does; what is not here is
//! unknown.

use crate::settings::{KeyEffect, SettingKey};

use KeyEffect::{Harmless, Refused, Works};

const NO_THREAD_POOLS: KeyEffect = Harmless("connections are tasks, there are no thread pools");
const QUEUES: KeyEffect =
    Harmless("there are no request queues, a connection that is behind waits");
const LOG_SYNC: KeyEffect = Harmless("SYNC_FLUSH syncs at once, ASYNC_FLUSH every 200 ms or 4 MiB");
const QUEUE_SYNC: KeyEffect = Harmless("consume queues are derived, they follow the checkpoint");
const NOT_MAPPED: KeyEffect = Harmless("segments are not mapped as a whole");
const FIXED_LIMIT: KeyEffect = Harmless("this limit stays at its default");
const REMOTING_TIMINGS: KeyEffect = Harmless("the remoting has its own timings");
const POP: KeyEffect = Harmless("pop consumption is not built yet");
const WHEEL: KeyEffect = Harmless("there is no timer wheel, messages wait by the millisecond");
const TRANSACTION_ENDS: KeyEffect = Harmless("each end of a transaction is written by itself");
const REPLICATION: KeyEffect = Harmless("replication is not built yet");
const NO_BIT_MAPS: KeyEffect =
    Harmless("conditions are evaluated for each message, there are no bit maps of their results");
const STATISTICS: KeyEffect = Harmless("statistics are kept in one way only");
const FIXED_NAME_SERVERS: KeyEffect = Harmless("name servers are those of `namesrvAddr`");
const FULL_REGISTRATION: KeyEffect = Harmless("every registration carries all topics");

const NO_REPLICA: KeyEffect = Refused("replication is not built yet, only a single ASYNC_MASTER");
const NO_NAME_SERVER_LOOKUP: KeyEffect =
    Refused("looking up name servers is not built yet, set `namesrvAddr`");
const NO_ACL: KeyEffect =
    Refused("access control is not built yet: anybody who reaches the port may read and write");
const NO_LMQ: KeyEffect = Refused("light message queues are not built yet");
const NO_OTHER_STORE: KeyEffect = Refused("only Apache's file store is built");
const NO_OFF_HEAP_POOL: KeyEffect =
    Refused("there is no pool of off-heap buffers, writes go to the log");

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
        Harmless("only few keys change while it runs"),
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
    key("registerBrokerTimeoutMills", "24000", REMOTING_TIMINGS),
    key("brokerHeartbeatInterval", "1000", REPLICATION),
    key("brokerNotActiveTimeoutMillis", "10000", REPLICATION),
    key("forceRegister", "true", FULL_REGISTRATION),
    key("compressedRegister", "false", FULL_REGISTRATION),
    key("enableSingleTopicRegister", "false", FULL_REGISTRATION),
    key("enableSplitRegistration", "false", FULL_REGISTRATION),
    key("splitRegistrationSize", "800", FULL_REGISTRATION),
    key("enableSplitMetadata", "true", FULL_REGISTRATION),
    key("splitMetadataSize", "2000", FULL_REGISTRATION),
    key("updateNameServerAddrPeriod", "120000", FIXED_NAME_SERVERS),
    key(
        "fetchNamesrvAddrByAddressServer",
        "false",
        NO_NAME_SERVER_LOOKUP,
    ),
    key(
        "fetchNameSrvAddrByDnsLookup",
        "false",
        NO_NAME_SERVER_LOOKUP,
    ),
    key("channelExpiredTimeout", "120000", REMOTING_TIMINGS),
    key("serverChannelMaxIdleTimeSeconds", "120", REMOTING_TIMINGS),
    key("clientChannelMaxIdleTimeSeconds", "120", REMOTING_TIMINGS),
    key("connectTimeoutMillis", "3000", REMOTING_TIMINGS),
    key("serverWorkerThreads", "8", NO_THREAD_POOLS),
    key("serverSelectorThreads", "3", NO_THREAD_POOLS),
    key("serverCallbackExecutorThreads", "0", NO_THREAD_POOLS),
    key("serverOnewaySemaphoreValue", "256", QUEUES),
    key("serverAsyncSemaphoreValue", "64", QUEUES),
    key("serverSocketSndBufSize", "0", REMOTING_TIMINGS),
    key("serverSocketRcvBufSize", "0", REMOTING_TIMINGS),
    key("serverSocketBacklog", "1024", REMOTING_TIMINGS),
    key(
        "serverPooledByteBufAllocatorEnable",
        "true",
        REMOTING_TIMINGS,
    ),
    key("useEpollNativeSelector", "false", REMOTING_TIMINGS),
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
    key("traceTopicEnable", "true", Works),
    key("msgTraceTopicName", "RMQ_SYS_TRACE_TOPIC", Works),
    key("traceOn", "true", Works),
    key("maxMessageSize", "4194304", Works),
    key(
        "messageDelayLevel",
        "1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h",
        Works,
    ),
    key("flushDelayOffsetInterval", "10000", QUEUE_SYNC),
    key(
        "enableScheduleAsyncDeliver",
        "false",
        Harmless("what is due is always stored together"),
    ),
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
    key("enablePropertyFilter", "true", Works),
    key("filterSupportRetry", "false", Works),
    key("enableCalcFilterBitMap", "false", NO_BIT_MAPS),
    key("expectConsumerNumUseFilter", "32", NO_BIT_MAPS),
    key("maxErrorRateOfBloomFilter", "20", NO_BIT_MAPS),
    key(
        "filterDataCleanTimeSpan",
        "86400000",
        Harmless("a condition goes with its member"),
    ),
    key(
        "enableConsumeQueueExt",
        "false",
        Refused("consume queues have no extension files"),
    ),
    key("bitMapLengthConsumeQueueExt", "64", NO_BIT_MAPS),
    key("reviveQueueNum", "8", POP),
    key("popPollingSize", "1024", POP),
    key("maxPopPollingSize", "100000", POP),
    key("popFromRetryProbability", "20", POP),
    key("enableRetryTopicV2", "false", POP),
    key("serverLoadBalancerEnable", "true", POP),
    key(
        "defaultMessageRequestMode",
        "PULL",
        Refused("pop consumption is not built yet, only PULL"),
    ),
    key("defaultPopShareQueueNum", "-1", POP),
    key(
        "lockInStrictMode",
        "false",
        Harmless("locks expire after 60 s"),
    ),
    // Transactions and timers.
    spelled(
        key("transactionTimeOut", "6000", Works),
        &[("transactionTimeout", "")],
    ),
    key("transactionCheckMax", "15", Works),
    key("transactionCheckInterval", "30000", Works),
    key("transactionOpMsgMaxSize", "4096", TRANSACTION_ENDS),
    key("transactionOpBatchInterval", "3000", TRANSACTION_ENDS),
    key("rejectTransactionMessage", "false", Works),
    key("storeReplyMessageEnable", "true", Works),
    key("recallMessageEnable", "true", Works),
    key("timerWheelEnable", "true", Works),
    key("timerPrecisionMs", "1000", WHEEL),
    key("timerMaxDelaySec", "259200", Works),
    key("timerRollWindowSlot", "172800", WHEEL),
    key("timerFlushIntervalMs", "1000", WHEEL),
    key("timerCongestNumEachSlot", "2147483647", WHEEL),
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
    key("storeType", "default", NO_OTHER_STORE),
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
    key("destroyMapedFileIntervalForcibly", "120000", NOT_MAPPED),
    key("redeleteHangedFileInterval", "120000", NOT_MAPPED),
    key("warmMapedFileEnable", "false", NOT_MAPPED),
    key("flushLeastPagesWhenWarmMapedFile", "4096", NOT_MAPPED),
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
    key("transientStorePoolEnable", "false", NO_OFF_HEAP_POOL),
    key("transientStorePoolSize", "5", NOT_MAPPED),
    key("fastFailIfNoBufferInStorePool", "false", NOT_MAPPED),
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
    key("maxFilterMessageSize", "16000", FIXED_LIMIT),
    key("maxTransferBytesOnMessageInMemory", "262144", Works),
    key("maxTransferCountOnMessageInMemory", "32", Works),
    key("maxTransferBytesOnMessageInDisk", "65536", Works),
    key("maxTransferCountOnMessageInDisk", "8", Works),
    key("accessMessageInMemoryMaxRatio", "40", Works),
    key("pullBatchMaxMessageCount", "160", FIXED_LIMIT),
    key("travelCqFileNumWhenGetMessage", "1", FIXED_LIMIT),
    key("defaultQueryMaxNum", "32", FIXED_LIMIT),
    key("maxMsgsNumBatch", "64", FIXED_LIMIT),
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
    key("sendMessageThreadPoolNums", "4", NO_THREAD_POOLS),
    key("pullMessageThreadPoolNums", "16", NO_THREAD_POOLS),
    key("queryMessageThreadPoolNums", "8", NO_THREAD_POOLS),
    key("adminBrokerThreadPoolNums", "16", NO_THREAD_POOLS),
    key("clientManageThreadPoolNums", "32", NO_THREAD_POOLS),
    key("consumerManageThreadPoolNums", "32", NO_THREAD_POOLS),
    key("heartbeatThreadPoolNums", "32", NO_THREAD_POOLS),
    key("endTransactionThreadPoolNums", "8", NO_THREAD_POOLS),
    key("ackMessageThreadPoolNums", "16", NO_THREAD_POOLS),
    key("asyncSendEnable", "true", NO_THREAD_POOLS),
    key("enableFastChannelEventProcess", "false", NO_THREAD_POOLS),
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
