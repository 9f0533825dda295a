//! Which of the two encodings a header has.

use super::error::FrameError;

/// How a header is encoded (`SerializeType`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// A JSON object.
    #[default]
    Json,
    /// RocketMQ's own binary form.
    Binary,
}

impl Encoding {
    /// The number in the frame.
    pub fn to_wire(self) -> u8 {
        match self {
            Self::Json => 0,
            Self::Binary => 1,
        }
    }

    /// Reads the number in the frame.
    ///
    /// # Errors
    ///
    /// [`FrameError::Encoding`] when it is neither.
    pub fn from_wire(number: u8) -> Result<Self, FrameError> {
        match number {
            0 => Ok(Self::Json),
            1 => Ok(Self::Binary),
            other => Err(FrameError::Encoding(other)),
        }
    }
}
