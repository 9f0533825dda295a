//! The committed offsets of each group, stored in `config/consumerOffset.json`
//! (`ConsumerOffsetManager`).
//!
//! A member of a broadcasting group stores its offsets itself. It has an entry here, under a name
//! of its own (`broadcaster`), only while it is to be reset.
//!
//! Invariant: a reset stays, in the file too, until a pull comes from its offset. Until then it is
//! the committed offset, and commits of members are ignored. No committed offset is outside its
//! queue.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytestring::ByteString;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::broker::state::config_file::ConfigFile;
use crate::clock::Clock;
use crate::excerpt::excerpt;
use crate::message::QueueOffset;
use crate::saved_file::FileError;
use crate::store::disk::Disk;
use crate::wire::body::DataVersion;
use crate::wire::fastjson;

/// Offsets by queue, by group, by topic.
type ByTopic = HashMap<ByteString, HashMap<ByteString, BTreeMap<i32, i64>>>;

/// Offsets by queue, by `topic@group`.
type ByKey = BTreeMap<String, BTreeMap<i32, i64>>;

/// The content of the file. Apache's broker ignores members that it does not know.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConsumerOffsetsFile {
    #[serde(default)]
    data_version: DataVersion,
    offset_table: ByKey,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    waiting_resets: ByKey,
}

#[derive(Debug, Default)]
struct OffsetsTable {
    committed: ByTopic,
    /// Offsets that queues were reset to, by an administrator or because the queue is new, until a
    /// pull comes from there.
    resets: ByTopic,
    /// Resets of which no member has been told. A pull from such an offset comes by chance: what its
    /// member holds from before is to be dropped all the same.
    untold: BTreeSet<(ByteString, ByteString, i32)>,
    version: DataVersion,
}

/// The name under which a broadcasting member has offsets, in place of its group's: no group name
/// contains `@`.
pub(in crate::broker) fn broadcaster(group: &str, client_id: &str) -> ByteString {
    format!("{group}@{}", excerpt(client_id)).into()
}

fn broadcasts(reader: &str) -> bool {
    reader.contains('@')
}

fn is_of_group(reader: &str, group: &str) -> bool {
    let rest = reader.strip_prefix(group);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('@'))
}

/// A queue, as a group consumes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::broker) struct GroupQueue<'a> {
    pub(in crate::broker) group: &'a str,
    pub(in crate::broker) topic: &'a str,
    pub(in crate::broker) queue: i32,
}

impl GroupQueue<'_> {
    fn to_owned(self) -> (ByteString, ByteString, i32) {
        (self.topic.into(), self.group.into(), self.queue)
    }
}

impl OffsetsTable {
    fn to_saved(&self) -> ConsumerOffsetsFile {
        ConsumerOffsetsFile {
            data_version: self.version,
            offset_table: to_keys(&self.committed),
            waiting_resets: to_keys(&self.resets),
        }
    }

    fn from_saved(saved: ConsumerOffsetsFile) -> Self {
        Self {
            committed: from_keys(saved.offset_table),
            resets: from_keys(saved.waiting_resets),
            untold: BTreeSet::new(),
            version: saved.data_version,
        }
    }

    /// The offset of the first message that the group has not consumed: that of its reset, or else
    /// its last commit.
    fn offset_of(&self, at: GroupQueue<'_>) -> Option<i64> {
        find(&self.resets, at).or_else(|| find(&self.committed, at))
    }
}

fn to_keys(table: &ByTopic) -> ByKey {
    let mut keys = ByKey::new();
    for (topic, groups) in table {
        for (group, queues) in groups {
            keys.insert(format!("{topic}@{group}"), queues.clone());
        }
    }
    keys
}

fn from_keys(keys: ByKey) -> ByTopic {
    let mut table = ByTopic::new();
    for (key, queues) in keys {
        let Some((topic, group)) = key.split_once('@') else {
            tracing::warn!(
                key,
                "an entry of consumerOffset.json is ignored: its key is not `topic@group`"
            );
            continue;
        };
        let groups = table.entry(topic.into()).or_default();
        groups.insert(group.into(), queues);
    }
    table
}

fn find(table: &ByTopic, at: GroupQueue<'_>) -> Option<i64> {
    table.get(at.topic)?.get(at.group)?.get(&at.queue).copied()
}

fn find_all(table: &ByTopic, group: &str, topic: &str) -> BTreeMap<i32, i64> {
    let groups = table.get(topic);
    let queues = groups.and_then(|groups| groups.get(group));
    queues.cloned().unwrap_or_default()
}

