//! What a peer is written in (`LanguageCode`): a name in JSON headers, a number in binary ones.

macro_rules! languages {
    ($($(#[$doc:meta])* $variant:ident = $number:literal, $name:literal;)*) => {
        /// What a peer is written in. Names and numbers that nobody knows are [`Language::Other`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Language {
            $($(#[$doc])* $variant,)*
        }

        impl Language {
            /// The name in a JSON header.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The number in a binary header.
            pub fn to_number(self) -> u8 {
                match self { $(Self::$variant => $number,)* }
            }

            /// Reads the number in a binary header.
            pub fn from_number(number: u8) -> Self {
                match number { $($number => Self::$variant,)* _ => Self::Other }
            }

            /// Reads the name in a JSON header.
            pub fn from_name(name: &str) -> Self {
                match name { $($name => Self::$variant,)* _ => Self::Other }
            }
        }
    };
}

languages! {
    /// Java.
    Java = 0, "JAVA";
    /// C++.
    Cpp = 1, "CPP";
    /// .NET.
    Dotnet = 2, "DOTNET";
    /// Python.
    Python = 3, "PYTHON";
    /// Delphi.
    Delphi = 4, "DELPHI";
    /// Erlang.
    Erlang = 5, "ERLANG";
    /// Ruby.
    Ruby = 6, "RUBY";
    /// Anything else.
    Other = 7, "OTHER";
    /// HTTP.
    Http = 8, "HTTP";
    /// Go.
    Go = 9, "GO";
    /// PHP.
    Php = 10, "PHP";
    /// OMS.
    Oms = 11, "OMS";
    /// Rust.
    Rust = 12, "RUST";
    /// Node.js.
    NodeJs = 13, "NODE_JS";
}
