//! `#[derive(Component)]`: a struct whose fields the application fills.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Member};

use crate::diagnostics::Diagnostics;

/// The implementation, or all compile errors.
pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    let mut diagnostics = Diagnostics::default();
    let Data::Struct(data) = &input.data else {
        diagnostics.at(&input.ident, "a component is a struct");
        return diagnostics.into_tokens();
    };
    if !input.generics.params.is_empty() {
        diagnostics.at(&input.generics.params, "a component has no generics");
        return diagnostics.into_tokens();
    }
    let ident = &input.ident;
    let component = ident.to_string();
    let mut takes = Vec::new();
    let mut fields = Vec::new();
    for (number, (member, field)) in data.fields.members().zip(&data.fields).enumerate() {
        let local = format_ident!("field_{number}");
        let ty = &field.ty;
        let shown = match &member {
            Member::Named(name) => format!("{component}.{name}"),
            Member::Unnamed(index) => format!("{component}.{}", index.index),
        };
        takes.push(quote_spanned! {ty.span()=>
            let #local = <#ty as ::mq_starter::__private::FromApplication>::take(assembly, #shown);
        });
        fields.push(quote!(#member: #local?));
    }
    quote! {
        impl ::mq_starter::Component for #ident {
            fn assemble(
                assembly: &mut ::mq_starter::__private::Assembly<'_>,
            ) -> ::core::option::Option<Self> {
                #(#takes)*
                ::core::option::Option::Some(Self { #(#fields,)* })
            }
        }
    }
}
