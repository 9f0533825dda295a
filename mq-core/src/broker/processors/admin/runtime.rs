//! 28: statistics of the running broker (`AdminBrokerProcessor.getBrokerRuntimeInfo`).
//!
//! Invariant: every key that Apache's tools read is present, in both spellings where versions
//! differ, because the tools crash on a missing key. What is not measured is 0.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytestring::ByteString;

use crate::broker::admit::unreadable;
use crate::broker::background::timer::TimerTable;
use crate::broker::config::DelayLevels;
use crate::broker::parts::Parts;
use crate::broker::state::delay_offsets::DelayOffsets;
use crate::broker::state::delivery_statistics::DeliveryStatistics;
use crate::broker::state::peers::Peers;
use crate::broker::state::unsupported::Unsupported;
use crate::broker::state::waiting::WaitingPulls;
use crate::clock::Clock;
use crate::remoting::{Incoming, Processor, Unanswered};
use crate::store::disk::Space;
use crate::store::{MessageStore, SCHEDULE_TOPIC};
use crate::wire::body::KvTable;
use crate::wire::header::GetBrokerRuntimeInfo;
use crate::wire::{NoFields, Refusal, Reply, fastjson};

/// The version that this broker reports (`MQVersion`).
const REPORTED_VERSION: &str = "V5_3_3";

/// Values that are always 0: there are no thread pools, timer wheel or transfer buffers.
const ALWAYS_ZERO_KEYS: [&str; 31] = [
    "putMessageFailedTimes",
    "putMessageEntireTimeMax",
    "getMessageEntireTimeMax",
    "dispatchMaxBuffer",
    "dispatchBehindBytes",
    "pageCacheLockTimeMills",
    "startAcceptSendRequestTimeStamp",
    "putLatency99",
    "putLatency999",
    "timerReadBehind",
    "timerOffsetBehind",
    "timerCongestNum",
    "timerEnqueueTps",
    "timerDequeueTps",
    "remainTransientStoreBufferNumbs",
    "remainHowManyDataToCommit",
    "sendThreadPoolQueueSize",
    "pullThreadPoolQueueSize",
    "litePullThreadPoolQueueSize",
    "queryThreadPoolQueueSize",
    "ackThreadPoolQueueSize",
    "EndTransactionQueueSize",
    "sendThreadPoolQueueHeadWaitTimeMills",
    "pullThreadPoolQueueHeadWaitTimeMills",
    "litePullThreadPoolQueueHeadWaitTimeMills",
    "queryThreadPoolQueueHeadWaitTimeMills",
    "ackThreadPoolQueueHeadWaitTimeMills",
    "msgPutTotalYesterdayMorning",
    "msgPutTotalTodayMorning",
    "msgGetTotalYesterdayMorning",
    "msgGetTotalTodayMorning",
];

/// Capacities of queues that do not exist here; shown with Apache's default.
const CAPACITY_KEYS: [&str; 6] = [
    "sendThreadPoolQueueCapacity",
    "pullThreadPoolQueueCapacity",
    "litePullThreadPoolQueueCapacity",
    "queryThreadPoolQueueCapacity",
    "ackThreadPoolQueueCapacity",
    "EndTransactionThreadPoolQueueCapacity",
];

/// Averages over 10 s, 1 min and 10 min.
const RATE_KEYS: [&str; 6] = [
    "putTps",
    "getFoundTps",
    "getMissTps",
    "getTotalTps",
    "getTransferedTps",
    "getTransferredTps",
];

/// Reports the statistics.
#[derive(Clone, Debug)]
pub(super) struct RuntimeInfo {
    store: MessageStore,
    peers: Arc<Peers>,
    waiting: Arc<WaitingPulls>,
    delays: Arc<DelayOffsets>,
    timers: Arc<TimerTable>,
    levels: DelayLevels,
    deliveries: Arc<DeliveryStatistics>,
    unanswered: Arc<Unanswered>,
    unsupported: Arc<Unsupported>,
    boot_ms: i64,
    clock: Clock,
}

impl RuntimeInfo {
    pub(super) fn new(parts: &Parts) -> Self {
        Self {
            store: parts.store.clone(),
            peers: Arc::clone(&parts.peers),
            waiting: Arc::clone(&parts.waiting),
            delays: Arc::clone(&parts.delays),
            timers: Arc::clone(&parts.timers),
            levels: parts.admit.config.rules.delay_levels.clone(),
            deliveries: Arc::clone(&parts.deliveries),
            unanswered: Arc::clone(&parts.unanswered),
            unsupported: Arc::clone(&parts.unsupported),
            boot_ms: parts.clock.now_ms(),
            clock: parts.clock.clone(),
        }
    }

