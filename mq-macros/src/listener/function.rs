//! The rules for what the attribute stands on: a struct, or an async function with extractors.

use proc_macro2::{Ident, TokenStream};
use syn::{FnArg, Generics, Item, ItemFn, ItemStruct, ReturnType, Type};

use crate::diagnostics::Diagnostics;

/// What becomes a listener.
pub(super) enum Target {
    Struct(Ident),
    Function {
        ident: Ident,
        parameters: Vec<Type>,
        output: Option<Box<Type>>,
    },
}

impl Target {
    pub(super) fn of(item: TokenStream, diagnostics: &mut Diagnostics) -> Option<Self> {
        match syn::parse2::<Item>(item.clone()) {
            Ok(Item::Struct(item)) => Some(of_struct(item, diagnostics)),
            Ok(Item::Fn(function)) => Some(of_function(function, diagnostics)),
            Ok(_) => {
                let first = item.into_iter().next();
                diagnostics.at(
                    &first,
                    "a listener is a struct that implements `RocketMQListener`, or an `async fn`",
                );
                None
            }
            Err(error) => {
                diagnostics.at_span(error.span(), error);
                None
            }
        }
    }
}

fn of_struct(item: ItemStruct, diagnostics: &mut Diagnostics) -> Target {
    no_generics(&item.generics, diagnostics);
    Target::Struct(item.ident)
}

fn of_function(function: ItemFn, diagnostics: &mut Diagnostics) -> Target {
    let signature = function.sig;
    if signature.asyncness.is_none() {
        diagnostics.at(
            &signature.fn_token,
            "a listener is asynchronous: write `async fn`",
        );
    }
    no_generics(&signature.generics, diagnostics);
    let mut parameters = Vec::new();
    for input in signature.inputs {
        match input {
            FnArg::Receiver(receiver) => diagnostics.at(
                &receiver,
                "a listener function has no `self`: put the attribute on the struct and implement \
                 `RocketMQListener`, or ask for `State<…>`",
            ),
            FnArg::Typed(parameter) => match &*parameter.ty {
                Type::ImplTrait(ty) => {
                    diagnostics.at(ty, "a listener names the types that it asks for");
                }
                _ => parameters.push(*parameter.ty),
            },
        }
    }
    let output = match signature.output {
        ReturnType::Default => None,
        ReturnType::Type(_, ty) => Some(ty),
    };
    Target::Function {
        ident: signature.ident,
        parameters,
        output,
    }
}

fn no_generics(generics: &Generics, diagnostics: &mut Diagnostics) {
    if !generics.params.is_empty() {
        diagnostics.at(
            &generics.params,
            "a listener has no generics: the program must know which messages it takes",
        );
    }
}