fn put(table: &mut ByTopic, at: GroupQueue<'_>, offset: i64) -> bool {
    if !table.contains_key(at.topic) {
        table.insert(at.topic.into(), HashMap::new());
    }
    let Some(groups) = table.get_mut(at.topic) else {
        return false;
    };
    if !groups.contains_key(at.group) {
        groups.insert(at.group.into(), BTreeMap::new());
    }
    let Some(queues) = groups.get_mut(at.group) else {
        return false;
    };
    queues.insert(at.queue, offset) != Some(offset)
}

/// The committed offsets of all groups.
#[derive(Debug)]
pub(in crate::broker) struct Offsets {
    table: Mutex<OffsetsTable>,
    changed: AtomicBool,
    file: ConfigFile,
    clock: Clock,
}

impl Offsets {
    pub(in crate::broker) fn open(
        disk: &Arc<dyn Disk>,
        root: &Path,
        clock: Clock,
    ) -> Result<Self, FileError> {
        let (file, saved) = ConfigFile::open(disk, root, "consumerOffset.json", &clock)?;
        let table = Mutex::new(OffsetsTable::from_saved(saved));
        Ok(Self {
            table,
            changed: AtomicBool::new(false),
            file,
            clock,
        })
    }

    /// Sets offsets beyond the end of their queue, given by `end`, to that end, because messages
    /// that are stored at those offsets later have not been consumed. Negative ones are set to 0.
    /// The groups are reset to the same offsets.
    ///
    /// Must be called before new messages are stored.
    pub(in crate::broker) fn correct(&self, end: impl Fn(&str, i32) -> i64) {
        let table = self.table.lock();
        let mut outside = Vec::new();
        for (topic, groups) in table.committed.iter().chain(&table.resets) {
            for (group, queues) in groups {
                for (queue, offset) in queues {
                    let end = end(topic, *queue);
                    let to = (*offset).min(end).max(0);
                    if *offset > end {
                        tracing::warn!(
                            %group, %topic, queue, offset, end,
                            "the group's committed offset is beyond the end of the queue, whose messages were \
                                 removed or lost: the group continues at the end"
                        );
                    } else if *offset < 0 {
                        tracing::warn!(
                            %group, %topic, queue, offset,
                            "the group's committed offset in consumerOffset.json is negative: the group \
                                 continues at the beginning"
                        );
                    }
                    if *offset != to {
                        outside.push((topic.clone(), group.clone(), *queue, to));
                    }
                }
            }
        }
        drop(table);
        for (topic, group, queue, to) in outside {
            let at = GroupQueue {
                group: &group,
                topic: &topic,
                queue,
            };
            self.reset(at, to);
        }
    }

    /// The offset of the first message that the group has not consumed.
    pub(in crate::broker) fn committed(&self, at: GroupQueue<'_>) -> Option<i64> {
        self.table.lock().offset_of(at)
    }

    /// The groups that have committed an offset in the topic.
    pub(in crate::broker) fn groups_of(&self, topic: &str) -> BTreeSet<ByteString> {
        let table = self.table.lock();
        let groups = table.committed.get(topic);
        groups
            .map(|groups| groups.keys().cloned().collect())
            .unwrap_or_default()
    }

    /// The topics in which the group has committed an offset.
    pub(in crate::broker) fn topics_of(&self, group: &str) -> BTreeSet<ByteString> {
        let table = self.table.lock();
        let committed = table.committed.iter();
        committed
            .filter(|(_, groups)| groups.contains_key(group))
            .map(|(topic, _)| topic.clone())
            .collect()
    }

    /// The content of the file, for administrators.
    pub(in crate::broker) fn to_body(&self) -> bytes::Bytes {
        let saved = self.table.lock().to_saved();
        fastjson::write(&saved)
    }

    /// The offsets that a group has committed in a topic, by queue.
    pub(in crate::broker) fn committed_in(&self, group: &str, topic: &str) -> BTreeMap<i32, i64> {
        let table = self.table.lock();
        let mut offsets = find_all(&table.committed, group, topic);
        offsets.extend(find_all(&table.resets, group, topic));
        offsets
    }

    /// As [`commit`](Self::commit), for a queue that ends at `end`. An offset beyond it is from an
    /// earlier topic of the same name and is ignored, because it would skip messages that are still
    /// to come.
    pub(in crate::broker) fn commit_up_to(
        &self,
        end: QueueOffset,
        at: GroupQueue<'_>,
        offset: i64,
    ) {
        if offset > end.to_wire() {
            tracing::debug!(?at, offset, %end, "a commit beyond the end of the queue is ignored");
            return;
        }
        self.commit(at, offset);
    }

