//! Generates the registration from the model; cannot fail.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::model::TransactionModel;

pub(crate) fn expand(model: &TransactionModel) -> TokenStream {
    let TransactionModel { ident, name } = model;
    let shown = ident.to_string();
    // Spanned to the struct's name, so that rustc reports a missing trait there.
    let assembled =
        quote_spanned!(ident.span()=> p::AnyTransactionListener::assemble::<#ident>(assembly));
    let declared = quote_spanned! {ident.span()=>
        impl p::DeclaredTransactionListener for #ident {
            const NAME: &'static str = #name;
        }
    };
    quote! {
        const _: () = {
            use ::mq_starter::__private as p;

            #declared

            fn assemble(
                assembly: &mut p::Assembly<'_>,
            ) -> ::core::option::Option<p::AnyTransactionListener> {
                #assembled
            }

            p::inventory::submit! {
                p::Declaration {
                    name: #shown,
                    origin: p::Origin {
                        package: ::core::env!("CARGO_PKG_NAME"),
                        file: ::core::file!(),
                        line: ::core::line!(),
                    },
                    cluster: p::ClusterName::DEFAULT,
                    kind: p::DeclarationKind::TransactionListener(p::TransactionListener {
                        name: #name,
                        assemble,
                    }),
                }
            }
        };
    }
}