    fn table(&self) -> BTreeMap<ByteString, ByteString> {
        let mut table = BTreeMap::new();
        let mut put = |name: &str, value: String| {
            table.insert(ByteString::from(name), ByteString::from(value));
        };
        for name in ALWAYS_ZERO_KEYS {
            put(name, "0".to_owned());
        }
        for name in CAPACITY_KEYS {
            put(name, "10000".to_owned());
        }
        let figures = self.store.figures();
        let given = self.deliveries.total();
        let up_ms = self.clock.now_ms() - self.boot_ms;
        let rate = |count: u64| {
            let per_second = per_second(count, up_ms);
            format!("{per_second:.2} {per_second:.2} {per_second:.2}")
        };
        for name in RATE_KEYS {
            put(
                name,
                rate(if name == "putTps" {
                    figures.stored
                } else {
                    given
                }),
            );
        }
        put("getMissTps", "0.0 0.0 0.0".to_owned());
        put("bootTimestamp", self.boot_ms.to_string());
        put("runtime", duration(up_ms));
        put("putMessageTimesTotal", figures.stored.to_string());
        put("putMessageSizeTotal", figures.bytes.to_string());
        let average = figures.bytes.checked_div(figures.stored).unwrap_or(0);
        put("putMessageAverageSize", average.to_string());
        put("putMessageDistributeTime", "[<=0ms]:0".to_owned());
        put("msgPutTotalTodayNow", figures.stored.to_string());
        put("msgGetTotalTodayNow", given.to_string());
        put("brokerActive", "true".to_owned());
        put("brokerVersion", crate::wire::VERSION.to_string());
        put("brokerVersionDesc", REPORTED_VERSION.to_owned());
        put(KvTable::KEEPS_REASONS, "true".to_owned());
        put("commitLogMinOffset", self.store.begin().to_string());
        put("commitLogMaxOffset", self.store.end().to_string());
        let unflushed = self.store.end().0.saturating_sub(self.store.synced().0);
        put("remainHowManyDataToFlush", unflushed.to_string());
        put("earliestMessageTimeStamp", self.earliest().to_string());
        let (consumers, producers) = self.peers.count();
        put("consumers", consumers.to_string());
        put("producers", producers.to_string());
        put("waitingPulls", self.waiting.count().to_string());
        for (code, count) in self.unanswered.counts() {
            put(&format!("unsupportedRequest_{code}"), count.to_string());
        }
        let others = self.unanswered.others();
        if others > 0 {
            put("unsupportedRequest_other", others.to_string());
        }
        for (language, count) in self.unsupported.counts() {
            put(
                &format!("refusedSubscription_{language}"),
                count.to_string(),
            );
        }
        self.put_levels(&mut put);
        put("timersWaiting", self.timers.count().to_string());
        self.put_disk(&mut put);
        table
    }

    fn put_levels(&self, put: &mut impl FnMut(&str, String)) {
        for (level, _) in self.levels.iter() {
            let max = self.store.max_offset(SCHEDULE_TOPIC, level - 1);
            let name = format!("scheduleMessageOffset_{level}");
            put(&name, format!("{},{max}", self.delays.of(level)));
        }
    }

    fn put_disk(&self, put: &mut impl FnMut(&str, String)) {
        let path = &self.store.config().commit_log;
        let space = self
            .store
            .disk()
            .space(path)
            .unwrap_or(Space { total: 0, free: 0 });
        let ratio = format!("{:.4}", space.used_ratio());
        put("commitLogDiskRatio", ratio.clone());
        put(
            &format!("commitLogDiskRatio_{}", path.display()),
            ratio.clone(),
        );
        put("consumeQueueDiskRatio", ratio);
        let capacity = format!(
            "Total : {}, Free : {}.",
            readable(space.total),
            readable(space.free)
        );
        put("commitLogDirCapacity", capacity);
    }

    /// When the oldest message that is left was stored.
    fn earliest(&self) -> i64 {
        let record = self.store.record_at(self.store.begin()).ok().flatten();
        let view = record
            .as_ref()
            .map(|record| crate::message::record::RecordView::parse(record));
        view.and_then(Result::ok)
            .map_or(-1, |view| view.store_timestamp)
    }
}

impl Processor<GetBrokerRuntimeInfo> for RuntimeInfo {
    async fn process(
        &self,
        _request: Incoming<GetBrokerRuntimeInfo>,
    ) -> Result<Reply<NoFields>, Refusal> {
        // The oldest message and the space that is left are asked of the disk.
        let this = self.clone();
        let table = self.store.run_blocking(move |_| Ok(this.table())).await;
        let table = table.map_err(|error| unreadable(&error))?;
        let body = fastjson::write(&KvTable { table });
        Ok(Reply::ok(NoFields).with_body(body))
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a rate needs no more than 52 bits"
)]
fn per_second(count: u64, ms: i64) -> f64 {
    count as f64 * 1000.0 / ms.max(1) as f64
}

/// `[ 0 days, 0 hours, 1 minutes, 2 seconds ]`.
fn duration(ms: i64) -> String {
    let seconds = ms / 1000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let (s, m, h) = (seconds % 60, minutes % 60, hours % 24);
    format!("[ {days} days, {h} hours, {m} minutes, {s} seconds ]")
}

/// Bytes as people read them.
#[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
fn readable(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut size = bytes as f64;
    let mut units = UNITS.iter();
    let mut unit = units.next();
    while size >= 1024.0 {
        let Some(next) = units.next() else { break };
        size /= 1024.0;
        unit = Some(next);
    }
    format!("{size:.1} {}", unit.unwrap_or(&"B"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_durations_read_as_apache_s_tools_expect() {
        assert_eq!(readable(10 * 1024 * 1024 * 1024), "10.0 GiB");
        assert_eq!(readable(0), "0.0 B");
        assert_eq!(
            duration(62_000),
            "[ 0 days, 0 hours, 1 minutes, 2 seconds ]"
        );
    }
}
