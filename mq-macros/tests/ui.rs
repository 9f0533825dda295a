//! One case per rule: what the compiler says, and under which token.

#[test]
fn every_rule_complains_under_the_users_own_token() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/*.rs");
}
