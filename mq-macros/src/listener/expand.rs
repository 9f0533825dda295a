//! Generates the registration from the model; cannot fail.
//!
//! The user's item is unchanged. An unnamed constant is added, which refers to nothing but
//! `mq_starter::__private`.

use mq_rules::Kind;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

use super::batch::is_batch;
use super::function::ListenerItem;
use super::model::{Attribute, CheckedValue, ListenerKind, ListenerModel};

pub(crate) fn expand(model: &ListenerModel) -> TokenStream {
    let attributes = model.attributes.iter().map(attribute);
    let (name, assemble) = match &model.target {
        ListenerItem::Struct(ident) => (ident, of_struct(ident, model)),
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
            let assemble = if model.is_batch {
                function.assemble_batch()
            } else {
                function.assemble(model.kind)
            };
            (ident, assemble)
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

fn of_struct(ident: &Ident, model: &ListenerModel) -> TokenStream {
    let function = match model.kind {
        ListenerKind::Message if model.is_batch => format_ident!("assemble_batch_struct"),
        ListenerKind::Message => format_ident!("assemble_struct"),
        ListenerKind::Reply => format_ident!("assemble_replying_struct"),
    };
    assemble(&quote_spanned!(ident.span()=> p::#function::<#ident>(assembly)))
}

/// The function that makes a handler of what the application provides.
fn assemble(handler: &TokenStream) -> TokenStream {
    quote! {
        fn assemble(assembly: &mut p::Assembly<'_>) -> ::core::option::Option<p::AnyHandler> {
            let handler = { #handler };
            handler.map(::core::convert::Into::into)
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
        assemble(&quote! {
            #(let #names = #extractors;)*
            #take_replier
            assembly.is_complete().then(|| #handler)
        })
    }

    /// The same for a function that takes a batch, and beside it what the application provides.
    fn assemble_batch(&self) -> TokenStream {
        let name = |number| format_ident!("parameter_{number}");
        let names: Vec<_> = (0..self.parameters.len()).map(name).collect();
        let parameters = names.iter().zip(self.parameters);
        let (batch, others): (Vec<_>, Vec<_>) = parameters.partition(|(_, ty)| is_batch(ty));
        let (batch_name, batch_type): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        let extractors = others.iter().map(|(name, ty)| {
            quote_spanned!(ty.span()=> let #name = p::batch_extractor::<#ty>(assembly);)
        });
        let others: Vec<_> = others.iter().map(|(name, _)| name).collect();
        let state = if others.is_empty() {
            quote!(_)
        } else {
            quote!(state)
        };
        let ident = self.ident;
        let span = self.output.map_or_else(|| ident.span(), Spanned::span);
        let outcome = quote_spanned!(span=> p::batch_result(outcome));
        let span = Span::call_site().located_at(ident.span());
        let (kind, is_async) = if self.is_async {
            (quote!(new), Some((quote!(async move), quote!(.await))))
        } else {
            (quote!(blocking), None)
        };
        let (before, after) = is_async.unzip();
        let called = quote_spanned!(span=> #before {
            #(let #others = #others(&state)?;)*
            let outcome = #ident(#(#names),*) #after;
            #outcome
        });
        assemble(&quote! {
            #(#extractors)*
            assembly.is_complete().then(|| p::BatchHandler::#kind(
                move |#(#batch_name: #batch_type)*, #state: p::AppState| #called
            ))
        })
    }
}
