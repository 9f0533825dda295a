//! Offsets in a local file (`LocalFileOffsetStore`), in Apache's format, which has objects as keys.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::client::consumer::config::ConsumerConfig;
use crate::message::{MessageQueue, QueueOffset};
use crate::saved_file::{FileError, SavedFile, SystemFiles};
use crate::wire::fastjson;

type OffsetTable = HashMap<MessageQueue, QueueOffset>;

#[derive(Debug)]
pub(super) struct LocalFile {
    file: SavedFile,
    /// The offsets that were saved last.
    saved: Mutex<OffsetTable>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OffsetFileContent {
    offset_table: BTreeMap<MessageQueue, i64>,
}

impl LocalFile {
    /// `<directory>/<client id>/<group>/offsets.json`, and what it says.
    pub(super) fn open(
        config: &ConsumerConfig,
        client_id: &str,
    ) -> Result<(Self, OffsetTable), FileError> {
        let (file, written) =
            SavedFile::open(Arc::new(SystemFiles), path(config, client_id), |text| {
                fastjson::read(text)
            })?;
        let OffsetFileContent { offset_table } = written;
        let known = offset_table
            .into_iter()
            .filter_map(|(queue, offset)| Some((queue, QueueOffset::from_wire(offset)?)));
        let file = Self {
            file,
            saved: Mutex::default(),
        };
        Ok((file, known.collect()))
    }

    /// Writes the offsets in `known` if they have changed since they were last written.
    pub(super) async fn save_changes(&self, known: &Mutex<OffsetTable>) -> Result<(), FileError> {
        let current = || known.lock().clone();
        if *self.saved.lock() == current() {
            return Ok(());
        }
        let mut written = None;
        let saving = self.file.save(|| {
            let offsets = written.insert(current());
            text(offsets)
        });
        saving.await?;
        // `None`: another save was asked for meanwhile and covered this one.
        if let Some(written) = written {
            *self.saved.lock() = written;
        }
        Ok(())
    }
}

fn path(config: &ConsumerConfig, client_id: &str) -> PathBuf {
    let directory = config.offset_directory.clone().unwrap_or_else(|| {
        let home = std::env::home_dir().unwrap_or_default();
        home.join(".rocketmq_offsets")
    });
    let path = directory.join(client_id).join(config.group.as_str());
    path.join("offsets.json")
}

fn text(offsets: &OffsetTable) -> Bytes {
    let offsets = offsets
        .iter()
        .map(|(queue, offset)| (queue.clone(), offset.to_wire()));
    fastjson::write(&OffsetFileContent {
        offset_table: offsets.collect(),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::message::{GroupName, TopicName};
    use crate::saved_file::SmallFiles as _;

    fn open(directory: &Path) -> Result<(LocalFile, OffsetTable), FileError> {
        let mut config = ConsumerConfig::new(GroupName::new("g").unwrap());
        config.offset_directory = Some(directory.to_owned());
        LocalFile::open(&config, "127.0.0.1@DEFAULT")
    }

    fn at(offset: u64) -> OffsetTable {
        let queue = MessageQueue::new(TopicName::new("t").unwrap(), "b", 0);
        HashMap::from([(queue, QueueOffset(offset))])
    }

    #[tokio::test]
    async fn the_file_has_apaches_format() {
        let directory = tempfile::tempdir().unwrap();
        let (file, known) = open(directory.path()).unwrap();
        assert_eq!(known, HashMap::new());

        file.save_changes(&Mutex::new(at(12))).await.unwrap();

        let path = directory.path().join("127.0.0.1@DEFAULT/g/offsets.json");
        assert_eq!(
            fs::read_to_string(path).unwrap(),
            r#"{"offsetTable":{{"brokerName":"b","queueId":0,"topic":"t"}:12}}"#
        );
        assert_eq!(open(directory.path()).unwrap().1, at(12));
    }

    #[tokio::test]
    async fn a_damaged_file_is_replaced_by_its_backup() {
        let directory = tempfile::tempdir().unwrap();
        let (file, _) = open(directory.path()).unwrap();
        file.save_changes(&Mutex::new(at(12))).await.unwrap();
        file.save_changes(&Mutex::new(at(13))).await.unwrap();
        let path = directory.path().join("127.0.0.1@DEFAULT/g/offsets.json");

        for damage in ["", "{}"] {
            SystemFiles.write(&path, damage.as_bytes()).unwrap();
            assert_eq!(open(directory.path()).unwrap().1, at(12));
        }

        fs::remove_file(&path).unwrap();
        assert_eq!(open(directory.path()).unwrap().1, at(12));
    }

    #[tokio::test]
    async fn a_damaged_file_without_a_backup_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let (file, _) = open(directory.path()).unwrap();
        file.save_changes(&Mutex::new(at(12))).await.unwrap();
        let path = directory.path().join("127.0.0.1@DEFAULT/g/offsets.json");
        fs::File::create(&path).unwrap();
        fs::remove_file(path.with_extension("json.bak")).unwrap();

        let error = open(directory.path()).unwrap_err();

        assert!(matches!(error, FileError::Unusable { .. }), "{error}");
    }
}
