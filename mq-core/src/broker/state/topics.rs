//! The broker's topics, stored in `config/topics.json` (`TopicConfigManager`).
//!
//! Invariant: every topic in the table has a valid name, and every change increases the version. A
//! topic is durable once a version that contains it is on disk. While a topic is being deleted, no
//! topic is created, so that the record of the deletion is in the log before all messages of a new
//! topic of the same name.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use parking_lot::RwLock;
use tokio::sync::OwnedRwLockWriteGuard;

use crate::broker::config::{Identity, Rules};
use crate::broker::state::config_file::ConfigFile;
use crate::broker::state::system;
use crate::clock::Clock;
use crate::message::TopicName;
use crate::saved_file::FileError;
use crate::store::disk::Disk;
use crate::wire::body::{DataVersion, TopicConfig, TopicConfigs, permission};
use crate::wire::fastjson;

/// A topic: its validated name and its configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::broker) struct Topic {
    pub(in crate::broker) name: TopicName,
    pub(in crate::broker) config: TopicConfig,
    /// The first version of the table that contains it.
    since: i64,
}

impl Topic {
    /// Whether `queue` is one of the read queues.
    pub(in crate::broker) fn has_read_queue(&self, queue: i32) -> bool {
        (0..self.config.read_queue_nums).contains(&queue)
    }

    /// The number of queues that can be read or written: after a topic is shrunk, its former queues
    /// are still drained.
    pub(in crate::broker) fn queues(&self) -> i32 {
        self.config
            .read_queue_nums
            .max(self.config.write_queue_nums)
    }

    pub(in crate::broker) fn permits(&self, bits: i32) -> bool {
        self.config.perm & bits == bits
    }
}

/// A topic, and whether it was just created.
#[derive(Clone, Debug)]
pub(in crate::broker) struct FoundTopic {
    pub(in crate::broker) topic: Arc<Topic>,
    pub(in crate::broker) new: bool,
}

/// A topic that was removed from the table.
#[derive(Debug)]
pub(in crate::broker) struct Removed {
    pub(in crate::broker) topic: Arc<Topic>,
    /// Creating a topic waits until this is dropped, after the messages are deleted.
    pub(in crate::broker) deletion: OwnedRwLockWriteGuard<()>,
}

/// The topics without their file.
#[derive(Debug, Default)]
struct TopicTable {
    topics: HashMap<TopicName, Arc<Topic>>,
    version: DataVersion,
}

impl TopicTable {
    /// Creates or changes a topic; returns whether anything changed.
    fn put(&mut self, name: TopicName, mut config: TopicConfig, now_ms: i64) -> bool {
        if self
            .topics
            .get(&name)
            .is_some_and(|topic| topic.config == config)
        {
            return false;
        }
        self.version = self.version.next(now_ms);
        let name = name.detached();
        config.topic_name = name.to_text();
        let before = self.topics.get(&name).map(|topic| topic.since);
        let topic = Topic {
            name: name.clone(),
            config,
            since: before.unwrap_or(self.version.counter),
        };
        self.topics.insert(name, Arc::new(topic));
        true
    }

    /// The topic `name`, created with `config` if it does not exist.
    fn find_or_put(
        &mut self,
        name: &TopicName,
        config: TopicConfig,
        now_ms: i64,
    ) -> Option<FoundTopic> {
        let new = !self.topics.contains_key(name);
        if new {
            self.put(name.clone(), config, now_ms);
        }
        let topic = Arc::clone(self.topics.get(name)?);
        Some(FoundTopic { topic, new })
    }

    /// The configuration of a topic made after the requested template; `None` when that may not be
    /// used as one.
    fn after_template(&self, name: &TopicName, wish: &TopicRequest<'_>) -> Option<TopicConfig> {
        let template = &self.topics.get(wish.template)?.config;
        let closed = wish.template == system::TEMPLATE_TOPIC && !wish.automatic;
        if closed || template.perm & permission::INHERIT == 0 {
            return None;
        }
        let queues = wish.queues.min(template.write_queue_nums).max(0);
        Some(TopicConfig {
            topic_sys_flag: template.topic_sys_flag,
            topic_filter_type: template.topic_filter_type,
            ..system::topic(name.as_str(), queues, template.perm & !permission::INHERIT)
        })
    }

    fn to_body(&self) -> TopicConfigs {
        let entry =
            |(name, topic): (&TopicName, &Arc<Topic>)| (name.to_text(), topic.config.clone());
        TopicConfigs {
            topic_config_table: self.topics.iter().map(entry).collect(),
            data_version: self.version,
        }
    }
}

/// How a send wants a missing topic to be created.
#[derive(Clone, Copy, Debug)]
pub(in crate::broker) struct TopicRequest<'a> {
    /// The template topic.
    pub(in crate::broker) template: &'a str,
    /// The most queues.
    pub(in crate::broker) queues: i32,
    /// Whether TBW102 may be the template.
    pub(in crate::broker) automatic: bool,
}

