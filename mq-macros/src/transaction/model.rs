//! The rules of the attribute: it stands on a struct, and may give it another name.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::parse::Parser;
use syn::{Item, LitStr};

use crate::diagnostics::{Diagnostics, nearest};
use crate::listener::{WrittenArguments, WrittenValue, keyword};

/// The only key.
const NAME: &str = "name";

/// Attributes of Java's `@RocketMQTransactionListener`, each with the reason why it is refused.
const NOT_BUILT: &[(&str, &str)] = &[
    ("core_pool_size", NO_POOL),
    ("maximum_pool_size", NO_POOL),
    ("keep_alive_time", NO_POOL),
    ("keep_alive_time_unit", NO_POOL),
    ("blocking_queue_size", NO_POOL),
    (
        "rocket_mq_template_bean_name",
        "the listener is named where a transaction begins, as in \
         `template.send_message_in_transaction::<…>`, so that an application may have several",
    ),
];
const NO_POOL: &str =
    "checks run on the application's runtime; Java's client makes this pool and uses another";

/// A transaction listener that has passed every check that can be made at compile time.
pub(crate) struct TransactionModel {
    pub(super) ident: Ident,
    /// The name that travels with its messages.
    pub(super) name: String,
}

impl TransactionModel {
    /// The model; `None` when the item cannot be a transaction listener at all. Errors go to
    /// `diagnostics` in either case.
    pub(crate) fn of(
        written: &WrittenArguments,
        item: TokenStream,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        for stray in &written.stray {
            diagnostics.at(stray, "expected `name = \"…\"`");
        }
        for key in &written.run_on {
            diagnostics.at(key, format_args!("a comma is missing before `{key}`"));
        }
        let mut name = None;
        for entry in &written.entries {
            let key = entry.key.to_string();
            if key == NAME {
                if name.is_some() {
                    diagnostics.at(&entry.key, "`name` is given twice");
                }
                name = named(&entry.value, &entry.key, diagnostics).or(name);
            } else {
                diagnostics.at(&entry.key, complaint(&key));
            }
        }
        let ident = of_struct(item, diagnostics)?;
        Some(Self {
            name: name.unwrap_or_else(|| ident.to_string()),
            ident,
        })
    }
}

fn complaint(key: &str) -> String {
    let plain = key.replace('_', "").to_lowercase();
    let not_built = NOT_BUILT
        .iter()
        .find(|(name, _)| name.replace('_', "") == plain);
    match (not_built, nearest(key, [NAME])) {
        (Some((_, reason)), _) => format!("`{key}` is refused: {reason}; leave it out"),
        (None, Some(near)) => format!("unknown key `{key}`; did you mean `{near}`?"),
        (None, None) => format!("unknown key `{key}`; the only key is `{NAME}`"),
    }
}

/// A name travels as a property, so it is text that properties can hold.
fn named(value: &WrittenValue, key: &Ident, diagnostics: &mut Diagnostics) -> Option<String> {
    let WrittenValue::Text(text) = value else {
        diagnostics.at(&key, "`name` is a text, as in `name = \"place-order\"`");
        return None;
    };
    if is_name(text) {
        return Some(text.value());
    }
    diagnostics.at(
        &text.to_token_stream(),
        "a transaction listener's name has letters, digits, `-`, `_`, `.` and `:` only, and at least one",
    );
    None
}

fn is_name(text: &LitStr) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    let text = text.value();
    !text.is_empty() && text.len() <= 255 && text.chars().all(legal)
}

fn of_struct(item: TokenStream, diagnostics: &mut Diagnostics) -> Option<Ident> {
    match syn::parse2::<Item>(item.clone()) {
        Ok(Item::Struct(item)) => {
            if !item.generics.params.is_empty() {
                diagnostics.at(
                    &item.generics.params,
                    "a transaction listener has no generics: the program must know which one a name means",
                );
            }
            Some(item.ident)
        }
        Ok(_) => {
            diagnostics.at(
                &keyword.parse2(item).ok(),
                "a transaction listener is a struct that implements `LocalTransactionListener`",
            );
            None
        }
        Err(error) => {
            diagnostics.at_span(error.span(), error);
            None
        }
    }
}
