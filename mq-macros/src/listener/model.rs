//! Applies every rule to what was written, and collects all errors.

use mq_rules::{AttributeKey, Choice, KEYS, Kind, NotBuilt, names, times};
use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::LitStr;

use super::function::ListenerItem;
use super::parse::{KeyValue, WrittenArguments, WrittenValue};
use super::placeholder::Template;
use super::{batch, choices, keys};
use crate::diagnostics::Diagnostics;

/// A listener that has passed every check that can be made at compile time.
pub(crate) struct ListenerModel {
    pub(super) kind: ListenerKind,
    /// Whether it takes several messages in one call.
    pub(super) is_batch: bool,
    pub(super) target: ListenerItem,
    pub(super) attributes: Vec<Attribute>,
}

/// What a listener does with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListenerKind {
    /// It takes it.
    Message,
    /// It takes it and replies.
    Reply,
}

/// One key with a value that fits it.
pub(super) struct Attribute {
    pub(super) key: &'static AttributeKey,
    pub(super) value: CheckedValue,
    pub(super) written: TokenStream,
}

/// A value that fits its key.
pub(super) enum CheckedValue {
    /// A text, which may have placeholders.
    Text(LitStr),
    /// A number.
    Number(i64),
    /// A member of an enum.
    Variant(&'static str),
    /// True or false.
    Truth(bool),
    /// A number, member or truth value that the settings decide.
    Placeholder(LitStr),
}

impl ListenerModel {
    /// The model; `None` when the item cannot be a listener at all. Errors go to `diagnostics` in
    /// either case.
    pub(crate) fn of(
        kind: ListenerKind,
        written: &WrittenArguments,
        item: TokenStream,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        for stray in &written.stray {
            diagnostics.at(
                stray,
                "expected `key = value`, such as `topic = \"order-topic\"`",
            );
        }
        for key in &written.run_on {
            diagnostics.at(key, format_args!("a comma is missing before `{key}`"));
        }
        let mut meant: Vec<&'static str> = Vec::new();
        let mut attributes = Vec::new();
        for entry in &written.entries {
            let Some(key) = known_key(entry, &mut meant, diagnostics) else {
                continue;
            };
            match value(key, &entry.value) {
                Ok(value) => attributes.push(Attribute {
                    key,
                    value,
                    written: tokens(&entry.value),
                }),
                Err(complaint) => complain(entry, &complaint, diagnostics),
            }
        }
        // Do not report missing keys when something could not be parsed: it may be that key.
        let complete = written.stray.is_empty();
        for key in KEYS.iter().filter(|key| key.required && complete) {
            if !meant.contains(&key.name) {
                let AttributeKey { name, example, .. } = key;
                diagnostics.at_span(
                    Span::call_site(),
                    format_args!("`{name}` is missing: add `{name} = {example}`"),
                );
            }
        }
        combinations(&attributes, diagnostics);
        let target = ListenerItem::of(item, diagnostics)?;
        fits(&attributes, &target, diagnostics);
        let size = "consume_message_batch_max_size";
        let (is_sized, size) = (meant.contains(&size), find(&attributes, size));
        let is_batch = batch::check(
            kind == ListenerKind::Reply,
            size.map(|size| &size.written),
            is_sized,
            &target,
            diagnostics,
        );
        if let (ListenerKind::Message, Some(timeout)) = (kind, find(&attributes, "reply_timeout")) {
            diagnostics.at(
                &timeout.written,
                "`reply_timeout` has no effect here: only a `#[rocketmq_reply_listener]` replies",
            );
        }
        if let (
            ListenerKind::Reply,
            ListenerItem::Function {
                ident,
                output: None,
                ..
            },
        ) = (kind, &target)
        {
            diagnostics.at(
                ident,
                "a reply listener returns its reply: write `-> ReplyResult<…>`",
            );
        }
        Some(Self {
            kind,
            is_batch,
            target,
            attributes,
        })
    }
}

/// The key of an entry. A misspelt key is recorded as the key it is most like, so that that key is not
/// reported as missing too.
fn known_key(
    entry: &KeyValue,
    meant: &mut Vec<&'static str>,
    diagnostics: &mut Diagnostics,
) -> Option<&'static AttributeKey> {
    let written = entry.key.to_string();
    let key = AttributeKey::named(&written);
    let not_built = NotBuilt::named(&written);
    if let Some(name) = key
        .map(|key| key.name)
        .or(not_built.map(|attribute| attribute.name))
    {
        if meant.contains(&name) {
            diagnostics.at(&entry.key, format_args!("`{name}` is given twice"));
            return None;
        }
        meant.push(name);
    }
    if let Some(NotBuilt {
        reason, neutral, ..
    }) = not_built
    {
        if !is_neutral(&entry.value) {
            let or = neutral.map(|neutral| format!(" or write `{written} = {neutral}`"));
            let or = or.unwrap_or_default();
            let what = format_args!("`{written}` {}; leave it out{or}", reason.attribute);
            diagnostics.at(&entry.key, what);
        }
        return None;
    }
    if key.is_none() {
        match keys::nearest(&written) {
            Some(near) => {
                meant.push(near.name);
                diagnostics.at(
                    &entry.key,
                    format_args!("unknown key `{written}`; did you mean `{}`?", near.name),
                );
            }
            None => diagnostics.at(
                &entry.key,
                format_args!("unknown key `{written}`; the keys are {}", keys::all()),
            ),
        }
    }
    key
}

