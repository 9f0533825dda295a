//! The settings that apply, matched against a table of known keys and read one by one.
//!
//! Invariant: reading never stops at an error; a wrong value is read as its default, and the error
//! is collected.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use super::problem::{SettingOrigin, SettingProblem, SettingProblems};
use super::setting::Setting;

/// A known key.
#[derive(Clone, Copy, Debug)]
pub struct SettingKey {
    /// Its name, as Apache RocketMQ spells it today.
    pub name: &'static str,
    /// Its value when it is not set.
    pub default: &'static str,
    /// The effect of setting it.
    pub effect: KeyEffect,
    /// Other accepted spellings, each with a hint to show, or an empty text.
    pub also: &'static [(&'static str, &'static str)],
}

impl SettingKey {
    /// Whether `spelled` is a spelling of one of `keys`.
    pub fn is_among(keys: &'static [Self], spelled: &str) -> bool {
        find(keys, spelled).is_some()
    }
}

/// The effect of setting a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyEffect {
    /// The setting is applied.
    Works,
    /// The setting has no effect, which is harmless; the text says why.
    Harmless(&'static str),
    /// The setting is not supported, and ignoring it would be wrong; the text says why.
    Refused(&'static str),
}

/// The value that applies for every known key.
#[derive(Debug)]
pub struct Sheet {
    keys: &'static [SettingKey],
    values: BTreeMap<&'static str, Setting>,
    problems: Vec<SettingProblem>,
    warnings: Vec<SettingProblem>,
}

impl Sheet {
    /// Matches `settings` against `keys`; later settings override earlier ones.
    pub fn new(keys: &'static [SettingKey], settings: Vec<Setting>) -> Self {
        let mut sheet = Self {
            keys,
            values: BTreeMap::new(),
            problems: Vec::new(),
            warnings: Vec::new(),
        };
        for setting in settings {
            sheet.apply(setting);
        }
        sheet
    }

    fn apply(&mut self, setting: Setting) {
        let Some((key, hint)) = find(self.keys, &setting.key) else {
            let what = match nearest(self.keys, &setting.key) {
                Some(meant) => format!("unknown, did you mean `{meant}`?"),
                None => "unknown".to_owned(),
            };
            return self.complain_at(setting.origin, setting.key, what);
        };
        if !hint.is_empty() {
            self.warn_at(setting.origin.clone(), setting.key.clone(), hint);
        }
        if !says_the_default(key, &setting.value) {
            match key.effect {
                KeyEffect::Works => {}
                KeyEffect::Harmless(instead) => {
                    let what = format!("has no effect here: {instead}");
                    self.warn_at(setting.origin.clone(), setting.key.clone(), what);
                }
                KeyEffect::Refused(reason) => {
                    let (origin, name) = (setting.origin.clone(), setting.key.clone());
                    self.complain_at(origin, name, reason);
                }
            }
        }
        let (origin, spelled) = (setting.origin.clone(), setting.key.clone());
        let before = self.values.insert(key.name, setting);
        if let Some(line) = before.and_then(|before| before.origin.line_beside(&origin)) {
            let what = format!("is set in line {line} too; the last one counts, as in Java");
            self.warn_at(origin, spelled, what);
        }
    }

    /// The setting of `name`, if it is set.
    pub fn setting(&self, name: &str) -> Option<&Setting> {
        self.values.get(name)
    }

    /// The value of `name` as `check` reads it, or its default when it is not set or wrong.
    ///
    /// # Panics
    ///
    /// When `name` is not in the table or its default does not pass `check`: a programming error
    /// that tests find.
    pub fn checked<T, E: Display>(
        &mut self,
        name: &'static str,
        check: impl Fn(&str) -> Result<T, E>,
    ) -> T {
        if let Some(setting) = self.values.get(name) {
            match check(&setting.value) {
                Ok(value) => return value,
                Err(error) => {
                    let (origin, key) = (setting.origin.clone(), setting.key.clone());
                    self.complain_at(origin, key, error.to_string());
                }
            }
        }
        let default = self.keys.iter().find(|key| key.name == name);
        default
            .and_then(|key| check(key.default).ok())
            .expect("the table has the key, and its default is right")
    }

    /// The text of `name`, which must not be blank.
    pub fn text(&mut self, name: &'static str) -> String {
        self.checked(name, |text| match text {
            "" => Err("has no value"),
            text => Ok(text.to_owned()),
        })
    }

    /// A number within `range`.
    pub fn number<T>(&mut self, name: &'static str, range: &RangeInclusive<T>) -> T
    where
        T: FromStr + PartialOrd + Display,
    {
        let (from, to) = (range.start(), range.end());
        self.checked(name, |text| match text.parse() {
            Ok(number) if range.contains(&number) => Ok(number),
            _ => Err(format!(
                "is `{text}`, expected a number from {from} to {to}"
            )),
        })
    }

    /// Whole milliseconds between `from` and `to`, both included.
    pub fn milliseconds(&mut self, key: &'static str, from: u64, to: u64) -> Duration {
        Duration::from_millis(self.number(key, &(from..=to)))
    }

    /// `true` or `false`.
    pub fn truth(&mut self, name: &'static str) -> bool {
        self.checked(name, |text| match text.to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(format!("is `{text}`, expected true or false")),
        })
    }

    /// An address of this machine to listen on.
    pub fn address(&mut self, name: &'static str) -> IpAddr {
        self.checked(name, |text| match (text, text.parse()) {
            ("localhost", _) => Ok(IpAddr::from([127, 0, 0, 1])),
            (_, Ok(address)) => Ok(address),
            _ => Err(format!(
                "`{text}` is not an address: write one of this machine's, or 0.0.0.0 for all"
            )),
        })
    }

    /// Adds a warning about `name`, if it is set.
    pub fn warn(&mut self, name: &str, what: impl Into<String>) {
        if let Some(setting) = self.values.get(name) {
            let (origin, key) = (setting.origin.clone(), setting.key.clone());
            self.warn_at(origin, key, what);
        }
    }

    /// `value` and the warnings.
    ///
    /// # Errors
    ///
    /// All errors, if there are any.
    pub fn finish<T>(self, value: T) -> Result<(T, Vec<SettingProblem>), SettingProblems> {
        SettingProblems::unless_empty(self.problems, (value, self.warnings))
    }

    fn complain_at(&mut self, origin: SettingOrigin, key: String, what: impl Into<String>) {
        self.problems.push(SettingProblem::new(origin, key, what));
    }

    fn warn_at(&mut self, origin: SettingOrigin, key: String, what: impl Into<String>) {
        self.warnings.push(SettingProblem::new(origin, key, what));
    }
}

/// The key with this spelling, and the hint for the spelling.
fn find(keys: &'static [SettingKey], spelled: &str) -> Option<(&'static SettingKey, &'static str)> {
    keys.iter().find_map(|key| {
        let others = key.also.iter();
        let other = others.clone().find(|(name, _)| *name == spelled);
        let hint = other.map(|(_, hint)| *hint);
        hint.or_else(|| (key.name == spelled).then_some(""))
            .map(|hint| (key, hint))
    })
}

fn says_the_default(key: &SettingKey, value: &str) -> bool {
    value.is_empty() || value.eq_ignore_ascii_case(key.default)
}

/// The known spelling with the smallest edit distance, if that is small.
fn nearest(keys: &'static [SettingKey], spelled: &str) -> Option<&'static str> {
    let spelled = spelled.to_lowercase().replace(['-', '_', '.'], "");
    let allowed = spelled.chars().count().div_ceil(4).min(4);
    let spellings = keys.iter().flat_map(|key| {
        let others = key.also.iter().map(|(name, _)| *name);
        others.chain([key.name]).map(|name| (name, key.name))
    });
    spellings
        .map(|(name, meant)| (strsim::osa_distance(&spelled, &name.to_lowercase()), meant))
        .filter(|(changes, _)| *changes <= allowed)
        .min()
        .map(|(_, meant)| meant)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &[SettingKey] = &[
        SettingKey {
            name: "listenPort",
            default: "10911",
            effect: KeyEffect::Works,
            also: &[],
        },
        SettingKey {
            name: "bindAddress",
            default: "0.0.0.0",
            effect: KeyEffect::Works,
            also: &[("listenIp", "is no key of Apache's, write `bindAddress`")],
        },
        SettingKey {
            name: "threads",
            default: "4",
            effect: KeyEffect::Harmless("tasks, not threads"),
            also: &[],
        },
        SettingKey {
            name: "role",
            default: "MASTER",
            effect: KeyEffect::Refused("only a master is built"),
            also: &[],
        },
    ];

    fn sheet(words: &[&str]) -> Sheet {
        let settings = words.iter().map(|word| Setting::from_word(word).unwrap());
        Sheet::new(KEYS, settings.collect())
    }

    #[test]
    fn the_strongest_setting_wins_and_the_default_stands_behind_it() {
        let mut sheet = sheet(&["listenPort=1", "listenPort=2"]);

        assert_eq!(sheet.number("listenPort", &(0..=u16::MAX)), 2);
        assert_eq!(sheet.text("bindAddress"), "0.0.0.0");
        assert_eq!(sheet.finish(()).unwrap().1, []);
    }

    #[test]
    fn problems_are_gathered_and_warnings_kept_apart() {
        let mut sheet = sheet(&[
            "listenPrt=1",
            "role=SLAVE",
            "listenPort=x",
            "threads=8",
            "listenIp=::1",
        ]);
        assert_eq!(sheet.number("listenPort", &(0..=u16::MAX)), 10911);
        assert_eq!(sheet.text("bindAddress"), "::1");

        let warnings: Vec<_> = sheet.warnings.iter().map(ToString::to_string).collect();
        let problems = sheet.finish(()).unwrap_err().to_string();

        assert_eq!(
            problems,
            "the settings have 3 problems\n  \
             command line `listenPrt=1`: listenPrt: unknown, did you mean `listenPort`?\n  \
             command line `role=SLAVE`: role: only a master is built\n  \
             command line `listenPort=x`: listenPort: is `x`, expected a number from 0 to 65535"
        );
        assert!(warnings[0].contains("tasks, not threads"), "{warnings:?}");
        assert!(warnings[1].contains("write `bindAddress`"), "{warnings:?}");
    }

    #[test]
    fn a_key_set_twice_in_one_file_is_warned_about_with_both_lines() {
        let written = |path: &str, line, value: &str| Setting {
            key: "listenPort".to_owned(),
            value: value.to_owned(),
            origin: SettingOrigin::File {
                path: path.into(),
                line,
            },
        };
        let word = Setting::from_word("listenPort=4").unwrap();
        let settings = [
            written("a.conf", 2, "1"),
            written("b.conf", 3, "2"),
            written("b.conf", 9, "3"),
        ];

        let mut sheet = Sheet::new(KEYS, settings.to_vec());
        assert_eq!(sheet.number("listenPort", &(0..=u16::MAX)), 3);
        let warnings: Vec<_> = sheet.warnings.iter().map(ToString::to_string).collect();
        assert_eq!(
            warnings,
            ["b.conf:9: listenPort: is set in line 3 too; the last one counts, as in Java"]
        );

        let sheet = Sheet::new(KEYS, vec![written("a.conf", 2, "1"), word]);
        assert_eq!(sheet.warnings, []);
    }

    #[test]
    fn setting_a_key_to_its_default_is_no_problem() {
        assert_eq!(
            sheet(&["role=MASTER", "threads=4"]).finish(()).unwrap().1,
            []
        );
    }
}
