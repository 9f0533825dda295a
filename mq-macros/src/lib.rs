//! The attributes and derives of mq.

mod header;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes a struct the header of a request or an answer (`mq_core::wire::Header`).
///
/// A field's name on the wire is its own in camel case unless `#[header(name = "…")]` says
/// otherwise. `#[header(default)]` reads an absent or unreadable value as the type's default.
#[proc_macro_derive(Header, attributes(header))]
pub fn derive_header(input: TokenStream) -> TokenStream {
    header::derive(&parse_macro_input!(input as DeriveInput)).into()
}
