//! `#[rocketmq_message_listener]`: a struct or a function becomes a listener.

mod choices;
mod expand;
mod function;
mod keys;
mod model;
mod names;
mod parse;
mod placeholder;

use proc_macro2::TokenStream;
use quote::quote;

use crate::diagnostics::Diagnostics;

/// The user's item as it was, followed by its registration or by every complaint.
pub(crate) fn attribute(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    let mut diagnostics = Diagnostics::default();
    let written = parse::Written::of(arguments);
    let added = match model::ListenerModel::of(&written, item.clone(), &mut diagnostics) {
        Some(model) if diagnostics.is_empty() => expand::expand(&model),
        _ => diagnostics.into_tokens(),
    };
    quote!(#item #added)
}
