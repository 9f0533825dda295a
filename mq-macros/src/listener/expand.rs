//! Generates the registration from the model; cannot fail.
//!
//! The user's item is unchanged. An unnamed constant is added, which refers to nothing but
//! `mq_starter::__private`.

use mq_rules::Kind;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

use super::function::ListenerItem;
use super::model::{Attribute, CheckedValue, ListenerKind, ListenerModel};

pub(crate) fn expand(model: &ListenerModel) -> TokenStream {
    let attributes = model.attributes.iter().map(attribute);
    let (name, assemble) = match &model.target {
        ListenerItem::Struct(ident) => (ident, of_struct(ident, model.kind)),
        ListenerItem::Function {
            ident,
            is_async,
            parameters,
            output,
        } => {
            let function = Function {
                ident,
                is_async: *is_async,
                parameters,
                output: output.as_deref(),
            };
            (ident, function.assemble(model.kind))
        }
    };
    let name = name.to_string();
    quote! {
        const _: () = {
            use ::mq_starter::__private as p;

            #assemble

            p::inventory::submit! {
                p::Declaration {
                    name: #name,
                    origin: p::Origin {
                        package: ::core::env!("CARGO_PKG_NAME"),
                        file: ::core::file!(),
                        line: ::core::line!(),
                    },
                    cluster: p::ClusterName::DEFAULT,
                    kind: p::DeclarationKind::MessageListener(p::MessageListener {
                        attributes: p::Attributes { #(#attributes,)* ..p::Attributes::NONE },
                        assemble,
                    }),
                }
            }
        };
    }
}

fn attribute(attribute: &Attribute) -> TokenStream {
    let field = format_ident!("{}", attribute.key.name);
    match &attribute.value {
        CheckedValue::Text(text) if attribute.key.required => quote!(#field: #text),
        CheckedValue::Text(text) => quote!(#field: ::core::option::Option::Some(#text)),
        CheckedValue::Placeholder(text) => {
            quote!(#field: ::core::option::Option::Some(p::LiteralOrPlaceholder::Placeholder(#text)))
        }
        CheckedValue::Number(number) => {
            let number = proc_macro2::Literal::i64_unsuffixed(*number);
            quote!(#field: ::core::option::Option::Some(p::LiteralOrPlaceholder::Literal(#number)))
        }
        CheckedValue::Truth(truth) => {
            quote!(#field: ::core::option::Option::Some(p::LiteralOrPlaceholder::Literal(#truth)))
        }
        CheckedValue::Variant(variant) => {
            let type_name = match &attribute.key.kind {
                Kind::Choice(choice) => format_ident!("{}", choice.type_name),
                _ => format_ident!("{}", attribute.key.name),
            };
            let variant = format_ident!("{variant}");
            quote!(#field: ::core::option::Option::Some(
                p::LiteralOrPlaceholder::Literal(p::#type_name::#variant)
            ))
        }
    }
}

fn of_struct(ident: &Ident, kind: ListenerKind) -> TokenStream {
    let assembled = match kind {
        ListenerKind::Message => {
            quote_spanned!(ident.span()=> p::assemble_struct::<#ident>(assembly))
        }
        ListenerKind::Reply => {
            quote_spanned!(ident.span()=> p::assemble_replying_struct::<#ident>(assembly))
        }
    };
    quote! {
        fn assemble(assembly: &mut p::Assembly<'_>) -> ::core::option::Option<p::Handler> {
            #assembled
        }
    }
}

/// An annotated function.
struct Function<'a> {
    ident: &'a Ident,
    is_async: bool,
    parameters: &'a [Type],
    output: Option<&'a Type>,
}

impl Function<'_> {
    /// The function that makes a handler of it.
    fn assemble(&self, kind: ListenerKind) -> TokenStream {
        let names: Vec<_> = (0..self.parameters.len())
            .map(|number| format_ident!("parameter_{number}"))
            .collect();
        let extractors = self
            .parameters
            .iter()
            .map(|ty| quote_spanned!(ty.span()=> p::extractor::<#ty>(assembly)));
        let span = self.output.map_or_else(|| self.ident.span(), Spanned::span);
        let (take_replier, clone_replier, outcome) = match kind {
            ListenerKind::Message => (None, None, quote_spanned!(span=> p::outcome(outcome))),
            ListenerKind::Reply => (
                Some(quote!(let replier = p::Replier::take(assembly)?;)),
                Some(quote!(let replier = ::core::clone::Clone::clone(&replier);)),
                quote_spanned!(span=> p::replied(&replier, &delivery, outcome)),
            ),
        };
        let ident = self.ident;
        // Spanned to the function's name, so that rustc reports a future that is not `Send` there, and
        // lints do not fire on generated code.
        let span = Span::call_site().located_at(ident.span());
        let handler = if self.is_async {
            let future = quote_spanned!(span=> ::std::boxed::Box::pin(async move {
                #(let #names = #names(&delivery)?;)*
                let outcome = #ident(#(#names),*).await;
                #outcome
            }));
            match clone_replier {
                None => quote!(p::Handler::new(move |delivery| #future)),
                Some(clone) => quote!(p::Handler::new(move |delivery| { #clone #future })),
            }
        } else {
            let called = quote_spanned!(span=> {
                #(let #names = #names(&delivery)?;)*
                let outcome = #ident(#(#names),*);
                #outcome
            });
            quote!(p::Handler::blocking(move |delivery| #called))
        };
        quote! {
            fn assemble(assembly: &mut p::Assembly<'_>) -> ::core::option::Option<p::Handler> {
                #(let #names = #extractors;)*
                #take_replier
                assembly.is_complete().then(|| #handler)
            }
        }
    }
}
