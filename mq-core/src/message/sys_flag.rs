//! The system flag of a message: compression, transaction part, address families
//! (`MessageSysFlag`).

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// An RFC 1950 stream; also what a flag without a compression type means.
    Zlib,
    /// An LZ4 frame.
    Lz4,
    /// A Zstandard frame.
    Zstd,
}

/// Which part of a transaction a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transaction {
    /// None.
    None,
    /// A half message: nobody sees it until it is committed.
    Prepared,
    /// The visible copy of a committed half message.
    Commit,
    /// Rolled back.
    Rollback,
}

/// The system flag of a message (`MessageSysFlag`). Unknown bits are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SysFlag(pub i32);

impl SysFlag {
    /// The body is compressed.
    pub const COMPRESSED: i32 = 0x1;
    /// The topic's messages may bear several tags.
    pub const MULTI_TAGS: i32 = 0x2;
    /// Where the bits of [`Transaction`] are.
    pub const TRANSACTION_MASK: i32 = 0xC;
    /// Marks a half message.
    pub const PREPARED: i32 = 0x4;
    /// Marks the visible copy of a committed half message.
    pub const COMMITTED: i32 = 0x8;
    /// The sender's address is IPv6.
    pub const BORN_HOST_V6: i32 = 0x10;
    /// The broker's address is IPv6.
    pub const STORE_HOST_V6: i32 = 0x20;
    const COMPRESSION_MASK: i32 = 0x700;

    /// Whether any of `bits` is set.
    pub fn has(self, bits: i32) -> bool {
        self.0 & bits != 0
    }

    /// The same with `bits` set.
    #[must_use]
    pub fn with(self, bits: i32) -> Self {
        Self(self.0 | bits)
    }

    /// The same with `bits` cleared.
    #[must_use]
    pub fn without(self, bits: i32) -> Self {
        Self(self.0 & !bits)
    }

    /// How the body is compressed; `None` when it is not.
    ///
    /// # Errors
    ///
    /// The type bits, when no version of RocketMQ defines them.
    pub fn compression(self) -> Result<Option<Compression>, i32> {
        if !self.has(Self::COMPRESSED) {
            return Ok(None);
        }
        match self.0 & Self::COMPRESSION_MASK {
            0 | 0x300 => Ok(Some(Compression::Zlib)),
            0x100 => Ok(Some(Compression::Lz4)),
            0x200 => Ok(Some(Compression::Zstd)),
            other => Err(other),
        }
    }

    /// Only the bits that say whether and how the body is compressed.
    #[must_use]
    pub fn packing(self) -> Self {
        Self(self.0 & (Self::COMPRESSED | Self::COMPRESSION_MASK))
    }

    /// The same, marked as compressed by `compression`.
    ///
    /// For zlib the type bits stay 0, which every client understands.
    #[must_use]
    pub fn compressed_by(self, compression: Compression) -> Self {
        let kind = match compression {
            Compression::Zlib => 0,
            Compression::Lz4 => 0x100,
            Compression::Zstd => 0x200,
        };
        self.without(Self::COMPRESSION_MASK)
            .with(Self::COMPRESSED | kind)
    }

    /// Which part of a transaction the message is.
    pub fn transaction(self) -> Transaction {
        match self.0 & Self::TRANSACTION_MASK {
            0x4 => Transaction::Prepared,
            0x8 => Transaction::Commit,
            0xC => Transaction::Rollback,
            _ => Transaction::None,
        }
    }
}