/// Whether a value leaves a feature that is not built switched off, by the rule of the settings.
fn is_neutral(value: &WrittenValue) -> bool {
    let text = match value {
        WrittenValue::Text(text) => text.value(),
        WrittenValue::Other(tokens) if tokens.is_empty() => return false,
        WrittenValue::Name(_) | WrittenValue::Number(..) | WrittenValue::Other(_) => {
            tokens(value).to_string()
        }
    };
    let text = text.trim().to_ascii_lowercase();
    matches!(text.as_str(), "" | "false" | "no" | "off")
}

fn complain(entry: &KeyValue, complaint: &str, diagnostics: &mut Diagnostics) {
    let value = tokens(&entry.value);
    if value.is_empty() {
        diagnostics.at(&entry.key, complaint);
    } else {
        diagnostics.at(&value, complaint);
    }
}

fn tokens(value: &WrittenValue) -> TokenStream {
    match value {
        WrittenValue::Text(text) => text.to_token_stream(),
        WrittenValue::Name(path) => path.to_token_stream(),
        WrittenValue::Number(tokens, _) | WrittenValue::Other(tokens) => tokens.clone(),
    }
}

/// The value if it is valid for its key, or else the error.
fn value(key: &AttributeKey, value: &WrittenValue) -> Result<CheckedValue, String> {
    let template = match value {
        WrittenValue::Text(text) => Some((text, text.value())),
        _ => None,
    };
    if let Some((text, content)) = &template {
        let template = Template::parse(content)?;
        if template.has_placeholder() {
            return placeholder(key, text, &template);
        }
    }
    match (&key.kind, value) {
        (
            Kind::Topic | Kind::Group | Kind::Expression | Kind::Time | Kind::Text,
            WrittenValue::Text(text),
        ) => {
            check_text(&key.kind, &text.value())?;
            Ok(CheckedValue::Text(text.clone()))
        }
        (Kind::Choice(choice), WrittenValue::Name(path)) => {
            choices::by_path(choice, path).map(CheckedValue::Variant)
        }
        (Kind::Choice(choice), WrittenValue::Text(text)) => {
            choices::by_name(choice, &text.value()).map(CheckedValue::Variant)
        }
        (Kind::Number(_), WrittenValue::Number(_, number)) => {
            in_range(key, *number).map(CheckedValue::Number)
        }
        (Kind::Truth, WrittenValue::Text(_) | WrittenValue::Name(_) | WrittenValue::Other(_)) => {
            truth(value)
                .map(CheckedValue::Truth)
                .ok_or_else(|| wrong_type(key))
        }
        _ => Err(wrong_type(key)),
    }
}

