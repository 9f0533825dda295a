//! The key-value table of the name server, stored in one file (`KVConfigManager`).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use bytestring::ByteString;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::saved_file::{FileError, SavedFile, SmallFiles};
use crate::wire::fastjson;

/// The namespace that clients read: topics that are ordered over several brokers.
pub(super) const ORDER_TOPIC_CONFIG: &str = "ORDER_TOPIC_CONFIG";

type Namespace = BTreeMap<ByteString, ByteString>;

/// The keys and values, by namespace.
#[derive(Debug, Default)]
pub(super) struct KvConfig {
    tables: Mutex<Tables>,
    file: Option<SavedFile>,
}

/// The file (`KVConfigSerializeWrapper`).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tables {
    config_table: BTreeMap<ByteString, Namespace>,
}

impl KvConfig {
    /// Reads the file at `path` of `disk`, which need not exist yet. Without a path, the table is in
    /// memory only.
    pub(super) fn open(
        disk: Arc<dyn SmallFiles>,
        path: Option<PathBuf>,
    ) -> Result<Self, FileError> {
        let Some(path) = path else {
            return Ok(Self::default());
        };
        let (file, tables) = SavedFile::open(disk, path, |text| fastjson::read(text))?;
        Ok(Self {
            tables: Mutex::new(tables),
            file: Some(file),
        })
    }

    pub(super) fn value(&self, namespace: &str, key: &str) -> Option<ByteString> {
        let tables = self.tables.lock();
        tables.config_table.get(namespace)?.get(key).cloned()
    }

    pub(super) fn namespace(&self, namespace: &str) -> Option<Namespace> {
        self.tables.lock().config_table.get(namespace).cloned()
    }

    /// Sets a key; returns when the change is in the file.
    pub(super) async fn put(
        &self,
        namespace: &str,
        key: &str,
        value: &str,
    ) -> Result<(), FileError> {
        {
            let mut tables = self.tables.lock();
            let namespace = tables.config_table.entry(namespace.into()).or_default();
            namespace.insert(key.into(), value.into());
        }
        self.write().await
    }

    /// Deletes a key, if it exists; returns when the change is in the file.
    pub(super) async fn delete(&self, namespace: &str, key: &str) -> Result<(), FileError> {
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

    async fn write(&self) -> Result<(), FileError> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let text = || fastjson::write(&*self.tables.lock());
        file.save(text).await
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::saved_file::SystemFiles;

    fn open(path: Option<PathBuf>) -> Result<KvConfig, FileError> {
        KvConfig::open(Arc::new(SystemFiles), path)
    }

    #[tokio::test]
    async fn what_was_put_is_there_after_a_restart_and_what_was_deleted_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = Some(folder.path().join("new folder/kvConfig.json"));
        let config = open(path.clone()).unwrap();
        config.put("N", "kept", "größer").await.unwrap();
        config.put("N", "gone", "x").await.unwrap();
        config.delete("N", "gone").await.unwrap();
        config.delete("M", "never there").await.unwrap();

        let config = open(path).unwrap();

        assert_eq!(config.value("N", "kept").as_deref(), Some("größer"));
        assert_eq!(config.value("N", "gone"), None);
    }

    #[tokio::test]
    async fn apache_s_file_is_read_and_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kvConfig.json");
        let text = br#"{"configTable":{"ORDER_TOPIC_CONFIG":{"t":"a:4;b:4"}}}"#;
        SystemFiles.replace(&path, text).unwrap();

        let config = open(Some(path.clone())).unwrap();
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

    #[tokio::test]
    async fn an_emptied_file_gives_way_to_the_state_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kvConfig.json");
        let config = open(Some(path.clone())).unwrap();
        config.put("N", "first", "1").await.unwrap();
        config.put("N", "second", "2").await.unwrap();

        SystemFiles.replace(&path, b"").unwrap();
        let config = open(Some(path.clone())).unwrap();
        assert_eq!(config.value("N", "first").as_deref(), Some("1"));
        config.put("N", "third", "3").await.unwrap();
        for damage in [&[0; 64][..], b"{}"] {
            SystemFiles.replace(&path, damage).unwrap();

            let config = open(Some(path.clone())).unwrap();
            assert_eq!(config.value("N", "first").as_deref(), Some("1"));
        }
    }

    #[test]
    fn a_file_that_is_none_is_named_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kvConfig.json");
        SystemFiles.replace(&path, b"{\"configTable\":[").unwrap();

        let error = open(Some(path.clone())).unwrap_err();

        assert!(error.to_string().contains("kvConfig.json"), "{error}");
        assert!(path.exists());
    }
}
