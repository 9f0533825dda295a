//! All consume queues of a store.
//!
//! Derived from the log; entries gather in memory and reach their file in blocks. No file is kept
//! open and none is mapped, so that there can be very many queues.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::entry::QueueEntry;
use super::queue::Queue;
use crate::message::TopicName;
use crate::store::derived::{Derived, StoredRecord};
use crate::store::disk::Disk;
use crate::store::error::{StoreError, at};
use crate::store::paths::Paths;

#[derive(Debug)]
pub(in crate::store) struct ConsumeQueues {
    paths: Paths,
    disk: Arc<dyn Disk>,
    file_entries: u64,
    topics: RwLock<HashMap<TopicName, BTreeMap<i32, Arc<Queue>>>>,
    /// Queues with entries that are in no file yet.
    dirty: Mutex<Vec<Arc<Queue>>>,
    /// Files with entries that may not survive a loss of power.
    unsynced: Mutex<Vec<PathBuf>>,
    /// Held while files are written, so that none comes back after its topic was deleted.
    storing: Mutex<()>,
}

impl ConsumeQueues {
    pub(in crate::store) fn new(paths: Paths, disk: Arc<dyn Disk>, file_entries: u64) -> Self {
        Self {
            paths,
            disk,
            file_entries,
            topics: RwLock::default(),
            dirty: Mutex::default(),
            unsynced: Mutex::default(),
            storing: Mutex::default(),
        }
    }

    pub(in crate::store) fn find(&self, topic: &str, queue_id: i32) -> Option<Arc<Queue>> {
        self.topics.read().get(topic)?.get(&queue_id).cloned()
    }

    pub(in crate::store) fn find_or_create(&self, topic: &TopicName, queue_id: i32) -> Arc<Queue> {
        if let Some(queue) = self.find(topic.as_str(), queue_id) {
            return queue;
        }
        let mut topics = self.topics.write();
        let queues = topics.entry(topic.clone().detached()).or_default();
        let queue = queues.entry(queue_id).or_insert_with(|| {
            let directory = self.paths.queue(topic.as_str(), queue_id);
            let topic = topic.clone().detached();
            Arc::new(Queue::new(topic, queue_id, directory, self.file_entries))
        });
        Arc::clone(queue)
    }

    /// Adds the entry at the queue offset `index`; one that is there already is left alone.
    pub(in crate::store) fn put(&self, queue: &Arc<Queue>, index: u64, entry: QueueEntry) {
        if queue.put(index, entry) {
            self.dirty.lock().push(Arc::clone(queue));
        }
    }

    /// Makes `next` the least queue offset that the queue's next message can get; see
    /// [`Queue::advance_to`].
    pub(in crate::store) fn advance_to(&self, queue: &Arc<Queue>, next: u64, begin: u64) {
        if queue.advance_to(next, begin) {
            self.dirty.lock().push(Arc::clone(queue));
        }
    }

    pub(in crate::store) fn list(&self) -> Vec<(TopicName, Vec<i32>)> {
        let topics = self.topics.read();
        let ids = |queues: &BTreeMap<i32, Arc<Queue>>| queues.keys().copied().collect();
        topics
            .iter()
            .map(|(topic, queues)| (topic.clone(), ids(queues)))
            .collect()
    }

    pub(in crate::store) fn all(&self) -> Vec<(TopicName, i32, Arc<Queue>)> {
        let topics = self.topics.read();
        let queues = topics.iter().flat_map(|(topic, queues)| {
            queues
                .iter()
                .map(|(id, queue)| (topic.clone(), *id, Arc::clone(queue)))
        });
        queues.collect()
    }

    /// Takes a topic out of the table; its files stay.
    pub(in crate::store) fn forget_topic(&self, topic: &str) {
        self.topics.write().remove(topic);
    }

    /// Removes the files of a topic that was forgotten.
    pub(in crate::store) fn remove_topic(&self, topic: &str) -> Result<(), StoreError> {
        let _alone = self.storing.lock();
        let directory = self.paths.topic(topic);
        self.dirty
            .lock()
            .retain(|queue| !queue.is_below(&directory));
        self.unsynced
            .lock()
            .retain(|path| !path.starts_with(&directory));
        self.disk
            .remove(&directory)
            .map_err(at("remove", &directory))
    }

    /// Writes an entry again that was damaged.
    pub(in crate::store) fn rewrite(
        &self,
        queue: &Queue,
        index: u64,
        entry: QueueEntry,
    ) -> Result<(), StoreError> {
        let _alone = self.storing.lock();
        let written = queue.rewrite(&*self.disk, index, entry)?;
        self.unsynced.lock().extend(written);
        Ok(())
    }

