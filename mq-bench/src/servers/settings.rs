//! Settings that every broker is given, so that all do the same work.

/// How an open transaction ended is asked after two seconds and every two seconds from then on, so that
/// checks are among what is measured.
pub(super) const TRANSACTION_CHECKS: [(&str, &str); 2] = [
    ("transactionTimeOut", "2000"),
    ("transactionCheckInterval", "2000"),
];
