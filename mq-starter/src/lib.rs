//! What users import.
