//! Keys and values that people leave with the name server, kept in one file (`KVConfigManager`).
//!
//! The file is always a whole one: a new one is written, synced and put in the old one's place.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bytestring::ByteString;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::wire::fastjson::{self, BodyError};

/// The namespace that clients read: topics that are ordered over several brokers.
pub(super) const ORDER_TOPIC_CONFIG: &str = "ORDER_TOPIC_CONFIG";

/// Why the keys and values could not be kept or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KvConfigError {
    /// The disk refused.
    #[error("could not {action} `{path}`: {source}")]
    Disk {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file is there, but it is no such file.
    #[error("`{path}` is no table of keys and values, repair it or move it away: {source}")]
    Content {
        /// The file.
        path: PathBuf,
        /// Where it ceases to be one.
        source: BodyError,
    },
}

type Namespace = BTreeMap<ByteString, ByteString>;

/// The keys and values, by namespace.
#[derive(Debug, Default)]
pub(super) struct KvConfig {
    tables: Mutex<Tables>,
    path: Option<PathBuf>,
    /// Held while the file is written, so that the last change is the one that stays.
    writing: tokio::sync::Mutex<()>,
}

/// The file (`KVConfigSerializeWrapper`).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Tables {
    config_table: BTreeMap<ByteString, Namespace>,
}

impl KvConfig {
    /// Reads the file at `path`, which need not be there yet; without one everything is forgotten
    /// at the end.
    pub(super) fn open(path: Option<PathBuf>) -> Result<Self, KvConfigError> {
        let tables = match &path {
            Some(path) => read(path)?,
            None => Tables::default(),
        };
        Ok(Self {
            tables: Mutex::new(tables),
            path,
            writing: tokio::sync::Mutex::default(),
        })
    }

    pub(super) fn value(&self, namespace: &str, key: &str) -> Option<ByteString> {
        let tables = self.tables.lock();
        tables.config_table.get(namespace)?.get(key).cloned()
    }

    pub(super) fn namespace(&self, namespace: &str) -> Option<Namespace> {
        self.tables.lock().config_table.get(namespace).cloned()
    }

    /// Sets a key; done when the file has it.
    pub(super) async fn put(
        &self,
        namespace: &str,
        key: &str,
        value: &str,
    ) -> Result<(), KvConfigError> {
        {
            let mut tables = self.tables.lock();
            let namespace = tables.config_table.entry(namespace.into()).or_default();
            namespace.insert(key.into(), value.into());
        }
        self.write().await
    }

    /// Deletes a key, if it is there; done when the file no longer has it.
    pub(super) async fn delete(&self, namespace: &str, key: &str) -> Result<(), KvConfigError> {
        let deleted = {
            let mut tables = self.tables.lock();
            let namespace = tables.config_table.get_mut(namespace);
            namespace.and_then(|namespace| namespace.remove(key))
        };
        match deleted {
            Some(_) => self.write().await,
            None => Ok(()),
        }
    }

    async fn write(&self) -> Result<(), KvConfigError> {
        let Some(path) = self.path.clone() else {
            return Ok(());
        };
        let _writing = self.writing.lock().await;
        let text = fastjson::write(&*self.tables.lock());
        let written = tokio::task::spawn_blocking({
            let path = path.clone();
            move || replace(&path, &text)
        });
        match written.await {
            Ok(outcome) => outcome,
            Err(ended) => Err(disk("write", &path)(io::Error::other(ended))),
        }
    }
}

fn read(path: &Path) -> Result<Tables, KvConfigError> {
    match fs::read(path) {
        Ok(text) => fastjson::read(&text).map_err(|source| KvConfigError::Content {
            path: path.to_owned(),
            source,
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Tables::default()),
        Err(error) => Err(disk("read", path)(error)),
    }
}

fn replace(path: &Path, text: &[u8]) -> Result<(), KvConfigError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder).map_err(disk("create", folder))?;
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".tmp");
    let fresh = PathBuf::from(fresh);
    let mut file = File::create(&fresh).map_err(disk("create", &fresh))?;
    let written = file.write_all(text).and_then(|()| file.sync_all());
    written.map_err(disk("write", &fresh))?;
    fs::rename(&fresh, path).map_err(disk("replace", path))?;
    // Only Unix opens a folder as a file; elsewhere the name is as durable as the system makes it.
    if cfg!(unix) {
        let folder_synced = File::open(folder).and_then(|folder| folder.sync_all());
        folder_synced.map_err(disk("sync", folder))?;
    }
    Ok(())
}

fn disk(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> KvConfigError {
    let path = path.to_owned();
    move |source| KvConfigError::Disk {
        action,
        path,
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_put_is_there_after_a_restart_and_what_was_deleted_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = Some(folder.path().join("new folder/kvConfig.json"));
        let config = KvConfig::open(path.clone()).unwrap();
        config.put("N", "kept", "größer").await.unwrap();
        config.put("N", "gone", "x").await.unwrap();
        config.delete("N", "gone").await.unwrap();
        config.delete("M", "never there").await.unwrap();

        let config = KvConfig::open(path).unwrap();

        assert_eq!(config.value("N", "kept").as_deref(), Some("größer"));
        assert_eq!(config.value("N", "gone"), None);
    }

    #[tokio::test]
    async fn apache_s_file_is_read_and_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kvConfig.json");
        let text = br#"{"configTable":{"ORDER_TOPIC_CONFIG":{"t":"a:4;b:4"}}}"#;
        replace(&path, text).unwrap();

        let config = KvConfig::open(Some(path.clone())).unwrap();
        assert_eq!(
            config.value(ORDER_TOPIC_CONFIG, "t").as_deref(),
            Some("a:4;b:4")
        );
        config
            .put(ORDER_TOPIC_CONFIG, "t", "a:4;b:4")
            .await
            .unwrap();

        assert_eq!(fs::read(&path).unwrap(), text);
    }

    #[test]
    fn a_file_that_is_none_is_named_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kvConfig.json");
        replace(&path, b"{\"configTable\":[").unwrap();

        let error = KvConfig::open(Some(path.clone())).unwrap_err();

        assert!(error.to_string().contains("kvConfig.json"), "{error}");
        assert!(path.exists());
    }
}
