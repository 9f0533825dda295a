//! What users import.

pub mod config;