/// The broker's topics.
#[derive(Debug)]
pub(in crate::broker) struct Topics {
    table: RwLock<TopicTable>,
    file: ConfigFile,
    /// The version that is on disk.
    saved: AtomicI64,
    /// Locked exclusively by a deletion, shared by creations.
    deletion: Arc<tokio::sync::RwLock<()>>,
    clock: Clock,
}

impl Topics {
    /// Reads the file and adds the topics that every broker has.
    pub(in crate::broker) fn open(
        disk: &Arc<dyn Disk>,
        root: &Path,
        identity: &Identity,
        rules: &Rules,
        clock: Clock,
    ) -> Result<Self, FileError> {
        let (file, saved): (_, TopicConfigs) = ConfigFile::open(disk, root, "topics.json", &clock)?;
        let mut table = TopicTable {
            version: saved.data_version,
            ..TopicTable::default()
        };
        for (name, mut config) in saved.topic_config_table {
            match TopicName::new(name.clone()) {
                Ok(checked) => {
                    config.topic_name = name;
                    let topic = Topic {
                        name: checked.clone(),
                        config,
                        since: saved.data_version.counter,
                    };
                    table.topics.insert(checked, Arc::new(topic));
                }
                Err(error) => {
                    tracing::warn!(%error, "a topic of topics.json is ignored: its name is not valid");
                }
            }
        }
        let now_ms = clock.now_ms();
        let before = table.version;
        for config in system::topics(identity, rules) {
            match TopicName::new(config.topic_name.clone()) {
                // The settings define the template, whatever an earlier start has saved.
                Ok(name) if name == system::TEMPLATE_TOPIC => {
                    table.put(name, config, now_ms);
                }
                Ok(name) => {
                    table.find_or_put(&name, config, now_ms);
                }
                Err(error) => {
                    tracing::warn!(%error, "a system topic is left out: its name is not valid");
                }
            }
        }
        if table.version != before {
            file.save_now(&fastjson::write(&table.to_body()))?;
        }
        Ok(Self {
            saved: AtomicI64::new(table.version.counter),
            table: RwLock::new(table),
            deletion: Arc::default(),
            file,
            clock,
        })
    }

    pub(in crate::broker) fn find(&self, name: &str) -> Option<Arc<Topic>> {
        self.table.read().topics.get(name).map(Arc::clone)
    }

    /// Whether the topic is on disk, so that it survives a crash.
    pub(in crate::broker) fn is_durable(&self, topic: &Topic) -> bool {
        topic.since <= self.saved.load(Ordering::Acquire)
    }

    /// Whether every change so far is on disk.
    pub(in crate::broker) fn is_saved(&self) -> bool {
        self.table.read().version.counter <= self.saved.load(Ordering::Acquire)
    }

    /// Creates or changes a topic; returns whether anything changed.
    pub(in crate::broker) async fn put(&self, name: TopicName, config: TopicConfig) -> bool {
        let _no_deletion = self.deletion.read().await;
        self.table.write().put(name, config, self.clock.now_ms())
    }

    /// The topic, created with `queues` queues if it does not exist: for retry and dead-letter
    /// topics.
    pub(in crate::broker) async fn find_or_create(
        &self,
        name: &TopicName,
        queues: i32,
    ) -> Option<FoundTopic> {
        if let Some(topic) = self.find(name.as_str()) {
            return Some(FoundTopic { topic, new: false });
        }
        let _no_deletion = self.deletion.read().await;
        let config = system::topic(name.as_str(), queues, permission::READ | permission::WRITE);
        self.table
            .write()
            .find_or_put(name, config, self.clock.now_ms())
    }

    /// The topic, created after a template if it does not exist and that is allowed.
    pub(in crate::broker) async fn find_or_create_after(
        &self,
        name: &TopicName,
        wish: &TopicRequest<'_>,
    ) -> Option<FoundTopic> {
        let _no_deletion = self.deletion.read().await;
        let mut table = self.table.write();
        let config = match table.topics.get(name) {
            Some(topic) => topic.config.clone(),
            None => table.after_template(name, wish)?,
        };
        table.find_or_put(name, config, self.clock.now_ms())
    }

    /// Removes a topic, behind a deletion that goes on; gives it when there was one.
    pub(in crate::broker) async fn remove(&self, name: &str) -> Option<Removed> {
        let deletion = Arc::clone(&self.deletion).write_owned().await;
        let mut table = self.table.write();
        let topic = table.topics.remove(name)?;
        table.version = table.version.next(self.clock.now_ms());
        Some(Removed { topic, deletion })
    }

    /// Increases the version although no topic has changed, so that name servers take what is registered
    /// with it.
    pub(in crate::broker) fn renew_version(&self) {
        let mut table = self.table.write();
        table.version = table.version.next(self.clock.now_ms());
    }

    /// Keeps every topic from being created until the guard is dropped; `None` when `name` exists.
    pub(in crate::broker) async fn while_missing(
        &self,
        name: &str,
    ) -> Option<OwnedRwLockWriteGuard<()>> {
        let deletion = Arc::clone(&self.deletion).write_owned().await;
        self.find(name).is_none().then_some(deletion)
    }

