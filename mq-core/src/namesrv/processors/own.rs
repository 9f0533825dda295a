//! Copies of request texts that outlive the request.

use bytestring::ByteString;

/// A copy that does not keep the whole frame in memory.
pub(super) fn own(text: &ByteString) -> ByteString {
    ByteString::from(&**text)
}