    /// The queues that have a directory. What is named after no topic or no queue is passed over, as
    /// `lost+found` where a file system of its own is mounted (`ConsumeQueueStore.loadConsumeQueues`).
    fn directories(&self) -> Result<Vec<(TopicName, i32)>, StoreError> {
        let list = |directory: &Path| self.disk.list(directory).map_err(at("list", directory));
        let mut queues = Vec::new();
        for topic in list(&self.paths.consume_queues())? {
            let Some(name) = TopicName::new(topic.name).ok().filter(|_| topic.directory) else {
                continue;
            };
            for queue in list(&self.paths.topic(name.as_str()))? {
                let id = queue.name.parse().ok().filter(|_| queue.directory);
                queues.extend(id.map(|id| (name.clone(), id)));
            }
        }
        Ok(queues)
    }
}

/// The queues that records went to last, so that each of the few queues of one write is looked up once.
#[derive(Default)]
struct RecentQueues(Vec<Arc<Queue>>);

impl RecentQueues {
    /// Looking through more costs as much as the lookup.
    const MAX: usize = 8;

    fn find_or_create(&mut self, all: &ConsumeQueues, topic: &TopicName, id: i32) -> Arc<Queue> {
        let mut recent = self.0.iter();
        if let Some(queue) = recent.find(|queue| queue.is_of(topic.as_str(), id)) {
            return Arc::clone(queue);
        }
        let queue = all.find_or_create(topic, id);
        self.0.truncate(Self::MAX - 1);
        self.0.insert(0, Arc::clone(&queue));
        queue
    }
}

impl Derived for ConsumeQueues {
    fn load(&self, trusted: u64, log: Range<u64>) -> Result<bool, StoreError> {
        let mut whole = true;
        for (topic, id) in self.directories()? {
            let queue = self.find_or_create(&topic, id);
            let mut loaded = queue.load(&*self.disk, trusted, log.end)?;
            self.unsynced.lock().append(&mut loaded.cut);
            whole &= loaded.whole;
        }
        Ok(whole)
    }

    fn apply(&self, records: &[StoredRecord<'_>]) {
        let mut recent = RecentQueues::default();
        for record in records.iter().filter(|record| record.facts.has_queue_entry) {
            let queue = recent.find_or_create(self, record.topic, record.queue_id);
            let entry = QueueEntry {
                offset: record.position.physical_offset.0,
                size: record.size,
                tag: record.facts.tag_code(record.position.store_timestamp),
            };
            self.put(&queue, record.position.queue_offset.0, entry);
        }
    }

    fn store(&self, visible: u64) -> Result<(), StoreError> {
        let _alone = self.storing.lock();
        let dirty = std::mem::take(&mut *self.dirty.lock());
        let mut written = Vec::new();
        let mut outcome = Ok(());
        for queue in dirty {
            let left = match queue.store(&*self.disk, visible, &mut written) {
                Ok(left) => left,
                Err(error) => {
                    // It stays on the list, and the others have their turn.
                    outcome = Err(error);
                    true
                }
            };
            if left {
                self.dirty.lock().push(queue);
            }
        }
        self.unsynced.lock().append(&mut written);
        outcome
    }

    fn sync(&self, _end: u64) -> Result<(), StoreError> {
        let mut files = std::mem::take(&mut *self.unsynced.lock());
        files.sort_unstable();
        files.dedup();
        let mut outcome = Ok(());
        for path in files {
            match self.disk.open(&path).and_then(|file| file.sync()) {
                Ok(()) => {}
                // Its topic was deleted meanwhile.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => {
                    outcome = Err(at("sync", &path)(error));
                    self.unsynced.lock().push(path);
                }
            }
        }
        outcome
    }

    fn drop_before(&self, begin: u64) -> Result<(), StoreError> {
        for (_, _, queue) in self.all() {
            queue.drop_before(&*self.disk, begin)?;
        }
        Ok(())
    }

    fn clear(&self) -> Result<(), StoreError> {
        self.topics.write().clear();
        self.dirty.lock().clear();
        self.unsynced.lock().clear();
        for (topic, id) in self.directories()? {
            let directory = self.paths.queue(topic.as_str(), id);
            self.disk
                .remove(&directory)
                .map_err(at("remove", &directory))?;
        }
        Ok(())
    }
}