    /// All topics, as they are sent and saved.
    pub(in crate::broker) fn to_body(&self) -> TopicConfigs {
        self.table.read().to_body()
    }

    /// Saves what was changed before this call.
    pub(in crate::broker) async fn save(&self) -> Result<(), FileError> {
        let version = self.table.read().version.counter;
        self.file.save(|| fastjson::write(&self.to_body())).await?;
        self.saved.fetch_max(version, Ordering::AcqRel);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use bytestring::ByteString;

    use super::*;
    use crate::broker::config::BrokerConfig;
    use crate::store::disk::MemoryDisk;

    fn open(disk: &Arc<dyn Disk>, change: impl FnOnce(&mut BrokerConfig)) -> Topics {
        let mut config = BrokerConfig::default();
        change(&mut config);
        let BrokerConfig {
            identity, rules, ..
        } = &config;
        let clock = Clock::manual(1_000);
        disk.create_directories(Path::new("/s/config")).unwrap();
        Topics::open(disk, Path::new("/s"), identity, rules, clock).unwrap()
    }

    fn disk() -> Arc<dyn Disk> {
        Arc::new(MemoryDisk::default())
    }

    fn name(name: &'static str) -> TopicName {
        TopicName::new(name).unwrap()
    }

    fn wish(queues: i32) -> TopicRequest<'static> {
        TopicRequest {
            template: system::TEMPLATE_TOPIC,
            queues,
            automatic: true,
        }
    }

    #[tokio::test]
    async fn a_new_topic_has_the_smaller_number_of_queues_and_cannot_be_a_template_itself() {
        let topics = open(&disk(), |_| {});

        let made = topics
            .find_or_create_after(&name("orders"), &wish(4))
            .await
            .unwrap();
        let wide = topics
            .find_or_create_after(&name("wide"), &wish(99))
            .await
            .unwrap();

        assert!(made.new);
        assert_eq!(
            (made.topic.config.read_queue_nums, made.topic.config.perm),
            (4, 6)
        );
        assert_eq!(wide.topic.config.write_queue_nums, 8);
        let orders = TopicRequest {
            template: "orders",
            ..wish(4)
        };
        assert!(
            topics
                .find_or_create_after(&name("more"), &orders)
                .await
                .is_none()
        );
        assert!(
            !topics
                .find_or_create_after(&name("orders"), &wish(1))
                .await
                .unwrap()
                .new
        );
    }

    /// Regression: each topic kept the whole receive buffer of its first message.
    #[tokio::test]
    async fn a_new_topic_does_not_keep_the_frame_that_named_it() {
        let topics = open(&disk(), |_| {});
        let frame = Bytes::from("orders and a long body".to_owned());
        let text = ByteString::try_from(frame.slice(..6)).unwrap();
        let orders = TopicName::new(text).unwrap();

        topics
            .find_or_create_after(&orders, &wish(4))
            .await
            .unwrap();

        drop(orders);
        assert!(topics.find("orders").is_some());
        assert!(frame.is_unique());
    }

    #[tokio::test]
    async fn without_automatic_creation_only_other_templates_serve() {
        let topics = open(&disk(), |config| config.rules.auto_create_topic = false);
        let off = TopicRequest {
            automatic: false,
            ..wish(4)
        };

        assert!(
            topics
                .find_or_create_after(&name("orders"), &off)
                .await
                .is_none()
        );
        let cluster = TopicRequest {
            template: "DefaultCluster",
            ..off
        };
        assert!(
            topics
                .find_or_create_after(&name("orders"), &cluster)
                .await
                .is_some()
        );
    }

    #[tokio::test]
    async fn a_template_left_over_from_another_start_serves_no_more_once_switched_off() {
        let disk = disk();
        drop(open(&disk, |_| {}));
        let topics = open(&disk, |config| config.rules.auto_create_topic = false);

        assert!(topics.find(system::TEMPLATE_TOPIC).is_some());
        let off = TopicRequest {
            automatic: false,
            ..wish(4)
        };
        assert!(
            topics
                .find_or_create_after(&name("orders"), &off)
                .await
                .is_none()
        );
    }

    #[tokio::test]
    async fn topics_are_there_after_a_restart_and_the_version_tells_of_changes() {
        let disk = disk();
        let topics = open(&disk, |_| {});
        let before = topics.to_body().data_version.counter;
        assert!(
            topics
                .put(name("orders"), system::topic("orders", 3, 6))
                .await
        );
        assert!(
            !topics
                .put(name("orders"), system::topic("orders", 3, 6))
                .await
        );
        topics.save().await.unwrap();

        let again = open(&disk, |_| {});

        assert_eq!(again.find("orders").unwrap().queues(), 3);
        assert_eq!(again.to_body().data_version.counter, before + 1);
        assert!(again.remove("orders").await.is_some());
        assert!(again.remove("orders").await.is_none());
        assert_eq!(again.to_body().data_version.counter, before + 2);
    }
}
