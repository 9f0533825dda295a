//! The power goes while a small file is being saved.

use super::*;
use crate::saved_file::{FileError, SavedFile};

const FILE: &str = "/store/config/numbers.json";

fn open_file(disk: &FaultyDisk) -> Result<(SavedFile, Vec<u8>), FileError> {
    let parse = |text: &[u8]| serde_json::from_slice(text);
    SavedFile::open(Arc::new(disk.clone()), FILE, parse)
}

/// Saves `[0]`, `[1]` …; returns how many saves were reported as done.
fn save_on(disk: &FaultyDisk) -> u8 {
    let (file, _) = open_file(disk).unwrap();
    let mut saves = 0..4;
    let refused = saves.find(|n| file.save_now(format!("[{n}]").as_bytes()).is_err());
    refused.unwrap_or(4)
}

#[test]
fn the_power_may_go_at_every_step_of_saving_and_what_was_saved_is_read() {
    let mut random = Random(7);
    for cut in 0.. {
        for _ in 0..8 {
            let disk = FaultyDisk::default();
            disk.cut_power_after(cut);
            let done = save_on(&disk);
            let after = disk.crash(|| random.below(2) == 0);

            let (file, read) = open_file(&after).unwrap_or_else(|e| panic!("cut {cut}: {e}"));

            // The save that was cut short has happened or not, or one name was kept and not the
            // other: then what was saved before is read from the backup.
            let saved = done.checked_sub(1);
            let allowed = [saved, Some(done)].map(|n| n.into_iter().collect::<Vec<_>>());
            assert!(
                allowed.contains(&read),
                "cut {cut}, saved {saved:?}: {read:?}"
            );
            file.save_now(b"[9]").unwrap();
            assert_eq!(open_file(&after).unwrap().1, [9]);
            // Whatever the crash left, a backup can be read from now on.
            after.damage(FILE.as_ref(), |bytes| bytes.fill(0));
            assert!(open_file(&after).is_ok(), "cut {cut}");
            if done == 4 {
                return;
            }
        }
    }
}

#[test]
fn on_a_full_disk_what_was_saved_stays_with_its_backup() {
    let disk = FaultyDisk::default();
    assert_eq!(save_on(&disk), 4);
    let (file, _) = open_file(&disk).unwrap();
    disk.set_fault(Some(Fault::Full));

    file.save_now(b"[9]").unwrap_err();

    assert_eq!(open_file(&disk).unwrap().1, [3]);
    disk.damage(FILE.as_ref(), |bytes| bytes.fill(0));
    assert_eq!(open_file(&disk).unwrap().1, [2]);
}

/// A store whose snapshot was full of zeros opened as if no topic had ever been deleted.
#[test]
fn a_damaged_snapshot_is_read_from_its_backup_and_without_one_the_store_does_not_open() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    append(&store, "gone", 0, "old");
    append(&store, "t", 0, "kept");
    store.delete_topic("gone").unwrap();
    store.close().unwrap();
    disk.remove("/store/consumequeue".as_ref()).unwrap();
    let snapshot = "/store/config/queueSnapshot.json";
    disk.damage(snapshot.as_ref(), |bytes| bytes.fill(0));

    let without = disk.crash(|| true);
    let store = open(&disk);

    assert!(bodies(&store, "gone", 0).is_empty());
    assert_eq!(bodies(&store, "t", 0), ["kept"]);
    without.remove(format!("{snapshot}.bak").as_ref()).unwrap();
    let opened = MessageStore::open(config(), Arc::new(without), Clock::manual(1_000));
    let error = opened.map(drop).unwrap_err();
    assert!(matches!(error, StoreError::Snapshot(_)), "{error}");
}
