//! Settings: files, environment and arguments, read once, checked before anything starts.
//!
//! [`Settings`] has the settings as they were written, [`RocketMQConfig`] those below `rocketmq.`,
//! checked and typed. Invariant: nothing under `rocketmq.` is ignored in silence; what is unknown, misspelt, out
//! of range or not built is a [`ConfigProblem`] with its file and line, and all of them are
//! reported together.

mod added;
mod entries;
mod environment;
mod error;
mod files;
mod key;
mod known;
mod layers;
mod listener;
mod names;
mod placeholder;
mod pull_consumer;
mod reader;
mod rocketmq;
mod sources;
mod trace;
mod typed;
mod yaml;

use std::time::Duration;

use serde::de::DeserializeOwned;

pub use error::{ConfigErrors, ConfigOrigin, ConfigProblem};
use key::ConfigKey;
use layers::ConfigLayers;
pub use listener::{AttributeValue, ListenerSettings};
pub(crate) use names::selector_expression;
pub use placeholder::PlaceholderError;
pub use pull_consumer::PullConsumerSettings;
use reader::SettingReader;
pub use rocketmq::{
    ClusterAddress, DeclaredTopic, EmbeddedFlush, EmbeddedSettings, ProducerSettings,
    RocketMQConfig, Startup,
};
pub use sources::SettingsOptions;
pub use trace::MessageTrace;
pub(crate) use typed::truth;

/// What a [source](SettingsOptions::source) of a program's own is made of, from the `config` crate.
pub mod source {
    pub use ::config::{Config, ConfigError, Map, Source, Value};
}

/// All settings of one application, of every source, each with its origin.
#[derive(Debug)]
pub struct Settings {
    layers: ConfigLayers,
    profiles: Vec<String>,
    warnings: Vec<String>,
}

impl Settings {
    /// Reads every source.
    ///
    /// # Errors
    ///
    /// All files that cannot be read or parsed, all keys set twice in one file, all arguments
    /// without a value; and then also what is wrong with the rest, as far as
    /// [`rocketmq`](Self::rocketmq) can tell.
    pub fn load(options: &SettingsOptions) -> Result<Self, ConfigErrors> {
        let mut problems = Vec::new();
        let gathered = options.gather(&mut problems);
        let mut warnings = gathered.warnings;
        warnings.extend(known::foreign_variables(&gathered.layers));
        let settings = Self {
            warnings,
            layers: gathered.layers,
            profiles: gathered.profiles,
        };
        if !problems.is_empty() {
            problems.extend(settings.checked().1);
            problems.sort_by_key(|problem| problem.origin.position());
        }
        ConfigErrors::unless_empty(problems, settings)
    }

    /// Everything below `rocketmq.`, checked.
    ///
    /// # Errors
    ///
    /// All that is unknown, misspelt, out of range, of the wrong type, not built yet or
    /// has a placeholder that cannot be filled.
    pub fn rocketmq(&self) -> Result<RocketMQConfig, ConfigErrors> {
        let (config, problems) = self.checked();
        ConfigErrors::unless_empty(problems, config)
    }

    /// Everything below `rocketmq.` and what is wrong with it, which is read as its default.
    pub(crate) fn checked(&self) -> (RocketMQConfig, Vec<ConfigProblem>) {
        rocketmq::read(&self.layers)
    }

    /// The value of `key` and what is below it, as a type of yours; `None` when nobody sets it.
    ///
    /// A struct's fields are found in kebab-case, camelCase and `snake_case`; a list is written as a
    /// YAML list or as words between commas.
    ///
    /// # Errors
    ///
    /// A value that is not of the type, with the place it was written at; a placeholder that cannot
    /// be filled.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, ConfigErrors> {
        let part = typed::SettingDeserializer::new(&self.layers, key);
        if !part.is_set() {
            return Ok(None);
        }
        part.read()
            .map(Some)
            .map_err(|complaint| ConfigErrors::from(complaint.0))
    }

    /// The value of `key` as a time, which is written as in `rocketmq.shutdown-timeout`: `30s`, or a number of
    /// milliseconds; `None` when nobody sets it.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use mq_starter::config::{Settings, SettingsOptions};
    ///
    /// let settings = Settings::load(&SettingsOptions::default().set("shop.limit", "2m"))?;
    /// assert_eq!(settings.duration("shop.limit")?, Some(Duration::from_mins(2)));
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A value that is no time, with the place it was written at.
    pub fn duration(&self, key: &str) -> Result<Option<Duration>, ConfigErrors> {
        let mut reader = SettingReader::new(&self.layers);
        let time = reader.checked(key, rocketmq::duration);
        ConfigErrors::unless_empty(reader.problems, time)
    }

    /// Checks that nothing stands below `heading` but `known`, keys relative to it, and what is
    /// below those: an application's own settings become as strict as `rocketmq.*`.
    ///
    /// Environment variables are not looked at: their names do not tell where a heading ends.
    ///
    /// # Errors
    ///
    /// Every key that is unknown, with the one it was probably meant to be, and every heading that
    /// is nearly `heading`.
    pub fn only(&self, heading: &str, known: &[&str]) -> Result<(), ConfigErrors> {
        ConfigErrors::unless_empty(known::strangers(&self.layers, heading, known), ())
    }

    /// Where the strongest value of `key` was written.
    pub fn origin(&self, key: &str) -> Option<ConfigOrigin> {
        let found = self.layers.find(&ConfigKey::new(key))?;
        Some(found.origin.clone())
    }

    /// `text` with every `${key:default}` filled from all sources.
    ///
    /// # Errors
    ///
    /// A placeholder that nobody sets and that has no default, that needs itself, or is not closed.
    pub fn resolve(&self, text: &str) -> Result<String, PlaceholderError> {
        placeholder::fill(&self.layers, text)
    }

    /// The active profiles, weakest first.
    pub fn profiles(&self) -> &[String] {
        &self.profiles
    }

    /// Warnings that do not keep the application from starting; log them at start.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

#[cfg(test)]
mod tests;
