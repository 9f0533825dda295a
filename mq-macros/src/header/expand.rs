//! Generates the implementation from the model; cannot fail.

use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

use super::model::HeaderModel;

pub(super) fn expand(model: &HeaderModel) -> TokenStream {
    let HeaderModel { ident, fields } = model;
    let idents: Vec<_> = fields.iter().map(|field| &field.ident).collect();
    let names: Vec<_> = fields.iter().map(|field| &field.name).collect();
    let spellings = fields.iter().map(|field| {
        let bytes = |name: &String| Literal::byte_string(name.as_bytes());
        let (name, aliases) = (bytes(&field.name), field.aliases.iter().map(bytes));
        quote!(#name #(| #aliases)*)
    });
    let types: Vec<_> = fields.iter().map(|field| &field.ty).collect();
    // With names of their own, so that a field may be called `name` or `value`.
    let slots: Vec<_> = idents
        .iter()
        .map(|ident| format_ident!("slot_{}", ident))
        .collect();
    let values = fields.iter().zip(&slots).map(|(field, slot)| {
        let (name, ty) = (&field.name, &field.ty);
        if field.default {
            quote!(::core::option::Option::unwrap_or_default(
                #slot.and_then(<#ty as ::mq_core::wire::FieldValue>::read)
            ))
        } else {
            quote!(::mq_core::wire::read_field(#name, #slot)?)
        }
    });
    // A header without fields ignores the fields that arrived.
    let (out, input, pick) = if fields.is_empty() {
        (quote!(_out), quote!(_fields), quote!())
    } else {
        let pick = quote! {
            for (name, value) in fields.entries() {
                match name {
                    #(#spellings => { #slots.get_or_insert(value); })*
                    _ => {}
                }
            }
        };
        (quote!(out), quote!(fields), pick)
    };
    quote! {
        impl ::mq_core::wire::Header for #ident {
            fn write(&self, #out: &mut ::mq_core::wire::FieldWriter<'_>) {
                #(<#types as ::mq_core::wire::FieldValue>::write(&self.#idents, #names, out);)*
            }

            fn read(
                #input: &::mq_core::wire::Fields,
            ) -> ::core::result::Result<Self, ::mq_core::wire::FieldError> {
                #(let mut #slots = ::core::option::Option::None;)*
                #pick
                ::core::result::Result::Ok(Self { #(#idents: #values,)* })
            }
        }
    }
}
