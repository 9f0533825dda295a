//! The consumer groups of the broker, stored in `config/subscriptionGroup.json`
//! (`SubscriptionGroupManager`).
//!
//! Invariant: every group in the table has a valid name, and every change increases the version.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytestring::ByteString;
use parking_lot::RwLock;

use crate::broker::state::config_file::ConfigFile;
use crate::broker::state::system;
use crate::clock::Clock;
use crate::message::GroupName;
use crate::saved_file::FileError;
use crate::store::disk::Disk;
use crate::wire::body::{DataVersion, SubscriptionGroupConfig, SubscriptionGroups};
use crate::wire::fastjson;

/// The bit of a forbidden topic that the group may not read (`1 << PermName.INDEX_PERM_READ`).
const READ: i32 = 4;

/// A group: its validated name and its configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::broker) struct Group {
    pub(in crate::broker) name: GroupName,
    pub(in crate::broker) config: SubscriptionGroupConfig,
}

#[derive(Debug, Default)]
struct GroupTable {
    groups: HashMap<GroupName, Arc<Group>>,
    /// Topics that an administrator forbade a group to read: read from Apache's file, checked by
    /// pulls.
    forbidden: BTreeMap<ByteString, BTreeMap<ByteString, i32>>,
    version: DataVersion,
}

impl GroupTable {
    fn put(&mut self, name: GroupName, mut config: SubscriptionGroupConfig, now_ms: i64) -> bool {
        if self
            .groups
            .get(&name)
            .is_some_and(|group| group.config == config)
        {
            return false;
        }
        let name = name.detached();
        config.group_name = name.to_text();
        self.groups
            .insert(name.clone(), Arc::new(Group { name, config }));
        self.version = self.version.next(now_ms);
        true
    }

    /// Returns whether anything changed.
    fn set_readable(&mut self, group: &str, topic: &str, readable: bool) -> bool {
        let topics = self.forbidden.entry(group.into()).or_default();
        let before = topics.get(topic).copied().unwrap_or(0);
        let after = if readable {
            before & !READ
        } else {
            before | READ
        };
        if after == 0 {
            topics.remove(topic);
        } else {
            topics.insert(topic.into(), after);
        }
        if topics.is_empty() {
            self.forbidden.remove(group);
        }
        before != after
    }

    fn to_body(&self) -> SubscriptionGroups {
        let entry =
            |(name, group): (&GroupName, &Arc<Group>)| (name.to_text(), group.config.clone());
        SubscriptionGroups {
            subscription_group_table: self.groups.iter().map(entry).collect(),
            forbidden_table: self.forbidden.clone(),
            data_version: self.version,
        }
    }
}

/// The groups of the broker.
#[derive(Debug)]
pub(in crate::broker) struct Groups {
    table: RwLock<GroupTable>,
    file: ConfigFile,
    /// The version that is on disk.
    saved: AtomicI64,
    clock: Clock,
}

impl Groups {
    /// Reads the file and adds the groups that every broker has.
    pub(in crate::broker) fn open(
        disk: &Arc<dyn Disk>,
        root: &Path,
        clock: Clock,
    ) -> Result<Self, FileError> {
        let (file, saved): (_, SubscriptionGroups) =
            ConfigFile::open(disk, root, "subscriptionGroup.json", &clock)?;
        let mut table = GroupTable {
            groups: HashMap::new(),
            forbidden: saved.forbidden_table,
            version: saved.data_version,
        };
        for (name, mut config) in saved.subscription_group_table {
            match GroupName::new(name.clone()) {
                Ok(checked) => {
                    config.group_name = name;
                    let group = Group {
                        name: checked.clone(),
                        config,
                    };
                    table.groups.insert(checked, Arc::new(group));
                }
                Err(error) => {
                    tracing::warn!(%error, "a group of subscriptionGroup.json is ignored: its name is not valid");
                }
            }
        }
        let before = table.version;
        for config in system::groups() {
            match GroupName::new(config.group_name.clone()) {
                Ok(name) if !table.groups.contains_key(&name) => {
                    table.put(name, config, clock.now_ms());
                }
                _ => {}
            }
        }
        if table.version != before {
            file.save_now(&fastjson::write(&table.to_body()))?;
        }
        Ok(Self {
            saved: AtomicI64::new(table.version.counter),
            table: RwLock::new(table),
            file,
            clock,
        })
    }

    pub(in crate::broker) fn find(&self, name: &str) -> Option<Arc<Group>> {
        self.table.read().groups.get(name).map(Arc::clone)
    }

