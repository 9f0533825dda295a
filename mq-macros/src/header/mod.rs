//! `#[derive(Header)]`: a struct's fields as the fields of a remoting header.

mod expand;
mod model;

use proc_macro2::TokenStream;
use syn::DeriveInput;

/// The implementation, or every complaint as a compile error.
pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    match model::HeaderModel::of(input) {
        Ok(model) => expand::expand(&model),
        Err(error) => error.to_compile_error(),
    }
}