    /// The group has consumed all messages before `offset`.
    pub(in crate::broker) fn commit(&self, at: GroupQueue<'_>, offset: i64) {
        let mut table = self.table.lock();
        let waits = !table.resets.is_empty() && find(&table.resets, at).is_some();
        if !waits && put(&mut table.committed, at, offset) {
            self.changed.store(true, Ordering::Release);
        }
    }

    /// Resets the group to `offset`. Commits of its members are ignored until one has pulled from
    /// there.
    pub(in crate::broker) fn reset(&self, at: GroupQueue<'_>, offset: i64) {
        let mut table = self.table.lock();
        put(&mut table.committed, at, offset);
        put(&mut table.resets, at, offset);
        table.untold.insert(at.to_owned());
        self.changed.store(true, Ordering::Release);
    }

    /// Whether any reset is pending.
    pub(in crate::broker) fn has_resets(&self) -> bool {
        !self.table.lock().resets.is_empty()
    }

    /// The offset at which a member that asks goes on: it knows of a reset by that.
    pub(in crate::broker) fn told(&self, at: GroupQueue<'_>) -> Option<i64> {
        let mut table = self.table.lock();
        if !table.untold.is_empty() {
            table.untold.remove(&at.to_owned());
        }
        table.offset_of(at)
    }

    /// The offset that a pull at `offset` is to be redirected to. The reset is answered to every
    /// pull, because a response may be lost, and ends when a pull comes from its offset.
    pub(in crate::broker) fn pending_reset(&self, at: GroupQueue<'_>, offset: i64) -> Option<i64> {
        let mut table = self.table.lock();
        let reset = find(&table.resets, at)?;
        let is_untold = table.untold.remove(&at.to_owned());
        if reset != offset || is_untold {
            return Some(reset);
        }
        if !broadcasts(at.group) {
            put(&mut table.committed, at, offset);
        }
        let groups = table.resets.get_mut(at.topic)?;
        let queues = groups.get_mut(at.group)?;
        queues.remove(&at.queue);
        groups.retain(|_, queues| !queues.is_empty());
        table.resets.retain(|_, groups| !groups.is_empty());
        self.changed.store(true, Ordering::Release);
        None
    }

    /// Removes a deleted topic that had `queues` queues. If it is created again, its former groups
    /// and the `living` readers are reset to 0, because their offsets are those of the deleted
    /// topic.
    pub(in crate::broker) fn forget_topic(
        &self,
        topic: &str,
        living: BTreeSet<ByteString>,
        queues: i32,
    ) {
        let mut table = self.table.lock();
        let committed = table.committed.remove(topic).unwrap_or_default();
        let mut resets = table.resets.remove(topic).unwrap_or_default();
        table.untold.retain(|(of, ..)| of != topic);
        for group in committed.into_keys().chain(living) {
            resets.entry(group).or_default();
        }
        for reset in resets.values_mut() {
            let earlier = std::mem::take(reset).into_keys();
            *reset = earlier.chain(0..queues).map(|queue| (queue, 0)).collect();
        }
        if !resets.is_empty() {
            table.resets.insert(topic.into(), resets);
            self.changed.store(true, Ordering::Release);
        }
    }

    /// Removes a group.
    pub(in crate::broker) fn forget_group(&self, group: &str) {
        let mut table = self.table.lock();
        let OffsetsTable {
            committed,
            resets,
            untold,
            ..
        } = &mut *table;
        untold.retain(|(_, reader, _)| !is_of_group(reader, group));
        for by_topic in [committed, resets] {
            for groups in by_topic.values_mut() {
                let before = groups.len();
                groups.retain(|reader, _| !is_of_group(reader, group));
                if groups.len() != before {
                    self.changed.store(true, Ordering::Release);
                }
            }
            by_topic.retain(|_, groups| !groups.is_empty());
        }
    }

    /// Saves the file if anything has changed since the last save.
    pub(in crate::broker) async fn save(&self) -> Result<(), FileError> {
        if !self.changed.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        let saved = self.file.save(|| self.content()).await;
        if saved.is_err() {
            self.changed.store(true, Ordering::Release);
        }
        saved
    }

    fn content(&self) -> bytes::Bytes {
        let saved = {
            let mut table = self.table.lock();
            table.version = table.version.next(self.clock.now_ms());
            table.to_saved()
        };
        fastjson::write(&saved)
    }
}

