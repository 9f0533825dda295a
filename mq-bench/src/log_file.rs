//! What a child process logs goes into a file beside its other files.

use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result};

/// Opens a log below `directory`.
pub(crate) fn create(directory: &Path, name: &str) -> Result<File> {
    let path = directory.join(name);
    File::create(&path).with_context(|| format!("could not create `{}`", path.display()))
}
