//! Sends text messages.
