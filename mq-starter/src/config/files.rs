//! The files that settings are read from.
//!
//! Invariant: each is read and parsed whatever is wrong with another.

use std::io;
use std::path::{Path, PathBuf};

use mq_core::settings::properties::{self, Pair};

use super::entries::{SourceEntries, SourceEntry};
use super::error::{ConfigOrigin, ConfigProblem};
use super::{known, yaml};

const BASE_NAMES: [&str; 2] = ["bootstrap", "application"];
const EXTENSIONS: [&str; 3] = ["yml", "yaml", "properties"];

/// Where files are looked for, weakest first: in `directory` when it has any, else in the working
/// directory and its `config/`.
pub(super) fn folders(directory: Option<&Path>) -> Vec<PathBuf> {
    match directory {
        Some(given) if !suffixes(given).is_empty() => vec![given.to_owned()],
        _ => vec![PathBuf::new(), PathBuf::from("config")],
    }
}

/// Reads the files named with `suffix`, weakest first. A file that cannot be read becomes a problem
/// and has no entries.
pub(super) fn read(
    folders: &[PathBuf],
    suffix: &str,
    problems: &mut Vec<ConfigProblem>,
) -> Vec<SourceEntries> {
    let mut files = Vec::new();
    for path in folders.iter().flat_map(|folder| candidates(folder, suffix)) {
        let read = match std::fs::read(&path) {
            Ok(bytes) => parse(&path, &bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => Err((1, format!("not readable: {error}"))),
        };
        let at = |line| ConfigOrigin::File {
            path: path.clone(),
            line,
        };
        let entries = read.map(|pairs| {
            let entry = |Pair { key, value, line }| SourceEntry {
                written: key,
                value,
                origin: at(line),
            };
            pairs.into_iter().map(entry).collect()
        });
        let entries = entries.unwrap_or_else(|(line, what)| {
            problems.push(ConfigProblem::new(at(line), "", what));
            Vec::new()
        });
        files.push(SourceEntries::new(entries, problems));
    }
    files
}

/// The warning about an active profile without a file: it may be used as a switch only, or be
/// misspelt.
pub(super) fn missing_for(profile: &str, folders: &[PathBuf]) -> String {
    let suffixes = folders.iter().flat_map(|folder| suffixes(folder));
    let mut profiles = suffixes.filter_map(|suffix| Some(suffix.strip_prefix('-')?.to_owned()));
    let hint = profiles
        .find(|name| known::near(profile, name))
        .map(|name| format!("; did you mean `{name}`?"));
    let names = BASE_NAMES.map(|name| format!("`{name}-{profile}`"));
    let folders = folders.iter().map(|folder| match folder.to_str() {
        Some("") => "the working directory".to_owned(),
        _ => format!("`{}`", folder.display()),
    });
    format!(
        "the profile `{profile}` is active and has no settings of its own: neither {} \
         (.{}) is in {}{}",
        names.join(" nor "),
        EXTENSIONS.join(", ."),
        folders.collect::<Vec<_>>().join(" or in "),
        hint.unwrap_or_default()
    )
}

/// What follows `bootstrap` and `application` in the file names of `folder`: nothing or `-<profile>`.
fn suffixes(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(Path::new(".").join(folder));
    let found = files.into_iter().flatten().filter_map(|file| {
        let name = file.ok()?.file_name().into_string().ok()?;
        let (stem, kind) = name.rsplit_once('.')?;
        let suffix = BASE_NAMES.iter().find_map(|base| stem.strip_prefix(base))?;
        let is_ours = EXTENSIONS.contains(&kind) && (suffix.is_empty() || suffix.starts_with('-'));
        is_ours.then(|| suffix.to_owned())
    });
    found.collect()
}

fn candidates<'a>(folder: &'a Path, suffix: &'a str) -> impl Iterator<Item = PathBuf> + 'a {
    BASE_NAMES
        .into_iter()
        .flat_map(move |name| EXTENSIONS.map(|kind| folder.join(format!("{name}{suffix}.{kind}"))))
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Vec<Pair>, (u64, String)> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = (1_u64..)
            .zip(before.split(|byte| *byte == b'\n'))
            .last()
            .map_or(1, |(line, _)| line);
        (line, "not UTF-8 text".to_owned())
    })?;
    if path.extension().is_some_and(|kind| kind == "properties") {
        properties::read(text).map_err(|error| (error.line, error.to_string()))
    } else {
        yaml::read(text)
    }
}
