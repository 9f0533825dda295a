//! One annotation with its placeholders filled and the settings laid over it.

mod annotation;
mod combinations;
mod names;
mod values;

pub(super) use annotation::Reading;