/// A queue of the group `shop`.
#[cfg(test)]
pub(in crate::broker) fn at(queue: i32) -> GroupQueue<'static> {
    GroupQueue {
        group: "shop",
        topic: "orders",
        queue,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::disk::MemoryDisk;

    fn disk() -> Arc<dyn Disk> {
        Arc::new(MemoryDisk::default())
    }

    fn open(disk: &Arc<dyn Disk>) -> Offsets {
        Offsets::open(disk, Path::new("/s"), Clock::manual(0)).unwrap()
    }

    #[tokio::test]
    async fn what_was_committed_is_there_after_a_restart_in_apache_s_form() {
        let disk = disk();
        let offsets = open(&disk);
        offsets.commit(at(0), 7);
        offsets.commit(at(1), 9);
        offsets.commit(at(1), 3);
        offsets.save().await.unwrap();

        let text = disk
            .read(Path::new("/s/config/consumerOffset.json"))
            .unwrap()
            .unwrap();
        let text = String::from_utf8(text.to_vec()).unwrap();
        assert!(
            text.contains(r#""offsetTable":{"orders@shop":{"0":7,"1":3}}"#),
            "{text}"
        );
        assert_eq!(open(&disk).committed(at(1)), Some(3));
        assert_eq!(open(&disk).committed(at(2)), None);
    }

    #[test]
    fn the_bare_keys_of_apache_are_read() {
        let disk = disk();
        let apache = b"{\"offsetTable\":{\"orders@shop\":{0:5,1:6}}, \"groupTopicMap\":{}}";
        disk.replace(Path::new("/s/config/consumerOffset.json"), apache)
            .unwrap();

        assert_eq!(open(&disk).committed(at(1)), Some(6));
    }

    #[test]
    fn a_reset_holds_against_reports_until_it_is_pulled_from() {
        let offsets = open(&disk());
        offsets.commit(at(0), 100);
        offsets.reset(at(0), 5);

        offsets.commit(at(0), 101);
        assert_eq!(offsets.committed(at(0)), Some(5));
        assert_eq!(offsets.pending_reset(at(1), 101), None);
        for _lost in 0..2 {
            assert_eq!(offsets.pending_reset(at(0), 101), Some(5));
        }
        assert_eq!(offsets.pending_reset(at(0), 5), None);
        assert_eq!(offsets.pending_reset(at(0), 101), None);

        offsets.commit(at(0), 6);
        assert_eq!(offsets.committed(at(0)), Some(6));
    }

    #[tokio::test]
    async fn an_offset_beyond_the_end_of_its_queue_is_set_to_the_end_and_its_consumer_sent_there() {
        let disk = disk();
        let offsets = open(&disk);
        for queue in 0..3 {
            offsets.commit(at(queue), 7);
        }

        offsets.correct(|_, queue| {
            if queue == 0 {
                7
            } else {
                5 * i64::from(queue - 1)
            }
        });
        offsets.save().await.unwrap();

        assert_eq!(offsets.pending_reset(at(0), 7), None);
        assert_eq!(offsets.pending_reset(at(1), 7), Some(0));
        let again = open(&disk);
        let committed = [0, 1, 2].map(|queue| again.committed(at(queue)));
        assert_eq!(committed, [Some(7), Some(0), Some(5)]);
    }

    #[test]
    fn a_commit_beyond_the_end_of_the_queue_does_not_count() {
        let offsets = open(&disk());

        offsets.commit_up_to(QueueOffset(5), at(0), 6);
        assert_eq!(offsets.committed(at(0)), None);
        offsets.commit_up_to(QueueOffset(5), at(0), 5);
        assert_eq!(offsets.committed(at(0)), Some(5));
    }

    #[test]
    fn a_broadcasting_member_is_forgotten_with_its_group() {
        let offsets = open(&disk());
        let names = ["shop", "shopper"].map(|group| broadcaster(group, "127.0.0.1@1"));
        offsets.forget_topic("orders", BTreeSet::from(names.clone()), 1);
        let sent_to = |group: &str| offsets.pending_reset(GroupQueue { group, ..at(0) }, 7);
        assert_eq!(names.each_ref().map(|name| sent_to(name)), [Some(0); 2]);

        offsets.forget_group("shop");

        assert_eq!(names.each_ref().map(|name| sent_to(name)), [None, Some(0)]);
    }

    #[test]
    fn a_topic_and_a_group_can_be_forgotten() {
        let offsets = open(&disk());
        let other = GroupQueue {
            topic: "other",
            ..at(0)
        };
        for position in [at(0), other] {
            offsets.commit(position, 1);
        }

        offsets.forget_topic("orders", BTreeSet::from(["other".into()]), 1);
        assert_eq!(offsets.committed(at(0)), Some(0));
        offsets.commit(at(0), 1);
        assert_eq!(offsets.committed(at(0)), Some(0), "it is of the old topic");
        assert_eq!(offsets.pending_reset(at(0), 0), None);
        offsets.commit(at(0), 1);
        assert_eq!(offsets.committed(at(0)), Some(1));
        assert_eq!(offsets.committed(other), Some(1));

        offsets.forget_group("shop");
        assert_eq!(offsets.committed(other), None);
    }
}