/// A text with placeholders; its literal parts and its default are checked at compile time.
fn placeholder(
    key: &AttributeKey,
    text: &LitStr,
    template: &Template<'_>,
) -> Result<CheckedValue, String> {
    match &key.kind {
        Kind::Topic | Kind::Group | Kind::Expression | Kind::Time | Kind::Text => {
            if let Some(default) = template.sole_default()
                && !default.is_empty()
            {
                check_text(&key.kind, default)
                    .map_err(|problem| format!("the default does not fit: {problem}"))?;
            }
            if matches!(key.kind, Kind::Topic | Kind::Group) {
                for part in template.literals() {
                    names::characters(noun(&key.kind), part)?;
                }
            }
            Ok(CheckedValue::Text(text.clone()))
        }
        Kind::Choice(choice) => {
            if let Some(default) = template.sole_default() {
                default_variant(choice, default)?;
            }
            Ok(CheckedValue::Placeholder(text.clone()))
        }
        Kind::Number(_) => {
            if let Some(default) = template.sole_default() {
                let number = default.trim().parse::<i128>();
                let number = number.map_err(|problem| {
                    format!("the default `{default}` is no number: {problem}")
                })?;
                in_range(key, number)
                    .map_err(|problem| format!("the default does not fit: {problem}"))?;
            }
            Ok(CheckedValue::Placeholder(text.clone()))
        }
        Kind::Truth => match template.sole_default() {
            Some(default) if truth_of(default).is_none() => Err(format!(
                "the default does not fit: `{default}` is neither true nor false"
            )),
            _ => Ok(CheckedValue::Placeholder(text.clone())),
        },
    }
}

/// True or false, as a word or as a text.
fn truth(value: &WrittenValue) -> Option<bool> {
    match value {
        WrittenValue::Text(text) => truth_of(&text.value()),
        _ => truth_of(&tokens(value).to_string()),
    }
}

/// The words that the settings take.
fn truth_of(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => Some(true),
        "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

fn default_variant(choice: &Choice, default: &str) -> Result<(), String> {
    choices::by_name(choice, default.trim())
        .map(|_| ())
        .map_err(|problem| format!("the default does not fit: {problem}"))
}

/// A tag expression is judged later, when its language is known; see [`combinations`].
fn check_text(kind: &Kind, text: &str) -> Result<(), String> {
    match kind {
        Kind::Topic => names::topic(text),
        Kind::Group => names::group(text),
        Kind::Time => times::timestamp(text).map(drop),
        _ => Ok(()),
    }
}

fn noun(kind: &Kind) -> &'static str {
    match kind {
        Kind::Group => "group",
        _ => "topic",
    }
}

fn in_range(key: &AttributeKey, number: i128) -> Result<i64, String> {
    let Kind::Number(range) = &key.kind else {
        return Err(wrong_type(key));
    };
    i64::try_from(number)
        .ok()
        .filter(|number| range.contains(number))
        .ok_or_else(|| {
            format!(
                "`{}` is from {} to {}, not {number}",
                key.name,
                range.start(),
                range.end()
            )
        })
}

fn wrong_type(key: &AttributeKey) -> String {
    let AttributeKey { name, example, .. } = key;
    let what = match &key.kind {
        Kind::Topic | Kind::Group | Kind::Expression | Kind::Text => "a text",
        Kind::Time => "a time as a text",
        Kind::Choice(choice) => {
            let type_name = choice.type_name;
            return format!(
                "`{name}` is a `{type_name}`, as in `{name} = {example}` or `\"${{key:default}}\"`"
            );
        }
        Kind::Number(_) => "a number",
        Kind::Truth => "true or false",
    };
    format!("`{name}` is {what}, as in `{name} = {example}` or `\"${{key:default}}\"`")
}

fn find<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a Attribute> {
    attributes.iter().find(|a| a.key.name == name)
}

