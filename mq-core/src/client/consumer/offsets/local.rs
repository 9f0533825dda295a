//! Offsets in a file (`LocalFileOffsetStore`), in Apache's layout: objects as keys, and the state
//! before in `offsets.json.bak`.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::client::ConsumerConfig;
use crate::message::{MessageQueue, QueueOffset};
use crate::wire::fastjson;

#[derive(Debug)]
pub(super) struct LocalFile {
    path: PathBuf,
    /// What the file says; held while it is written.
    kept: Arc<Mutex<HashMap<MessageQueue, QueueOffset>>>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Written {
    offset_table: BTreeMap<MessageQueue, i64>,
}

impl LocalFile {
    /// `<directory>/<client id>/<group>/offsets.json`.
    pub(super) fn of(config: &ConsumerConfig, client_id: &str) -> Self {
        let directory = config.offset_directory.clone().unwrap_or_else(|| {
            let home = std::env::home_dir().unwrap_or_default();
            home.join(".rocketmq_offsets")
        });
        let path = directory.join(client_id).join(config.group.as_str());
        Self {
            path: path.join("offsets.json"),
            kept: Arc::default(),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What the file says, or the one before it when this one is damaged; nothing when there is
    /// none.
    pub(super) fn read(&self) -> io::Result<HashMap<MessageQueue, QueueOffset>> {
        match read(&self.path) {
            Ok(offsets) => Ok(offsets),
            Err(error) => match (read(&self.backup()), error.kind()) {
                (Ok(offsets), _) => {
                    let path = self.path.display();
                    tracing::warn!(%path, %error, "going on with the offsets saved before");
                    Ok(offsets)
                }
                (Err(_), io::ErrorKind::NotFound) => Ok(HashMap::new()),
                (Err(_), _) => Err(error),
            },
        }
    }

    /// Writes `offsets`, unless the file says so already. A failure is logged: the next time makes
    /// up for it.
    pub(super) async fn keep(&self, offsets: HashMap<MessageQueue, QueueOffset>) {
        let (path, kept) = (self.path.clone(), Arc::clone(&self.kept));
        let written = tokio::task::spawn_blocking(move || {
            let mut kept = kept.lock();
            if *kept != offsets {
                write(&path, &offsets)?;
                *kept = offsets;
            }
            Ok::<_, io::Error>(())
        });
        if let Err(error) = written.await.unwrap_or_else(|error| Err(error.into())) {
            let path = self.path.display();
            tracing::error!(%path, %error, "could not keep the offsets");
        }
    }

    fn backup(&self) -> PathBuf {
        backup(&self.path)
    }
}

/// Replaces the file: never is there a moment without a whole one.
fn write(path: &Path, offsets: &HashMap<MessageQueue, QueueOffset>) -> io::Result<()> {
    let offsets = offsets
        .iter()
        .map(|(queue, offset)| (queue.clone(), offset.to_wire()));
    let text = fastjson::write(&Written {
        offset_table: offsets.collect(),
    });
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let temporary = path.with_extension("json.tmp");
    let mut file = File::create(&temporary)?;
    file.write_all(&text)?;
    file.sync_all()?;
    if path.exists() {
        fs::rename(path, backup(path))?;
    }
    fs::rename(&temporary, path)
}

fn backup(path: &Path) -> PathBuf {
    path.with_extension("json.bak")
}

fn read(path: &Path) -> io::Result<HashMap<MessageQueue, QueueOffset>> {
    let text = fs::read(path)?;
    let written: Written =
        fastjson::read(&text).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    let offsets = written.offset_table.into_iter();
    Ok(offsets
        .filter_map(|(queue, offset)| Some((queue, QueueOffset::from_wire(offset)?)))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{GroupName, TopicName};

    fn file(directory: &Path) -> LocalFile {
        let mut config = ConsumerConfig::new(GroupName::new("g").unwrap());
        config.offset_directory = Some(directory.to_owned());
        LocalFile::of(&config, "127.0.0.1@DEFAULT")
    }

    fn at(offset: u64) -> HashMap<MessageQueue, QueueOffset> {
        let queue = MessageQueue::new(TopicName::new("t").unwrap(), "b", 0);
        HashMap::from([(queue, QueueOffset(offset))])
    }

    #[test]
    fn the_file_is_apaches() {
        let directory = tempfile::tempdir().unwrap();
        let file = file(directory.path());
        assert_eq!(file.read().unwrap(), HashMap::new());

        write(file.path(), &at(12)).unwrap();

        let path = directory.path().join("127.0.0.1@DEFAULT/g/offsets.json");
        assert_eq!(
            fs::read_to_string(path).unwrap(),
            r#"{"offsetTable":{{"brokerName":"b","queueId":0,"topic":"t"}:12}}"#
        );
        assert_eq!(file.read().unwrap(), at(12));
    }

    #[test]
    fn when_the_file_is_damaged_the_one_before_counts() {
        let directory = tempfile::tempdir().unwrap();
        let file = file(directory.path());
        write(file.path(), &at(12)).unwrap();
        write(file.path(), &at(13)).unwrap();

        File::create(file.path())
            .unwrap()
            .write_all(b"{\"offsetTa")
            .unwrap();
        assert_eq!(file.read().unwrap(), at(12));

        fs::remove_file(file.path()).unwrap();
        assert_eq!(file.read().unwrap(), at(12));
    }

    #[test]
    fn a_damaged_file_without_another_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let file = file(directory.path());
        fs::create_dir_all(file.path().parent().unwrap()).unwrap();
        File::create(file.path()).unwrap().write_all(b"{").unwrap();

        assert_eq!(file.read().unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
