//! 25 and 26: the broker's settings, of which few can be changed while it runs
//! (`AdminBrokerProcessor.updateBrokerConfig`, `getBrokerConfig`).

use std::fmt::Write as _;

use bytestring::ByteString;

use crate::broker::admit::{Admit, forbidden};
use crate::broker::advertised::Advertised;
use crate::broker::config::{BrokerConfig, FlushMode};
use crate::broker::parts::Parts;
use crate::broker::state::live_rules::{self, RuleChange, RuleError};
use crate::broker::state::system;
use crate::message::TopicName;
use crate::remoting::{Incoming, Peer, Processor};
use crate::wire::header::{GetBrokerConfig, GetBrokerConfigReply, UpdateBrokerConfig};
use crate::wire::{NoFields, Refusal, Reply, ResponseCode, fastjson};

/// Shows and changes settings.
#[derive(Clone, Debug)]
pub(super) struct SettingsAdmin {
    admit: Admit,
    advertised: Advertised,
}

impl SettingsAdmin {
    pub(super) fn new(parts: &Parts) -> Self {
        Self {
            admit: parts.admit.clone(),
            advertised: parts.advertised.clone(),
        }
    }

    /// Whether a peer is on this machine or in this process, whose clients are seen at the advertised
    /// address.
    fn is_near(&self, peer: &Peer) -> bool {
        let address = peer.address();
        address.ip().to_canonical().is_loopback() || address == self.advertised.socket
    }

    /// Lets a change have its effect beyond the rules themselves.
    async fn follow(&self, changes: &[RuleChange]) -> Result<(), Refusal> {
        if changes.contains(&RuleChange::AutoCreateTopic(true)) {
            let template = system::template(&self.admit.config.rules);
            if let Ok(name) = TopicName::new(template.topic_name.clone()) {
                self.admit.topics.put(name, template).await;
            }
        }
        let permission = |change: &RuleChange| matches!(change, RuleChange::Permission(_));
        if changes.iter().any(permission) {
            self.admit.topics.renew_version();
        }
        if self.admit.topics.is_saved() {
            return Ok(());
        }
        self.admit.publish().await
    }

    /// `key=value`, a line each, in order, with Apache's keys.
    fn text(&self) -> String {
        let BrokerConfig {
            identity,
            network,
            rules,
            storage,
        } = &*self.admit.config;
        let live = &self.admit.rules;
        let (host, port) = self.advertised.text.rsplit_once(':').unwrap_or_default();
        let flush = match storage.flush {
            FlushMode::Sync => "SYNC_FLUSH",
            FlushMode::Interval => "ASYNC_FLUSH",
        };
        let commit_log = self.admit.config.store().commit_log;
        let hours = storage.retention.reserved.as_secs() / 3600;
        let mut lines = vec![
            (
                "autoCreateSubscriptionGroup",
                live.auto_create_group().to_string(),
            ),
            (
                "autoCreateTopicEnable",
                live.auto_create_topic().to_string(),
            ),
            ("brokerClusterName", identity.cluster.clone()),
            ("brokerIP1", host.to_owned()),
            ("brokerId", "0".to_owned()),
            ("brokerName", identity.name.clone()),
            ("brokerPermission", live.permission().to_string()),
            ("brokerRole", "ASYNC_MASTER".to_owned()),
            ("defaultTopicQueueNums", rules.default_queues.to_string()),
            ("enablePropertyFilter", rules.filters.conditions.to_string()),
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
            ("traceOn", rules.traces.wanted.to_string()),
            ("traceTopicEnable", rules.traces.topic.is_some().to_string()),
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
        let version = fastjson::write(&self.admit.rules.version());
        let header = GetBrokerConfigReply {
            version: ByteString::try_from(version).ok(),
        };
        Ok(Reply::ok(header).with_body(self.text()))
    }
}

impl Processor<UpdateBrokerConfig> for SettingsAdmin {
    /// Unlike Apache's broker, this one writes nothing to its properties file, and refuses what it does
    /// not change.
    async fn process(
        &self,
        request: Incoming<UpdateBrokerConfig>,
    ) -> Result<Reply<NoFields>, Refusal> {
        if !self.is_near(&request.peer) {
            return Err(forbidden(
                "settings are changed only from the machine on which the broker runs",
            ));
        }
        let Ok(text) = str::from_utf8(&request.body) else {
            return Err(Refusal::system("string2Properties error: no UTF-8"));
        };
        let changes = live_rules::parsed(text).map_err(|error| refused(&error))?;
        if changes.is_empty() {
            return Ok(Reply::ok(NoFields));
        }
        self.admit.rules.apply(&changes);
        tracing::warn!(
            ?changes, peer = ?request.peer,
            "settings are changed until the broker stops; its properties file is not"
        );
        self.follow(&changes).await?;
        Ok(Reply::ok(NoFields))
    }
}

fn refused(error: &RuleError) -> Refusal {
    let code = match error {
        RuleError::Unreadable { .. } => ResponseCode::SYSTEM_ERROR,
        RuleError::NotChangeable(_) => ResponseCode::NO_PERMISSION,
        RuleError::Value { .. } => ResponseCode::INVALID_PARAMETER,
    };
    Refusal::new(code, error.to_string())
}
