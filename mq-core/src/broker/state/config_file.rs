//! A file of `config/`. It logs when it cannot be written and when it can be again.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::clock::Clock;
use crate::saved_file::{FileError, SavedFile};
use crate::store::disk::Disk;
use crate::troubles::Troubles;
use crate::wire::fastjson;

#[derive(Debug)]
pub(in crate::broker) struct ConfigFile {
    file: SavedFile,
    name: &'static str,
    unsaved: Troubles<()>,
}

impl ConfigFile {
    /// The file `name` of the store at `root`, and what it holds.
    pub(in crate::broker) fn open<T: Default + DeserializeOwned>(
        disk: &Arc<dyn Disk>,
        root: &Path,
        name: &'static str,
        clock: &Clock,
    ) -> Result<(Self, T), FileError> {
        let path = root.join("config").join(name);
        let files = Arc::<dyn Disk>::clone(disk);
        let (file, value) = SavedFile::open(files, path, |text| fastjson::read(text))?;
        let unsaved = Troubles::new(clock.clone());
        let file = Self {
            file,
            name,
            unsaved,
        };
        Ok((file, value))
    }

    /// As [`SavedFile::save`]. An error is logged here.
    pub(in crate::broker) async fn save(
        &self,
        content: impl FnOnce() -> Bytes,
    ) -> Result<(), FileError> {
        let saved = self.file.save(content).await;
        let file = self.name;
        match &saved {
            Ok(()) if self.unsaved.end(&()) => tracing::info!(file, "the file is saved again"),
            Ok(()) => {}
            Err(error) => {
                if let Some(unlogged) = self.unsaved.begin(()) {
                    tracing::error!(
                        file,
                        %error,
                        unlogged,
                        "the file cannot be saved; saving is retried, and a restart before it succeeds loses \
                             the changes"
                    );
                }
            }
        }
        saved
    }

    /// As [`SavedFile::save_now`].
    pub(in crate::broker) fn save_now(&self, content: &[u8]) -> Result<(), FileError> {
        self.file.save_now(content)
    }
}
