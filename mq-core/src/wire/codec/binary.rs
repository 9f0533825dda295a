//! Reads the ROCKETMQ binary header (`RocketMQSerializable`).

use bytes::{Buf, Bytes};
use bytestring::ByteString;

use crate::wire::error::FrameError;
use crate::wire::fields::Fields;
use crate::wire::head::Head;
use crate::wire::language::Language;

pub(super) fn decode(header: &Bytes) -> Result<(Head, Fields), FrameError> {
    let mut rest = header.clone();
    read(&mut rest).ok_or_else(|| FrameError::Header("the header ends early".to_owned()))?
}

fn read(rest: &mut Bytes) -> Option<Result<(Head, Fields), FrameError>> {
    let code = i32::from(rest.try_get_i16().ok()?);
    let language = Language::from_number(rest.try_get_u8().ok()?);
    let version = i32::from(rest.try_get_i16().ok()?);
    let opaque = rest.try_get_i32().ok()?;
    let flag = rest.try_get_i32().ok()?;
    let remark = take(rest)?;
    let fields = take(rest)?;
    let Ok(remark) = ByteString::try_from(remark) else {
        return Some(Err(FrameError::Header(
            "the remark is not UTF-8".to_owned(),
        )));
    };
    let remark = (!remark.is_empty()).then_some(remark);
    let head = Head {
        code,
        language,
        version,
        opaque,
        flag,
        remark,
    };
    Some(
        Fields::from_binary(fields)
            .map(|fields| (head, fields))
            .map_err(FrameError::Field),
    )
}

/// Takes a part off the front that begins with its length; a negative length is an error as in Java.
fn take(rest: &mut Bytes) -> Option<Bytes> {
    let length = usize::try_from(rest.try_get_i32().ok()?).ok()?;
    (length <= rest.len()).then(|| rest.split_to(length))
}
