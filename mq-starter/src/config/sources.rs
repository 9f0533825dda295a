//! Where settings are looked for, weakest first.
//!
//! Base files (`bootstrap`, then `application`; of each `.yml`, `.yaml`, `.properties`), the same
//! with `-<profile>` for each active profile, sources that the program adds, the environment, the
//! program's arguments, the program itself. What is found later wins.
//!
//! Invariant: all of it is read and parsed before any of it is merged, so that one unreadable file
//! does not hide what is wrong with another.

use std::path::PathBuf;

use config::Source;

use super::added::AddedSource;
use super::entries::{Overrides, SourceEntries, SourceEntry};
use super::environment::Environment;
use super::error::{ConfigOrigin, ConfigProblem};
use super::files;
use super::key::ConfigKey;
use super::layers::ConfigLayers;

const PROFILE_KEYS: [&str; 2] = ["spring.profiles.active", "rocketmq.profiles.active"];

/// Where to look for settings.
///
/// # Examples
///
/// ```
/// use mq_starter::config::{Settings, SettingsOptions};
///
/// let options = SettingsOptions::default()
///     .arguments(["--shop.order.limit=3"])
///     .set("shop.name", "tea");
/// let settings = Settings::load(&options)?;
/// assert_eq!(settings.get::<u32>("shop.order.limit")?, Some(3));
/// assert_eq!(settings.resolve("${shop.name} and ${shop.drink:water}")?, "tea and water");
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct SettingsOptions {
    directory: Option<PathBuf>,
    files: bool,
    added: Vec<AddedSource>,
    environment: Vec<(String, String)>,
    arguments: Vec<String>,
    program: Vec<(String, String)>,
}

impl SettingsOptions {
    /// Files of the working directory, this process's environment and arguments.
    pub fn from_process() -> Self {
        let environment = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        let arguments = std::env::args_os().skip(1);
        Self {
            files: true,
            environment: environment.collect(),
            arguments: arguments.filter_map(|a| a.into_string().ok()).collect(),
            ..Self::default()
        }
    }

