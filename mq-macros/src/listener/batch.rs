//! The rules of batch listeners: how many messages they take, and where.

use proc_macro2::TokenStream;
use syn::Type;

use super::function::ListenerItem;
use crate::diagnostics::Diagnostics;

/// Whether a parameter is the messages of a batch listener: `Batch<…>`, with or without a path.
pub(super) fn is_batch(ty: &Type) -> bool {
    let Type::Path(path) = ty else {
        return false;
    };
    let last = path.path.segments.last();
    last.is_some_and(|segment| segment.ident == "Batch")
}

/// Whether the listener takes several messages in one call: a function that asks for a `Batch<…>`, or a
/// struct with a size. `is_sized` also when the `size` was written and is refused.
pub(super) fn check(
    replies: bool,
    size: Option<&TokenStream>,
    is_sized: bool,
    target: &ListenerItem,
    diagnostics: &mut Diagnostics,
) -> bool {
    let batches: Vec<_> = match target {
        ListenerItem::Struct(_) => Vec::new(),
        ListenerItem::Function { parameters, .. } => {
            parameters.iter().filter(|ty| is_batch(ty)).collect()
        }
    };
    if replies {
        let one = "a reply listener takes one message at a time";
        if let Some(size) = size {
            diagnostics.at(size, one);
        }
        for batch in batches {
            diagnostics.at(batch, one);
        }
        return false;
    }
    match (target, batches.as_slice()) {
        (ListenerItem::Struct(_), _) => is_sized,
        (_, []) => {
            if let Some(size) = size {
                diagnostics.at(
                    size,
                    "the function takes one message at a time: ask for `Batch<…>`, or leave \
                     `consume_message_batch_max_size` out",
                );
            }
            false
        }
        (_, [batch, others @ ..]) => {
            if !is_sized {
                diagnostics.at(
                    batch,
                    "how many messages are a batch at most? Add \
                     `consume_message_batch_max_size = 32`",
                );
            }
            for ty in others {
                diagnostics.at(ty, "a function has one `Batch<…>`");
            }
            true
        }
    }
}
