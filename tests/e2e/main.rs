//! Several parts together.