    /// Takes the files from `directory`.
    ///
    /// When it has none (a program that was moved away from its sources), the working directory
    /// and its `config/` are read instead.
    #[must_use]
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self.files = true;
        self
    }

    /// Adds a source of the program's own, above all files and below the environment; of several the
    /// one that was added last is the strongest.
    ///
    /// It is read once, on the thread that loads the settings. Its keys may be in any spelling, and
    /// it is checked as files are. Messages name a value's own origin, or else `name`. What has to
    /// be awaited is read before, into a `Config`, which is a source as well.
    ///
    /// # Examples
    ///
    /// ```
    /// use mq_starter::config::{Settings, SettingsOptions};
    /// use mq_starter::config::source::Config;
    ///
    /// let fixed = Config::builder().set_override("shop.order.limit", 3)?.build()?;
    /// let options = SettingsOptions::default()
    ///     .source("fixed", fixed)
    ///     .environment([("SHOP_ORDER_LIMIT", "4")]);
    /// assert_eq!(Settings::load(&options)?.get::<u32>("shop.order.limit")?, Some(4));
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn source(
        mut self,
        name: impl Into<String>,
        source: impl Source + Send + Sync + 'static,
    ) -> Self {
        self.added.push(AddedSource {
            name: name.into(),
            source: Box::new(source),
        });
        self
    }

    /// Takes these environment variables instead of the process's.
    #[must_use]
    pub fn environment<N: Into<String>, V: Into<String>>(
        mut self,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        self.environment = variables
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        self
    }

    /// Takes these arguments instead of the process's. Only `--some.key=value` is a setting: what
    /// has no dot before the `=` belongs to the program.
    #[must_use]
    pub fn arguments<A: Into<String>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments = arguments.into_iter().map(Into::into).collect();
        self
    }

    /// Sets one key from the program, above every other source.
    #[must_use]
    pub fn set(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.program.push((key.into(), value.into()));
        self
    }

    /// Reads everything; problems go to `problems` and the rest is read on.
    pub(super) fn gather(&self, problems: &mut Vec<ConfigProblem>) -> LoadedSources {
        let folders = if self.files {
            files::folders(self.directory.as_deref())
        } else {
            Vec::new()
        };
        let mut files = files::read(&folders, "", problems);
        let added = self.added.iter().map(|added| added.read(problems));
        let added: Vec<_> = added.collect();
        let overrides = self.overrides(problems);
        let lay = |files: &[SourceEntries]| {
            let environment = Environment::new(&self.environment);
            ConfigLayers::new(&[files, &added].concat(), environment, &overrides)
        };

        let active = active_profiles(&lay(&files));
        let mut warnings = Vec::new();
        for active in &active {
            let own = files::read(&folders, &format!("-{}", active.profile), problems);
            if own.is_empty() && self.files {
                let Active { profile, origin } = active;
                let missing = files::missing_for(profile, &folders);
                warnings.push(format!("{origin}: {missing}"));
            }
            files.extend(own);
        }
        LoadedSources {
            layers: lay(&files),
            profiles: active.into_iter().map(|active| active.profile).collect(),
            warnings,
        }
    }

    /// Arguments, and above them what the program sets.
    fn overrides(&self, problems: &mut Vec<ConfigProblem>) -> Overrides {
        let mut entries = Vec::new();
        let mut put = |key: &str, value: &str, origin| {
            entries.push(SourceEntry {
                written: key.to_owned(),
                value: value.to_owned(),
                origin,
            });
        };
        for argument in &self.arguments {
            let Some(text) = argument.strip_prefix("--") else {
                problems.extend(without_dashes(argument));
                continue;
            };
            let (key, value) = text
                .split_once('=')
                .map_or((text, None), |(key, value)| (key, Some(value)));
            if !key.contains('.') {
                continue;
            }
            let origin = ConfigOrigin::Argument(argument.clone());
            match value {
                Some(value) => put(key, value, origin),
                None => problems.push(ConfigProblem::new(
                    origin,
                    key,
                    format!("has no value, write `--{key}=…`"),
                )),
            }
        }
        for (key, value) in &self.program {
            put(key, value, ConfigOrigin::Program);
        }
        Overrides(entries)
    }
}

/// All sources, merged, with the active profiles and the warnings.
#[derive(Debug)]
pub(super) struct LoadedSources {
    pub(super) layers: ConfigLayers,
    pub(super) profiles: Vec<String>,
    pub(super) warnings: Vec<String>,
}

/// The complaint about `rocketmq.key=value` and Java's `-Drocketmq.key=value`, which would otherwise be
/// ignored.
fn without_dashes(argument: &str) -> Option<ConfigProblem> {
    let setting = argument.strip_prefix("-D").unwrap_or(argument);
    let setting = setting.strip_prefix('-').unwrap_or(setting);
    (setting.starts_with("rocketmq.") && setting.contains('=')).then(|| {
        let origin = ConfigOrigin::Argument(argument.to_owned());
        ConfigProblem::new(origin, "", format!("is no setting, write `--{setting}`"))
    })
}

/// An active profile, and where it is activated.
struct Active {
    profile: String,
    origin: ConfigOrigin,
}

fn active_profiles(layers: &ConfigLayers) -> Vec<Active> {
    let mut active = Vec::<Active>::new();
    for key in PROFILE_KEYS {
        let key = ConfigKey::new(key);
        for found in layers.find(&key).into_iter().chain(layers.elements(&key)) {
            for profile in words(found.value) {
                if !active.iter().any(|active| active.profile == profile) {
                    let origin = found.origin.clone();
                    active.push(Active { profile, origin });
                }
            }
        }
    }
    active
}

fn words(text: &str) -> Vec<String> {
    text.split(',')
        .map(|word| word.trim().to_owned())
        .filter(|word| !word.is_empty())
        .collect()
}
