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

# Licenses, advisories, sources of the dependencies (needs cargo-deny)
deny:
    cargo deny check

# The demo: http://localhost:8011/order?pid=1
demo:
    cargo run -p demo-shop
