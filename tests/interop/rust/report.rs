//! The file of JSON lines that a program leaves for the runner.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use parking_lot::Mutex;
use serde_json::Value;

/// Whole lines, whoever writes them.
#[derive(Debug)]
pub(crate) struct Report(Mutex<File>);

impl Report {
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        File::create(path).map(|file| Self(Mutex::new(file)))
    }

    pub(crate) fn line(&self, values: &Value) -> io::Result<()> {
        self.0.lock().write_all(format!("{values}\n").as_bytes())
    }
}
