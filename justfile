# `just` lists the recipes; `just check` is what CI runs.

default:
    @just --list

# Everything CI runs
check:
    .ci/run

# Formatting, lints and documentation
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# All tests of the workspace
test:
    cargo test --workspace

# Each feature of the libraries alone
features:
    .ci/features

# Other people's clients against our servers, our client against Apache's servers
interop *cells:
    tests/interop/run {{cells}}

# What takes too long or too much memory for CI: `just heavy timers halves memory clock`, all by default
heavy *tests:
    tests/heavy/run {{tests}}

# Licenses, advisories, sources of the dependencies (needs cargo-deny)
deny:
    cargo deny check

# The demo: http://localhost:8011/order?pid=1
demo:
    cargo run -p demo-shop

# The bars, measured in turn with a server that only answers; `just bench --peers`: with Apache's client and brokers, up to an hour
bench *args: bench-build
    "${CARGO_TARGET_DIR:-target}/release/mq-bench" run {{args}}

# The daily look, five minutes: our own client only
bench-quick *args: bench-build
    "${CARGO_TARGET_DIR:-target}/release/mq-bench" run --quick {{args}}

[private]
bench-build:
    cargo build --release --quiet -p mq-server -p mq-bench
