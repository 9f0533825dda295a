//! The rules for the item below the attribute: a struct, or a function with extractors.

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser};
use syn::{
    Attribute, FnArg, Generics, Item, ItemFn, ItemStruct, ReturnType, Safety, Type, Visibility,
};

use crate::diagnostics::Diagnostics;

/// The item that becomes a listener.
pub(super) enum ListenerItem {
    Struct(Ident),
    Function {
        ident: Ident,
        is_async: bool,
        parameters: Vec<Type>,
        output: Option<Box<Type>>,
    },
}

impl ListenerItem {
    pub(super) fn of(item: TokenStream, diagnostics: &mut Diagnostics) -> Option<Self> {
        match syn::parse2::<Item>(item.clone()) {
            Ok(Item::Struct(item)) => Some(of_struct(item, diagnostics)),
            Ok(Item::Fn(function)) => Some(of_function(function, diagnostics)),
            Ok(_) => {
                diagnostics.at(
                    &keyword.parse2(item).ok(),
                    "a listener is a struct that implements `RocketMQListener`, or a function",
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

/// The first word of an item, behind its attributes and its visibility.
pub(crate) fn keyword(item: ParseStream<'_>) -> syn::Result<TokenTree> {
    Attribute::parse_outer(item)?;
    item.parse::<Visibility>()?;
    let keyword = item.parse()?;
    item.parse::<TokenStream>()?;
    Ok(keyword)
}

fn of_struct(item: ItemStruct, diagnostics: &mut Diagnostics) -> ListenerItem {
    no_generics(&item.generics, diagnostics);
    ListenerItem::Struct(item.ident)
}

fn of_function(function: ItemFn, diagnostics: &mut Diagnostics) -> ListenerItem {
    let signature = function.sig;
    if let Safety::Unsafe(word) = &signature.safety {
        diagnostics.at(
            word,
            "a listener is not `unsafe`: the program calls it with each message",
        );
    }
    if let Some(abi) = &signature.abi {
        diagnostics.at(abi, "a listener is not `extern`: Rust calls it");
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
    ListenerItem::Function {
        ident: signature.ident,
        is_async: signature.asyncness.is_some(),
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