    /// Whether an administrator has forbidden the group to read the topic.
    pub(in crate::broker) fn may_not_read(&self, group: &str, topic: &str) -> bool {
        let table = self.table.read();
        let bits = table
            .forbidden
            .get(group)
            .and_then(|topics| topics.get(topic));
        bits.is_some_and(|bits| bits & READ != 0)
    }

    /// Forbids the group to read the topic, or allows it again.
    pub(in crate::broker) fn set_readable(&self, group: &str, topic: &str, readable: bool) {
        let mut table = self.table.write();
        if table.set_readable(group, topic, readable) {
            table.version = table.version.next(self.clock.now_ms());
        }
    }

    /// Creates or changes a group; returns whether anything changed.
    pub(in crate::broker) fn put(&self, name: GroupName, config: SubscriptionGroupConfig) -> bool {
        self.table.write().put(name, config, self.clock.now_ms())
    }

    /// Removes a group; returns whether it existed.
    pub(in crate::broker) fn remove(&self, name: &str) -> bool {
        let mut table = self.table.write();
        let removed = table.groups.remove(name).is_some();
        if removed {
            table.forbidden.remove(name);
            table.version = table.version.next(self.clock.now_ms());
        }
        removed
    }

    /// All groups, in the form in which they are sent and saved.
    pub(in crate::broker) fn to_body(&self) -> SubscriptionGroups {
        self.table.read().to_body()
    }

    /// Saves what was changed before this call.
    pub(in crate::broker) async fn save(&self) -> Result<(), FileError> {
        let version = self.table.read().version.counter;
        self.file.save(|| fastjson::write(&self.to_body())).await?;
        self.saved.fetch_max(version, Ordering::AcqRel);
        Ok(())
    }

    /// Whether every change so far is on disk.
    pub(in crate::broker) fn is_saved(&self) -> bool {
        self.table.read().version.counter <= self.saved.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::store::disk::MemoryDisk;

    #[tokio::test]
    async fn a_group_and_what_was_forbidden_to_it_are_there_after_a_restart() {
        let disk: Arc<dyn Disk> = Arc::new(MemoryDisk::default());
        let file = Path::new("/s/config/subscriptionGroup.json");
        let apache = br#"{"dataVersion":{"counter":4,"stateVersion":0,"timestamp":1},
            "forbiddenTable":{"shop":{"orders":4}},
            "subscriptionGroupTable":{"shop":{"groupName":"shop","retryMaxTimes":3}}}"#;
        disk.replace(file, apache).unwrap();
        let open = || Groups::open(&disk, Path::new("/s"), Clock::manual(0)).unwrap();

        let groups = open();
        let quiet = SubscriptionGroupConfig {
            consume_enable: false,
            ..system::group("quiet")
        };
        groups.put(GroupName::new("quiet").unwrap(), quiet);
        groups.save().await.unwrap();
        let groups = open();

        assert_eq!(groups.find("shop").unwrap().config.retry_max_times, 3);
        assert!(!groups.find("quiet").unwrap().config.consume_enable);
        assert!(groups.may_not_read("shop", "orders"));
        assert!(!groups.may_not_read("shop", "other"));
        assert!(groups.find("TOOLS_CONSUMER").is_some());
        assert!(groups.remove("shop"));
        assert!(!groups.may_not_read("shop", "orders"));
    }

    #[test]
    fn what_was_forbidden_can_be_allowed_again() {
        let disk: Arc<dyn Disk> = Arc::new(MemoryDisk::default());
        let groups = Groups::open(&disk, Path::new("/s"), Clock::manual(0)).unwrap();
        let version = || groups.to_body().data_version.counter;
        let before = version();

        groups.set_readable("shop", "orders", true);
        assert_eq!(version(), before, "nothing has changed");
        groups.set_readable("shop", "orders", false);
        assert!(groups.may_not_read("shop", "orders"));
        assert!(!groups.may_not_read("shop", "stock"));
        groups.set_readable("shop", "orders", true);

        assert!(!groups.may_not_read("shop", "orders"));
        assert!(groups.to_body().forbidden_table.is_empty());
        assert_eq!(version(), before + 2);
    }

    /// Regression: each group kept the whole receive buffer of the request that created it.
    #[test]
    fn a_new_group_does_not_keep_the_frame_that_named_it() {
        let disk: Arc<dyn Disk> = Arc::new(MemoryDisk::default());
        let groups = Groups::open(&disk, Path::new("/s"), Clock::manual(0)).unwrap();
        let frame = Bytes::from("shop and much more".to_owned());
        let shop = ByteString::try_from(frame.slice(..4)).unwrap();

        groups.put(GroupName::new(shop.clone()).unwrap(), system::group(&shop));

        drop(shop);
        assert!(groups.find("shop").is_some());
        assert!(frame.is_unique());
    }
}
