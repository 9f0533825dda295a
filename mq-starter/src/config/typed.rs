//! Deserializes a part of the settings into a type of the application.
//!
//! Invariant: a struct's fields are found whatever their spelling, in every source; numbers and
//! truth values are read from the text as it was written, after its placeholders are filled.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::value::{MapDeserializer, SeqDeserializer, StringDeserializer};
use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, Visitor};

use super::error::{ConfigOrigin, ConfigProblem};
use super::key::{ConfigKey, plain, segments};
use super::layers::ConfigLayers;
use super::placeholder;

/// A key of the settings, to be read as whatever serde asks for.
#[derive(Clone, Debug)]
pub(super) struct SettingDeserializer<'a> {
    layers: &'a ConfigLayers,
    key: String,
    /// One word of a list that was written on one line, `a, b`.
    word: Option<String>,
}

impl<'a> SettingDeserializer<'a> {
    pub(super) fn new(layers: &'a ConfigLayers, key: impl Into<String>) -> Self {
        Self {
            layers,
            key: key.into(),
            word: None,
        }
    }

    /// Whether any source says anything about it.
    pub(super) fn is_set(&self) -> bool {
        let key = ConfigKey::new(&self.key);
        self.layers.find(&key).is_some() || self.layers.below(&key).next().is_some()
    }

    /// The value as a `T`. What `T` itself complains about is placed at this key.
    pub(super) fn read<T: de::DeserializeOwned>(self) -> Result<T, Complaint> {
        placed(&self, T::deserialize(self.clone()))
    }

    fn complain(&self, what: impl Into<String>) -> Complaint {
        let key = ConfigKey::new(&self.key);
        let found = self.layers.find(&key);
        let written = found.map_or(self.key.as_str(), |found| found.written);
        let first = || self.layers.below(&key).next().map(|(_, found)| found);
        let place = found.or_else(first);
        let origin = place.map_or(ConfigOrigin::Nowhere, |found| found.origin.clone());
        Complaint(ConfigProblem::new(origin, written, what))
    }

    fn expected(&self, text: &str, expected: impl fmt::Display) -> Complaint {
        let verb = if self.word.is_some() { "has" } else { "is" };
        self.complain(format!("{verb} `{text}`, expected {expected}"))
    }

    /// The value with its placeholders filled.
    fn text(&self) -> Result<Option<String>, Complaint> {
        if self.word.is_some() {
            return Ok(self.word.clone());
        }
        let Some(found) = self.layers.find(&ConfigKey::new(&self.key)) else {
            return Ok(None);
        };
        placeholder::fill(self.layers, found.value)
            .map(Some)
            .map_err(|error| self.complain(error.to_string()))
    }

    fn needed(&self) -> Result<String, Complaint> {
        self.text()?.ok_or_else(|| {
            self.complain(if self.is_set() {
                "is a list or a heading, expected one value"
            } else {
                "is not set"
            })
        })
    }

    fn parsed<T: std::str::FromStr>(&self, expected: &str) -> Result<T, Complaint> {
        let text = self.needed()?;
        let parsed = text.trim().parse().ok();
        parsed.ok_or_else(|| self.expected(&text, expected))
    }

    fn child(&self, name: &str) -> Self {
        let key = if name.starts_with('[') {
            format!("{}{name}", self.key)
        } else {
            format!("{}.{name}", self.key)
        };
        SettingDeserializer::new(self.layers, key)
    }

    /// Names right below this key, as they were written.
    fn children(&self) -> Vec<String> {
        let key = ConfigKey::new(&self.key);
        let depth = key.as_str().split('.').count();
        let mut seen = BTreeSet::new();
        let mut names = Vec::new();
        for (below, found) in self.layers.below(&key) {
            let canonical = below.as_str().split('.').nth(depth).unwrap_or_default();
            let written = segments(found.written).nth(depth).unwrap_or(canonical);
            if seen.insert(canonical.to_owned()) {
                names.push(written.to_owned());
            }
        }
        names
    }

    fn elements(&self) -> Vec<Self> {
        let indexed = (0..).map(|index| self.child(&format!("[{index}]")));
        indexed
            .map_while(|part| part.is_set().then_some(part))
            .collect()
    }
}

/// Why a setting is not of the type that was asked for.
#[derive(Debug)]
pub(super) struct Complaint(pub(super) ConfigProblem);

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Complaint {}

impl de::Error for Complaint {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(ConfigProblem::new(
            ConfigOrigin::Nowhere,
            "",
            message.to_string(),
        ))
    }
}

/// Adds the origin and the key to a complaint that serde made without them.
fn placed<T>(part: &SettingDeserializer<'_>, result: Result<T, Complaint>) -> Result<T, Complaint> {
    result.map_err(|Complaint(problem)| {
        if problem.key.is_empty() {
            part.complain(problem.what)
        } else {
            Complaint(problem)
        }
    })
}

