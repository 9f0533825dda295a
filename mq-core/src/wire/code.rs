//! Request and response codes. Both sets are open: a code without a name keeps its number.

use std::fmt;

macro_rules! codes {
    ($(#[$doc:meta])* $set:ident { $($(#[$about:meta])* $name:ident = $number:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $set(pub i32);

        impl $set {
            $($(#[$about])* pub const $name: Self = Self($number);)*

            /// Every number with a name.
            pub const NAMED: &[Self] = &[$(Self::$name),*];

            /// The name, when the number has one.
            pub fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }

        impl fmt::Debug for $set {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{} {}", self.0, self.name().unwrap_or("?"))
            }
        }

        impl fmt::Display for $set {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

codes! {
    /// The number of a request (`RequestCode`).
    RequestCode {
        /// Send, long field names.
        SEND_MESSAGE = 10;
        /// Pull.
        PULL_MESSAGE = 11;
        /// Messages by key.
        QUERY_MESSAGE = 12;
        /// The committed offset of a group.
        QUERY_CONSUMER_OFFSET = 14;
        /// Commit an offset.
        UPDATE_CONSUMER_OFFSET = 15;
        /// Create or change a topic.
        UPDATE_AND_CREATE_TOPIC = 17;
        /// Create or change several topics.
        UPDATE_AND_CREATE_TOPIC_LIST = 18;
        /// All topics of a broker.
        GET_ALL_TOPIC_CONFIG = 21;
        /// Change settings of a broker.
        UPDATE_BROKER_CONFIG = 25;
        /// Settings of a broker.
        GET_BROKER_CONFIG = 26;
        /// Statistics of a running broker.
        GET_BROKER_RUNTIME_INFO = 28;
        /// The offset at a time.
        SEARCH_OFFSET_BY_TIMESTAMP = 29;
        /// The offset behind the last message.
        GET_MAX_OFFSET = 30;
        /// The offset of the first message.
        GET_MIN_OFFSET = 31;
        /// When the first message was stored.
        GET_EARLIEST_MSG_STORETIME = 32;
        /// The message at a physical offset.
        VIEW_MESSAGE_BY_ID = 33;
        /// A client's heartbeat with its groups and subscriptions.
        HEART_BEAT = 34;
        /// A client unregisters.
        UNREGISTER_CLIENT = 35;
        /// Deliver a message again later.
        CONSUMER_SEND_MSG_BACK = 36;
        /// Commit or roll back a half message.
        END_TRANSACTION = 37;
        /// The members of a group.
        GET_CONSUMER_LIST_BY_GROUP = 38;
        /// Check the state of a transaction whose half message is stored.
        CHECK_TRANSACTION_STATE = 39;
        /// The members of a group have changed.
        NOTIFY_CONSUMER_IDS_CHANGED = 40;
        /// Lock queues for ordered consumption.
        LOCK_BATCH_MQ = 41;
        /// Unlock queues.
        UNLOCK_BATCH_MQ = 42;
        /// The committed offsets of all groups.
        GET_ALL_CONSUMER_OFFSET = 43;
        /// The offsets of the delay levels.
        GET_ALL_DELAY_OFFSET = 45;
        /// Check a filter expression.
        CHECK_CLIENT_CONFIG = 46;
        /// Set a key.
        PUT_KV_CONFIG = 100;
        /// Read a key.
        GET_KV_CONFIG = 101;
        /// Delete a key.
        DELETE_KV_CONFIG = 102;
        /// Register a broker with its topics.
        REGISTER_BROKER = 103;
        /// Unregister a broker.
        UNREGISTER_BROKER = 104;
        /// The route of a topic.
        GET_ROUTEINFO_BY_TOPIC = 105;
        /// All brokers.
        GET_BROKER_CLUSTER_INFO = 106;
        /// Create or change a group.
        UPDATE_AND_CREATE_SUBSCRIPTIONGROUP = 200;
        /// All groups of a broker.
        GET_ALL_SUBSCRIPTIONGROUP_CONFIG = 201;
        /// Offsets of a topic's queues.
        GET_TOPIC_STATS_INFO = 202;
        /// Connections of a group.
        GET_CONSUMER_CONNECTION_LIST = 203;
        /// Connections of a producer group.
        GET_PRODUCER_CONNECTION_LIST = 204;
        /// Make a broker read-only.
        WIPE_WRITE_PERM_OF_BROKER = 205;
        /// All topics.
        GET_ALL_TOPIC_LIST_FROM_NAMESERVER = 206;
        /// Delete a group.
        DELETE_SUBSCRIPTIONGROUP = 207;
        /// Committed offsets of a group.
        GET_CONSUME_STATS = 208;
        /// Delete a topic.
        DELETE_TOPIC_IN_BROKER = 215;
        /// Delete a topic's route.
        DELETE_TOPIC_IN_NAMESRV = 216;
        /// Register a topic's route.
        REGISTER_TOPIC_IN_NAMESRV = 217;
        /// All keys of a namespace.
        GET_KVLIST_BY_NAMESPACE = 219;
        /// Reset the offsets of a client.
        RESET_CONSUMER_CLIENT_OFFSET = 220;
        /// Offsets that a client has consumed.
        GET_CONSUMER_STATUS_FROM_CLIENT = 221;
        /// Reset the offsets of a group.
        INVOKE_BROKER_TO_RESET_OFFSET = 222;
        /// Offsets that the members of a group have consumed.
        INVOKE_BROKER_TO_GET_CONSUMER_STATUS = 223;
        /// Topics of a cluster.
        GET_TOPICS_BY_CLUSTER = 224;
        /// Create or change several groups.
        UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST = 225;
        /// The groups that consume a topic.
        QUERY_TOPIC_CONSUME_BY_WHO = 300;
        /// Store times of a topic's queues, and of what a group consumed.
        QUERY_CONSUME_TIME_SPAN = 303;
        /// System topics.
        GET_SYSTEM_TOPIC_LIST_FROM_NS = 304;
        /// System topics of a broker.
        GET_SYSTEM_TOPIC_LIST_FROM_BROKER = 305;
        /// Remove expired files of consume queues.
        CLEAN_EXPIRED_CONSUMEQUEUE = 306;
        /// The state of a running client.
        GET_CONSUMER_RUNNING_INFO = 307;
        /// The smallest committed offset of a topic's groups.
        QUERY_CORRECTION_OFFSET = 308;
        /// Have a client consume one message now.
        CONSUME_MESSAGE_DIRECTLY = 309;
        /// Send, one-letter field names.
        SEND_MESSAGE_V2 = 310;
        /// Unit topics.
        GET_UNIT_TOPIC_LIST = 311;
        /// Topics with unit subscriptions.
        GET_HAS_UNIT_SUB_TOPIC_LIST = 312;
        /// Topics with unit subscriptions that are no unit topics.
        GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST = 313;
        /// Copy the offsets of a group to another.
        CLONE_GROUP_OFFSET = 314;
        /// A counter of a broker.
        VIEW_BROKER_STATS_DATA = 315;
        /// Remove consume queues without a topic.
        CLEAN_UNUSED_TOPIC = 316;
        /// Committed offsets of all groups of a broker.
        GET_BROKER_CONSUME_STATS = 317;
        /// Change settings of a name server.
        UPDATE_NAMESRV_CONFIG = 318;
        /// Settings of a name server.
        GET_NAMESRV_CONFIG = 319;
        /// Send several.
        SEND_BATCH_MESSAGE = 320;
        /// Entries of a consume queue.
        QUERY_CONSUME_QUEUE = 321;
        /// Whether the name server has this version of a broker's topics.
        QUERY_DATA_VERSION = 322;
        /// Check a half message again from the first time.
        RESUME_CHECK_HALF_MESSAGE = 323;
        /// Reply to a request message, long field names.
        SEND_REPLY_MESSAGE = 324;
        /// Reply to a request message, one-letter field names.
        SEND_REPLY_MESSAGE_V2 = 325;
        /// A reply to a request message.
        PUSH_REPLY_MESSAGE_TO_CLIENT = 326;
        /// Make a broker writable.
        ADD_WRITE_PERM_OF_BROKER = 327;
        /// Connections of all producer groups.
        GET_ALL_PRODUCER_INFO = 328;
        /// Remove expired segments of the commit log.
        DELETE_EXPIRED_COMMITLOG = 329;
        /// The topics that a group consumes.
        QUERY_TOPICS_BY_CONSUMER = 343;
        /// The subscription of a group to a topic.
        QUERY_SUBSCRIPTION_BY_CONSUMER = 345;
        /// One topic.
        GET_TOPIC_CONFIG = 351;
        /// One group.
        GET_SUBSCRIPTIONGROUP_CONFIG = 352;
        /// Forbid a group to read a topic, or ask whether it is.
        UPDATE_AND_GET_GROUP_FORBIDDEN = 353;
        /// Pull without a registered subscription.
        LITE_PULL_MESSAGE = 361;
        /// Call back a message that waits for its time.
        RECALL_MESSAGE = 370;
        /// Pull or pop for a group.
        SET_MESSAGE_REQUEST_MODE = 401;
        /// Which groups pull and which pop.
        GET_ALL_MESSAGE_REQUEST_MODE = 402;
        /// The addresses of a broker and its slaves.
        GET_BROKER_MEMBER_GROUP = 901;
        /// A registered broker is alive.
        BROKER_HEARTBEAT = 904;
        /// The state of a broker's replication.
        GET_BROKER_HA_STATUS = 907;
        /// Tell a slave how far its master is on disk.
        RESET_MASTER_FLUSH_OFFSET = 908;
        /// Limits of reading old messages.
        GET_COLD_DATA_FLOW_CTR_INFO = 2003;
        /// Whether files of the commit log are read ahead.
        SET_COMMITLOG_READ_MODE = 2004;
    }
}

codes! {
    /// The number of an answer (`ResponseCode`).
    ResponseCode {
        /// The request succeeded.
        SUCCESS = 0;
        /// The server failed internally.
        SYSTEM_ERROR = 1;
        /// Too busy; try another broker.
        SYSTEM_BUSY = 2;
        /// The server does not know this request code.
        REQUEST_CODE_NOT_SUPPORTED = 3;
        /// Stored, but not known to be on disk.
        FLUSH_DISK_TIMEOUT = 10;
        /// Stored, but there is no replica.
        SLAVE_NOT_AVAILABLE = 11;
        /// Stored, but the replica did not confirm.
        FLUSH_SLAVE_TIMEOUT = 12;
        /// The message breaks a rule.
        MESSAGE_ILLEGAL = 13;
        /// The store takes no writes.
        SERVICE_NOT_AVAILABLE = 14;
        /// Not allowed.
        NO_PERMISSION = 16;
        /// No such topic, or no route to it.
        TOPIC_NOT_EXIST = 17;
        /// No new message.
        PULL_NOT_FOUND = 19;
        /// No message matched the filter; pull again from the returned offset.
        PULL_RETRY_IMMEDIATELY = 20;
        /// The offset is outside the queue.
        PULL_OFFSET_MOVED = 21;
        /// Nothing found under this key, offset or name.
        QUERY_NOT_FOUND = 22;
        /// The expression does not compile.
        SUBSCRIPTION_PARSE_FAILED = 23;
        /// The group has not subscribed.
        SUBSCRIPTION_NOT_EXIST = 24;
        /// The broker knows an older subscription.
        SUBSCRIPTION_NOT_LATEST = 25;
        /// No such group.
        SUBSCRIPTION_GROUP_NOT_EXIST = 26;
        /// No filter for this group.
        FILTER_DATA_NOT_EXIST = 27;
        /// An older filter for this group.
        FILTER_DATA_NOT_LATEST = 28;
        /// A field has an invalid value.
        INVALID_PARAMETER = 29;
        /// No member of the group is connected.
        CONSUMER_NOT_ONLINE = 206;
        /// The client did not answer in time.
        CONSUME_MSG_TIMEOUT = 207;
        /// No such message.
        NO_MESSAGE = 208;
        /// Too many requests: try again later (`FLOW_CONTROL`).
        FLOW_CONTROL = 215;
        /// What is asked for cannot be done any more, or not here.
        ILLEGAL_OPERATION = 604;
        /// The server is shutting down: send the request again over another connection (`GO_AWAY`).
        GO_AWAY = 1500;
    }
}
