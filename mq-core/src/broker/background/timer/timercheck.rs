//! `config/timercheck`, by which Apache's broker knows how far its timer wheel is (`TimerCheckpoint`):
//! seven numbers of eight bytes at the beginning of a page.
//!
//! When we have had the store its wheel is empty: it is filled again from the smallest queue offset of
//! a message that waits.

use std::io;
use std::path::{Path, PathBuf};

use bytes::{Buf, BufMut};

use super::progress::TimerProgress;
use crate::store::{MessageStore, StoreError};

const PAGE: usize = 4096;
const NUMBERS: usize = 7;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Timercheck([i64; NUMBERS]);

impl Timercheck {
    /// What Apache's broker is to know of `progress`.
    pub(super) fn of(progress: &TimerProgress, now_ms: i64) -> Self {
        let offset = i64::try_from(progress.least).unwrap_or(i64::MAX);
        Self([progress.delivered_until, 0, offset, offset, 0, now_ms, 0])
    }

    /// What is due later than `now_ms` was not delivered, whatever a damaged file says, or one that was
    /// written before the clock was set back.
    pub(super) fn not_after(mut self, now_ms: i64) -> Self {
        self.0[0] = self.0[0].min(now_ms);
        self
    }

    pub(super) fn numbers(&self) -> &[i64] {
        &self.0
    }

    /// What is due before this time was delivered, if the wheel had it (`lastReadTimeMs`).
    pub(super) fn delivered_until(&self) -> i64 {
        self.0[0]
    }

    /// Queue offsets from this one on were not taken into the wheel (`lastTimerQueueOffset`).
    pub(super) fn taken_until(&self) -> u64 {
        u64::try_from(self.0[2].min(self.0[3])).unwrap_or(0)
    }
}

fn path(store: &MessageStore) -> PathBuf {
    store.config().root.join("config").join("timercheck")
}

fn at(action: &'static str, path: &Path, source: io::Error) -> StoreError {
    StoreError::Disk {
        action,
        path: path.to_owned(),
        source,
    }
}

/// Reads the file; `None` when there is none, a shorter one, or one of zeros, which neither broker leaves.
pub(super) fn read(store: &MessageStore) -> Result<Option<Timercheck>, StoreError> {
    let path = path(store);
    let content = store.disk().read(&path);
    let content = content.map_err(|source| at("read", &path, source))?;
    let Some(mut content) = content.filter(|content| content.len() >= NUMBERS * size_of::<i64>())
    else {
        return Ok(None);
    };
    let check = Timercheck(std::array::from_fn(|_| content.get_i64()));
    Ok(Some(check).filter(|check| *check != Timercheck::default()))
}

pub(super) fn write(store: &MessageStore, check: &Timercheck) -> Result<(), StoreError> {
    let path = path(store);
    let mut content = Vec::with_capacity(PAGE);
    for number in check.0 {
        content.put_i64(number);
    }
    content.resize(PAGE, 0);
    let written = store.disk().replace(&path, &content);
    written.map_err(|source| at("write", &path, source))
}

/// Removes the timer wheel of Apache's broker, which would deliver from it again when it gets the store
/// back. What waits in it must stand in a saved progress.
pub(super) fn remove_wheel(store: &MessageStore) -> Result<(), StoreError> {
    for name in ["timerwheel", "timerlog"] {
        let path = store.config().root.join(name);
        let removed = store.disk().remove(&path);
        removed.map_err(|source| at("remove", &path, source))?;
    }
    Ok(())
}