macro_rules! numbers {
    ($($method:ident $visit:ident $expected:literal,)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
            placed(&self, visitor.$visit(self.parsed($expected)?))
        }
    )*};
}

impl<'de> Deserializer<'de> for SettingDeserializer<'_> {
    type Error = Complaint;

    numbers! {
        deserialize_i8 visit_i8 "a number from -128 to 127",
        deserialize_i16 visit_i16 "a number from -32768 to 32767",
        deserialize_i32 visit_i32 "a whole number",
        deserialize_i64 visit_i64 "a whole number",
        deserialize_u8 visit_u8 "a number from 0 to 255",
        deserialize_u16 visit_u16 "a number from 0 to 65535",
        deserialize_u32 visit_u32 "a whole number from 0",
        deserialize_u64 visit_u64 "a whole number from 0",
        deserialize_f32 visit_f32 "a number",
        deserialize_f64 visit_f64 "a number",
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        if self.layers.find(&ConfigKey::new(&self.key)).is_some() {
            self.deserialize_string(visitor)
        } else if self.elements().is_empty() {
            self.deserialize_map(visitor)
        } else {
            self.deserialize_seq(visitor)
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        let text = self.needed()?;
        let value = truth(&text).ok_or_else(|| self.expected(&text, "true or false"))?;
        placed(&self, visitor.visit_bool(value))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        placed(&self, visitor.visit_string(self.needed()?))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        self.deserialize_string(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        if self.is_set() {
            visitor.visit_some(self)
        } else {
            visitor.visit_none()
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Complaint> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        let elements = self.elements();
        if !elements.is_empty() {
            return visitor.visit_seq(SeqDeserializer::new(elements.into_iter()));
        }
        let text = self.text()?.unwrap_or_default();
        let words = text.split(',').map(str::trim).filter(|w| !w.is_empty());
        let words = words.map(|word| SettingDeserializer {
            word: Some(word.to_owned()),
            ..self.clone()
        });
        placed(&self, visitor.visit_seq(SeqDeserializer::new(words)))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        let children = self.children().into_iter().map(|name| {
            let part = self.child(&name);
            (name, part)
        });
        let entries: Vec<_> = children.collect();
        placed(
            &self,
            visitor.visit_map(MapDeserializer::new(entries.into_iter())),
        )
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Complaint> {
        let fields = FieldsAccess {
            unknown: unknown(&self, fields).into_iter(),
            part: self.clone(),
            known: fields.iter(),
            current: None,
        };
        placed(&self, visitor.visit_map(fields))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Complaint> {
        let text = self.needed()?;
        let meant = variants
            .iter()
            .find(|variant| plain(variant) == plain(&text))
            .ok_or_else(|| {
                let variants = variants.join(", ");
                self.expected(&text, format_args!("one of {variants}"))
            })?;
        let variant: StringDeserializer<Complaint> = (*meant).to_owned().into_deserializer();
        placed(&self, visitor.visit_enum(variant))
    }

    serde::forward_to_deserialize_any! {
        i128 u128 char bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}

impl IntoDeserializer<'_, Complaint> for SettingDeserializer<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Names below `part` that no field takes; serde decides whether that is an error.
fn unknown(part: &SettingDeserializer<'_>, fields: &[&str]) -> Vec<String> {
    let known: BTreeSet<_> = fields.iter().map(|field| plain(field)).collect();
    let mut names = part.children();
    names.retain(|name| !known.contains(&plain(name)));
    names
}

/// The fields of a struct that a source sets, then the names below the key that the struct lacks.
struct FieldsAccess<'a> {
    part: SettingDeserializer<'a>,
    known: std::slice::Iter<'static, &'static str>,
    unknown: std::vec::IntoIter<String>,
    current: Option<SettingDeserializer<'a>>,
}

impl<'de> MapAccess<'de> for FieldsAccess<'_> {
    type Error = Complaint;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Complaint> {
        let part = &self.part;
        let set = self.known.find(|field| part.child(field).is_set());
        let Some(name) = set
            .map(|name| (*name).to_owned())
            .or_else(|| self.unknown.next())
        else {
            return Ok(None);
        };
        self.current = Some(self.part.child(&name));
        seed.deserialize(name.into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Complaint> {
        match self.current.take() {
            Some(part) => placed(&part, seed.deserialize(part.clone())),
            None => Err(self.part.complain("has no value")),
        }
    }
}

/// A boolean as Spring and YAML 1.1 write it.
pub(crate) fn truth(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => Some(true),
        "false" | "no" | "off" => Some(false),
        _ => None,
    }
}