/// Reports values that are valid alone but not together.
fn combinations(attributes: &[Attribute], diagnostics: &mut Diagnostics) {
    let find = |name: &str| find(attributes, name);
    let is = |name: &str, wanted: &str| {
        find(name).filter(|a| matches!(a.value, CheckedValue::Variant(found) if found == wanted))
    };
    if is("message_model", "Broadcasting").is_some() {
        if let Some(mode) = is("consume_mode", "Orderly") {
            diagnostics.at(
                &mode.written,
                "`Broadcasting` cannot be `Orderly`: no broker locks a queue that every member reads",
            );
        }
        if let Some(times) = find("max_reconsume_times") {
            diagnostics.at(
                &times.written,
                "`max_reconsume_times` has no effect in `Broadcasting`: a failed message is not tried again",
            );
        }
    }
    let level = find("delay_level_when_next_consume");
    if let (Some(level), true) = (level, is("consume_mode", "Orderly").is_some()) {
        diagnostics.at(
            &level.written,
            "`delay_level_when_next_consume` has no effect in order: set `suspend_current_queue_time_millis`",
        );
    } else if let (Some(level), true) = (level, is("message_model", "Broadcasting").is_some()) {
        diagnostics.at(
            &level.written,
            "`delay_level_when_next_consume` has no effect in `Broadcasting`: a failed message is not tried again",
        );
    }
    let in_order = find("consume_mode").is_some() && is("consume_mode", "Concurrently").is_none();
    if let (Some(pause), false) = (find("suspend_current_queue_time_millis"), in_order) {
        diagnostics.at(
            &pause.written,
            "`suspend_current_queue_time_millis` has no effect unless `consume_mode` is `Orderly`: set \
             `delay_level_when_next_consume`",
        );
    }
    if is("consume_mode", "Orderly").is_some() {
        let useless = ["consume_timeout", "consume_concurrently_max_span"];
        for useless in useless.into_iter().filter_map(find) {
            diagnostics.at(
                &useless.written,
                format_args!("`{}` has no effect in order", useless.key.name),
            );
        }
    }
    let at_a_time = find("consume_from_where").is_some()
        && is("consume_from_where", "LastOffset").is_none()
        && is("consume_from_where", "FirstOffset").is_none();
    if let (Some(time), false) = (find("consume_timestamp"), at_a_time) {
        diagnostics.at(
            &time.written,
            "`consume_timestamp` has no effect unless `consume_from_where` is `Timestamp`",
        );
    }
    let by_sql = is("selector_type", "Sql92");
    let by_tag = find("selector_type").is_none() || is("selector_type", "Tag").is_some();
    match (by_sql, find("selector_expression")) {
        (Some(sql), None) => diagnostics.at(
            &sql.written,
            "`Sql92` needs a `selector_expression`, as in `\"total > 100\"`",
        ),
        (Some(_), Some(expression)) => check_expression(expression, names::condition, diagnostics),
        (None, Some(expression)) if by_tag => {
            check_expression(expression, names::selected_tags, diagnostics);
        }
        _ => {}
    }
}

/// Reports values that do not fit the item below the attribute.
fn fits(attributes: &[Attribute], target: &ListenerItem, diagnostics: &mut Diagnostics) {
    if !matches!(
        target,
        ListenerItem::Function {
            is_async: false,
            ..
        }
    ) {
        return;
    }
    for attribute in attributes {
        if let (key @ "blocking", CheckedValue::Truth(false)) =
            (attribute.key.name, &attribute.value)
        {
            diagnostics.at(
                &attribute.written,
                format_args!(
                    "a plain `fn` blocks its thread: leave `{key}` out, or write `async fn`"
                ),
            );
        }
    }
}

fn check_expression(
    expression: &Attribute,
    check: impl Fn(&str) -> Result<(), String>,
    diagnostics: &mut Diagnostics,
) {
    let CheckedValue::Text(text) = &expression.value else {
        return;
    };
    let content = text.value();
    let Ok(template) = Template::parse(&content) else {
        return;
    };
    let outcome = match template.sole_default() {
        Some(default) => check(default).map_err(|e| format!("the default does not fit: {e}")),
        None if template.has_placeholder() => Ok(()),
        None => check(&content),
    };
    if let Err(complaint) = outcome {
        diagnostics.at(text, complaint);
    }
}
