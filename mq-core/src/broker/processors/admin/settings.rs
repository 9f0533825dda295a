//! 26: the broker's settings, read-only (`AdminBrokerProcessor.getBrokerConfig`).

use std::fmt::Write as _;
use std::sync::Arc;

use bytestring::ByteString;

use crate::broker::advertised::Advertised;
use crate::broker::config::{BrokerConfig, FlushMode};
use crate::broker::parts::Parts;
use crate::remoting::{Incoming, Processor};
use crate::wire::body::DataVersion;
use crate::wire::header::{GetBrokerConfig, GetBrokerConfigReply};
use crate::wire::{Refusal, Reply, fastjson};

/// Shows settings.
#[derive(Clone, Debug)]
pub(super) struct SettingsAdmin {
    config: Arc<BrokerConfig>,
    advertised: Advertised,
}

impl SettingsAdmin {
    pub(super) fn new(parts: &Parts) -> Self {
        Self {
            config: Arc::clone(&parts.admit.config),
            advertised: parts.advertised.clone(),
        }
    }

    /// `key=value`, a line each, in order, with Apache's keys.
    fn text(&self) -> String {
        let BrokerConfig {
            identity,
            network,
            rules,
            storage,
        } = &*self.config;
        let (host, port) = self.advertised.text.rsplit_once(':').unwrap_or_default();
        let flush = match storage.flush {
            FlushMode::Sync => "SYNC_FLUSH",
            FlushMode::Interval => "ASYNC_FLUSH",
        };
        let commit_log = self.config.store().commit_log;
        let hours = storage.retention.reserved.as_secs() / 3600;
        let mut lines = vec![
            (
                "autoCreateSubscriptionGroup",
                rules.auto_create_group.to_string(),
            ),
            ("autoCreateTopicEnable", rules.auto_create_topic.to_string()),
            ("brokerClusterName", identity.cluster.clone()),
            ("brokerIP1", host.to_owned()),
            ("brokerId", "0".to_owned()),
            ("brokerName", identity.name.clone()),
            ("brokerPermission", rules.permission.to_string()),
            ("brokerRole", "ASYNC_MASTER".to_owned()),
            ("defaultTopicQueueNums", rules.default_queues.to_string()),
            ("fileReservedTime", hours.to_string()),
            ("flushDiskType", flush.to_owned()),
            ("listenPort", port.to_owned()),
            ("mappedFileSizeCommitLog", storage.segment_size.to_string()),
            (
                "mappedFileSizeConsumeQueue",
                storage.queue_file_size.to_string(),
            ),
            ("maxMessageSize", rules.max_message_size.to_string()),
            ("messageDelayLevel", rules.delay_levels.to_string()),
            ("messageIndexEnable", storage.index.to_string()),
            ("namesrvAddr", network.name_servers.join(";")),
            ("storePathCommitLog", commit_log.display().to_string()),
            ("storePathRootDir", storage.root.display().to_string()),
            ("timerWheelEnable", rules.timers.is_some().to_string()),
        ];
        if let Some(timers) = rules.timers {
            lines.push(("recallMessageEnable", timers.recall.to_string()));
            lines.push(("timerMaxDelaySec", timers.longest.as_secs().to_string()));
        }
        lines.sort_unstable_by_key(|(key, _)| *key);
        let mut text = String::new();
        for (key, value) in lines {
            // Writing to a `String` cannot fail.
            let written = writeln!(text, "{key}={value}");
            debug_assert!(written.is_ok());
        }
        text
    }
}

impl Processor<GetBrokerConfig> for SettingsAdmin {
    async fn process(
        &self,
        _request: Incoming<GetBrokerConfig>,
    ) -> Result<Reply<GetBrokerConfigReply>, Refusal> {
        let version = fastjson::write(&DataVersion::default());
        let header = GetBrokerConfigReply {
            version: ByteString::try_from(version).ok(),
        };
        Ok(Reply::ok(header).with_body(self.text()))
    }
}
