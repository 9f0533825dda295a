//! An error with all its causes, in one line.

use std::error::Error;

/// The text of `error`, followed by the texts of its causes.
///
/// A cause that the text has already is not repeated: the errors of the public API print their causes
/// themselves, so that `{}` is enough, and return them from `source()` too.
///
/// ```
/// # use mq_core::reason::reason;
/// # use mq_core::remoting::CallError;
/// let refused = std::io::Error::other("refused");
/// let error = CallError::Connect { address: "localhost:1".to_owned(), source: refused };
///
/// assert_eq!(error.to_string(), "could not connect to localhost:1: refused");
/// assert_eq!(reason(&error), error.to_string());
/// ```
pub fn reason(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = error.source();
    }
    text
}

/// The bytes of a reason that are kept with a dead letter.
const MAX_REASON_BYTES: usize = 1024;

/// `reason` as it is kept with a dead letter: control characters become spaces, and it is cut after
/// 1 KiB.
pub fn line(reason: &str) -> String {
    let mut kept = String::new();
    for c in reason.chars() {
        if kept.len() >= MAX_REASON_BYTES {
            break;
        }
        kept.push(if c.is_control() { ' ' } else { c });
    }
    kept
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the gateway is gone")]
    struct OwnLevel(#[source] Whole);

    #[derive(Debug, thiserror::Error)]
    #[error("could not connect: {0}")]
    struct Whole(#[source] io::Error);

    #[test]
    fn each_cause_is_printed_once() {
        let error = OwnLevel(Whole(io::Error::other("no route")));

        assert_eq!(
            reason(&error),
            "the gateway is gone: could not connect: no route"
        );
    }

    /// A taken port was told of four times, because the advice stood behind it.
    #[test]
    fn a_cause_that_stands_before_an_advice_is_not_repeated() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot listen: {0}; choose another port")]
        struct Advice(#[source] Whole);
        let error = Advice(Whole(io::Error::other("in use")));

        let said = "cannot listen: could not connect: in use; choose another port";
        assert_eq!(reason(&error), said);
    }

    #[test]
    fn a_kept_reason_is_one_line_of_limited_length() {
        assert_eq!(line("no\u{1}JSON\nhere"), "no JSON here");
        assert_eq!(line(&"\u{e4}".repeat(1000)).len(), MAX_REASON_BYTES);
    }
}
