//! Where messages are stored, and for how long: the settings of Apache's `MessageStoreConfig` that
//! matter here.

use std::path::PathBuf;
use std::time::Duration;

use super::rules::Rules;
use crate::settings::Sheet;
use crate::store::{self, Flush, StoreConfig};

/// The size of a consume-queue entry, in bytes.
const QUEUE_ENTRY_BYTES: u64 = 20;

/// Where messages are stored, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storage {
    /// The store's directory.
    pub root: PathBuf,
    /// The commit log's directory, when it is not `commitlog` below the root.
    pub commit_log: Option<PathBuf>,
    /// When a message counts as stored.
    pub flush: FlushMode,
    /// Bytes of a commit log file.
    pub segment_size: u64,
    /// Bytes of a consume queue file.
    pub queue_file_size: u64,
    /// Whether messages can be found by key.
    pub index: bool,
    /// How long messages are kept.
    pub retention: RetentionSettings,
    /// The share of the machine's memory, in percent, that the newest messages are assumed to
    /// occupy.
    pub in_memory_percent: u8,
}

/// When a message counts as stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FlushMode {
    /// When it is on disk.
    #[default]
    Sync,
    /// When it is in the page cache; it is flushed within 200 ms or 4 MiB.
    Interval,
}

/// How long messages are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetentionSettings {
    /// Files whose last message is older are deleted.
    pub reserved: Duration,
    /// The hours of the day at which that is done.
    pub hours: Vec<u8>,
    /// Above this share of the disk, in percent, expired files are deleted at any hour.
    pub disk_full_percent: u8,
    /// Above this share, in percent, the oldest files are deleted although they have not expired;
    /// `None`: never.
    pub disk_forced_percent: Option<u8>,
    /// Above this share, in percent, no more is written.
    pub disk_closed_percent: u8,
}

impl Storage {
    /// The configuration of the store.
    pub(super) fn for_store(&self, rules: &Rules) -> StoreConfig {
        let percent = |percent: u8| f64::from(percent) / 100.0;
        let kept = &self.retention;
        StoreConfig {
            commit_log: self
                .commit_log
                .clone()
                .unwrap_or_else(|| self.root.join("commitlog")),
            segment_size: self.segment_size,
            queue_file_entries: self.queue_file_size / QUEUE_ENTRY_BYTES,
            flush: match self.flush {
                FlushMode::Sync => Flush::Sync,
                FlushMode::Interval => Flush::INTERVAL,
            },
            retention: store::Retention {
                keep: kept.reserved,
                hours: kept.hours.clone(),
                zone: store::Zone::local(),
                max_used: percent(kept.disk_full_percent),
                // A ratio that is never reached.
                force_used: kept.disk_forced_percent.map_or(f64::INFINITY, percent),
                refuse_used: percent(kept.disk_closed_percent),
            },
            max_message_size: usize::try_from(rules.max_message_size).unwrap_or(usize::MAX),
            index: self.index,
            delays: rules.delay_levels.iter().map(|(_, delay)| delay).collect(),
            in_memory: store::share_of(store::total_memory(), self.in_memory_percent),
            ..StoreConfig::new(&self.root)
        }
    }
}

pub(super) fn read(sheet: &mut Sheet) -> Storage {
    const MIN_SEGMENT_SIZE: u64 = 64 * 1024;
    const MAX_FILE_SIZE: u64 = i32::MAX.unsigned_abs() as u64;

    let commit_log = sheet.checked("storePathCommitLog", |text| {
        Ok::<_, String>(PathBuf::from(text))
    });
    Storage {
        root: PathBuf::from(sheet.text("storePathRootDir")),
        commit_log: Some(commit_log).filter(|path| !path.as_os_str().is_empty()),
        flush: sheet.checked("flushDiskType", |text| match text {
            "SYNC_FLUSH" | "sync" => Ok(FlushMode::Sync),
            "ASYNC_FLUSH" | "interval" => Ok(FlushMode::Interval),
            _ => Err(format!("is `{text}`, expected SYNC_FLUSH or ASYNC_FLUSH")),
        }),
        segment_size: sheet.number(
            "mappedFileSizeCommitLog",
            &(MIN_SEGMENT_SIZE..=MAX_FILE_SIZE),
        ),
        queue_file_size: queue_file_size(sheet),
        index: sheet.truth("messageIndexEnable"),
        retention: retention(sheet),
        in_memory_percent: sheet.number("accessMessageInMemoryMaxRatio", &(0..=100)),
    }
}

/// The tutorials write `mapedFileSizeConsumeQueue=300000` and mean entries; Apache's program takes
/// it as bytes and makes files of 15,000 entries.
fn queue_file_size(sheet: &mut Sheet) -> u64 {
    const KEY: &str = "mappedFileSizeConsumeQueue";
    const ENTRIES: u64 = 300_000;
    const MAX_FILE_SIZE: u64 = ENTRIES * QUEUE_ENTRY_BYTES * 100;

    let is_entries = sheet.setting(KEY).is_some_and(|setting| {
        setting.key == "mapedFileSizeConsumeQueue" && setting.value == ENTRIES.to_string()
    });
    let size = sheet.checked(KEY, |text| match text.parse::<u64>() {
        Ok(size)
            if size % QUEUE_ENTRY_BYTES == 0
                && (QUEUE_ENTRY_BYTES..=MAX_FILE_SIZE).contains(&size) =>
        {
            Ok(size)
        }
        _ => Err(format!(
            "is `{text}`, expected bytes: a multiple of {QUEUE_ENTRY_BYTES} up to {MAX_FILE_SIZE}"
        )),
    });
    if !is_entries {
        return size;
    }
    let bytes = size.saturating_mul(QUEUE_ENTRY_BYTES);
    sheet.warn(
        KEY,
        format!("taken as {size} entries; the key means bytes, write `{KEY}={bytes}`"),
    );
    bytes
}

fn retention(sheet: &mut Sheet) -> RetentionSettings {
    let hours: u64 = sheet.number("fileReservedTime", &(1..=24 * 365 * 100));
    let mut percent = |key| sheet.number(key, &(1..=100_u8));
    let full = percent("diskMaxUsedSpaceRatio");
    let forced = percent("diskSpaceCleanForciblyRatio");
    let closed = percent("diskSpaceWarningLevelRatio");
    RetentionSettings {
        reserved: Duration::from_secs(hours.saturating_mul(3600)),
        hours: sheet.checked("deleteWhen", hours_of_day),
        disk_full_percent: full,
        disk_forced_percent: sheet.truth("cleanFileForciblyEnable").then_some(forced),
        disk_closed_percent: closed,
    }
}

fn hours_of_day(text: &str) -> Result<Vec<u8>, String> {
    let hours = text
        .split(';')
        .map(str::trim)
        .filter(|hour| !hour.is_empty());
    let hours: Vec<u8> = hours
        .map(|hour| match hour.parse() {
            Ok(hour @ 0..=23) => Ok(hour),
            _ => Err(format!(
                "is `{text}`, expected hours from 00 to 23, several as 04;16"
            )),
        })
        .collect::<Result<_, _>>()?;
    if hours.is_empty() {
        return Err("names no hour, expected 00 to 23".to_owned());
    }
    Ok(hours)
}
