//! The property names that RocketMQ itself uses (`MessageConst`).

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        $($(#[$doc])* pub const $name: &str = $text;)*
        /// Every name that users may not set as a property of their own.
        pub const RESERVED: &[&str] = &[$($text),*];
    };
}

names! {
    /// Keys for the index, separated by spaces.
    KEYS = "KEYS";
    /// The tag.
    TAGS = "TAGS";
    /// `false`: do not wait for the flush.
    WAIT = "WAIT";
    /// Delay level, from 1.
    DELAY = "DELAY";
    /// The client's unique id, which users see as the message id.
    UNIQ_KEY = "UNIQ_KEY";
    /// The topic a message had before it went to a retry topic.
    RETRY_TOPIC = "RETRY_TOPIC";
    /// The offset id a message had before it went to a retry topic.
    ORIGIN_MESSAGE_ID = "ORIGIN_MESSAGE_ID";
    /// Why the last delivery attempt failed; set on dead letters.
    DLQ_REASON = "DLQ_REASON";
    /// The offset ids of the dead letters that were sent again as this message, the newest first.
    RESENT_DEAD_LETTERS = "RESENT_DEAD_LETTERS";
    /// Attempts so far, when a consumer itself sends to its retry topic.
    RECONSUME_TIME = "RECONSUME_TIME";
    /// Attempts allowed, when a consumer itself sends to its retry topic.
    MAX_RECONSUME_TIMES = "MAX_RECONSUME_TIMES";
    /// When the current attempt began; only in the consumer's memory.
    CONSUME_START_TIME = "CONSUME_START_TIME";
    /// The topic that a delayed or half message will be delivered to.
    REAL_TOPIC = "REAL_TOPIC";
    /// The queue that a delayed or half message will be delivered to.
    REAL_QID = "REAL_QID";
    /// `true`: a half message.
    TRAN_MSG = "TRAN_MSG";
    /// The producer group of a half message.
    PGROUP = "PGROUP";
    /// The smallest offset of the queue when the message was pulled; only in memory.
    MIN_OFFSET = "MIN_OFFSET";
    /// The offset behind the queue's last message when the message was pulled; only in memory.
    MAX_OFFSET = "MAX_OFFSET";
    /// Buyer.
    BUYER_ID = "BUYER_ID";
    /// Transfer flag.
    TRANSFER_FLAG = "TRANSFER_FLAG";
    /// Correction flag.
    CORRECTION_FLAG = "CORRECTION_FLAG";
    /// MQ2 flag.
    MQ2_FLAG = "MQ2_FLAG";
    /// The broker's region.
    MSG_REGION = "MSG_REGION";
    /// `false`: do not trace.
    TRACE_ON = "TRACE_ON";
    /// The cluster that stored the message.
    CLUSTER = "CLUSTER";
    /// `reply` for an answer.
    MSG_TYPE = "MSG_TYPE";
    /// Which request an answer belongs to.
    CORRELATION_ID = "CORRELATION_ID";
    /// Who waits for the answer.
    REPLY_TO_CLIENT = "REPLY_TO_CLIENT";
    /// How long the asker waits, in ms.
    TTL = "TTL";
    /// When the answer came.
    ARRIVE_TIME = "ARRIVE_TIME";
    /// When the broker pushed the answer.
    PUSH_REPLY_TIME = "PUSH_REPLY_TIME";
    /// Namespace.
    INSTANCE_ID = "INSTANCE_ID";
    /// Extended unique information.
    EXTEND_UNIQ_INFO = "EXTEND_UNIQ_INFO";
    /// Receipt of a popped message.
    POP_CK = "POP_CK";
    /// Offset of the receipt.
    POP_CK_OFFSET = "POP_CK_OFFSET";
    /// When the message was first popped.
    FIRST_POP_TIME = "1ST_POP_TIME";
    /// Message group of ordered messages.
    SHARDING_KEY = "__SHARDINGKEY";
    /// Due in so many seconds.
    TIMER_DELAY_SEC = "TIMER_DELAY_SEC";
    /// Due in so many milliseconds.
    TIMER_DELAY_MS = "TIMER_DELAY_MS";
    /// Due at this time, ms since 1970.
    TIMER_DELIVER_MS = "TIMER_DELIVER_MS";
    /// Timer bookkeeping.
    TIMER_OUT_MS = "TIMER_OUT_MS";
    /// Timer bookkeeping.
    TIMER_ENQUEUE_MS = "TIMER_ENQUEUE_MS";
    /// Timer bookkeeping.
    TIMER_DEQUEUE_MS = "TIMER_DEQUEUE_MS";
    /// Timer bookkeeping.
    TIMER_ROLL_TIMES = "TIMER_ROLL_TIMES";
    /// Cancels the timer of this unique key.
    TIMER_DEL_UNIQKEY = "TIMER_DEL_UNIQKEY";
    /// First check of a half message no sooner than this many seconds.
    CHECK_IMMUNITY_TIME_IN_SECONDS = "CHECK_IMMUNITY_TIME_IN_SECONDS";
    /// Half message bookkeeping.
    TRAN_PREPARED_QUEUE_OFFSET = "TRAN_PREPARED_QUEUE_OFFSET";
    /// Half message bookkeeping.
    TRANSACTION_CHECK_TIMES = "TRANSACTION_CHECK_TIMES";
    /// Transaction id.
    TRANSACTION_ID = "__transactionId__";
    /// Inner batch.
    INNER_NUM = "INNER_NUM";
    /// Inner batch.
    INNER_BASE = "INNER_BASE";
    /// Checksum over the record.
    CRC32 = "__CRC32#";
}
