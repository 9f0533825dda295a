//! Reads the ROCKETMQ binary header (`RocketMQSerializable`).

use bytes::{Buf, Bytes};
use bytestring::ByteString;

use crate::wire::error::FrameError;
use crate::wire::fields::Fields;
use crate::wire::head::Head;
use crate::wire::language::Language;

pub(super) fn decode(header: &Bytes) -> Result<(Head, Fields), FrameError> {
    let early = || FrameError::Header("the header ends early".to_owned());
    let (mut head, remark, fields) = parts(header).ok_or_else(early)?;
    if !remark.is_empty() {
        let remark = ByteString::try_from(header.slice_ref(remark));
        let not_text = |_| FrameError::Header("the remark is not UTF-8".to_owned());
        head.remark = Some(remark.map_err(not_text)?);
    }
    let fields = Fields::from_binary(header.slice_ref(fields)).map_err(FrameError::Field)?;
    Ok((head, fields))
}

/// The head without its remark, the remark, and the list of fields.
fn parts(mut rest: &[u8]) -> Option<(Head, &[u8], &[u8])> {
    let head = Head {
        code: i32::from(rest.try_get_i16().ok()?),
        language: Language::from_number(rest.try_get_u8().ok()?),
        version: i32::from(rest.try_get_i16().ok()?),
        opaque: rest.try_get_i32().ok()?,
        flag: rest.try_get_i32().ok()?,
        remark: None,
    };
    Some((head, take(&mut rest)?, take(&mut rest)?))
}

/// Takes a part off the front that begins with its length; a negative length is an error as in Java.
fn take<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(rest.try_get_i32().ok()?).ok()?;
    let (part, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some(part)
}
