//! Conditions are read and evaluated as by Apache's filter.

use mq_rules::sql::{Condition, Verdict};

use Verdict::{Failed, False, True, Unknown};

/// The message of the tables.
fn property(name: &str) -> Option<&'static str> {
    match name {
        "a" => Some("5"),
        "b" => Some("7"),
        "big" => Some("3000000000"),
        "point" => Some("1.5"),
        "padded" => Some(" 5 "),
        "yes" => Some("TrUe"),
        "city" => Some("it's Köln"),
        "empty" => Some(""),
        "TAGS" => Some("paid"),
        "A" => Some("upper"),
        _ => None,
    }
}

fn check(table: &[(&str, Verdict)]) {
    for (text, expected) in table {
        let condition = Condition::parse(text);
        let verdict = condition.map(|condition| condition.verdict(property));
        assert_eq!(verdict.as_ref(), Ok(expected), "{text}");
    }
}

#[test]
fn a_property_is_read_as_the_type_of_the_number_beside_it() {
    check(&[
        ("a = 5", True),
        ("a = '5'", True),
        ("a = '05'", False),
        ("a = 5.0", True),
        ("a > 4.9", True),
        ("a <> 6", True),
        ("a >= 5 AND a <= 5", True),
        ("5 = a", True),
        ("4 < a", True),
        ("a = 5000000000", False),
        ("big > 5", Failed),
        ("big > 2147483648", True),
        ("big = 3000000000L", True),
        ("big > 5.5", True),
        ("point = 1", Failed),
        ("point = 1.5", True),
        ("padded = 5", Failed),
        ("padded = 5.0", True),
        ("city = 5", Failed),
        ("city <> 5", Failed),
        ("empty = 0", Failed),
        ("a < b", True),
        ("b > a", True),
        ("a > city", Failed),
        ("a = b", False),
        ("a = -5", False),
    ]);
}

#[test]
fn numbers_meet_as_the_wider_of_their_types() {
    check(&[
        ("1 = 1.0", True),
        ("3000000000 > 1", True),
        ("1 < 3000000000", True),
        ("9007199254740993 = 9007199254740992.0", True),
        ("-5 = -5.0", True),
        ("- -5 = 5", True),
        ("--5 = 5", True),
        ("+5 = + +5", True),
        ("-'x' IS NULL", True),
        ("-a IS NULL", True),
        ("5. = 5", True),
        (".5 = 5e-1", True),
        ("5E0 = 5", True),
    ]);
}

#[test]
fn what_is_absent_is_unknown_on_the_left_and_unequal_on_the_right() {
    check(&[
        ("none = 5", Unknown),
        ("none <> 5", Unknown),
        ("none > 5", Unknown),
        ("5 = none", False),
        ("5 <> none", True),
        ("5 > none", Unknown),
        ("a = none", False),
        ("none = nothing", True),
        ("none IS NULL", True),
        ("none IS NOT NULL", False),
        ("a IS NULL", False),
        ("a IS NOT NULL", True),
        ("NULL IS NULL", True),
        ("'x' is not null", True),
        ("(a > 1) IS NOT NULL", True),
        ("(none > 1) IS NULL", True),
        ("none BETWEEN 1 AND 2", Unknown),
        ("none IN ('x')", Unknown),
        ("none NOT IN ('x')", Unknown),
        ("none CONTAINS 'x'", False),
        ("none NOT CONTAINS 'x'", False),
        ("NULL", Unknown),
        ("NOT NULL", Unknown),
    ]);
}

#[test]
fn and_or_and_not_know_three_values_and_stop_early() {
    check(&[
        ("TRUE", True),
        ("false", False),
        ("none = 1 OR a = 5", True),
        ("none = 1 OR a = 6", Unknown),
        ("none = 1 AND a = 5", Unknown),
        ("none = 1 AND a = 6", False),
        ("a = 6 AND none = 1", False),
        ("a = 5 OR city > 5", True),
        ("city > 5 OR a = 5", Failed),
        ("a = 6 AND city > 5", False),
        ("none = 1 OR city > 5", Failed),
        ("a = 5 OR a = 6 AND a = 7", True),
        ("(a = 5 OR a = 6) AND a = 7", False),
        ("NOT (a = 6)", True),
        ("NOT (none = 6)", Unknown),
        ("not Not (a = 5)", True),
        ("a = 5 = TRUE", True),
        ("a IS NULL = FALSE", True),
        ("none > -(city > 5)", Unknown),
        ("a > -(city > 5)", Failed),
    ]);
}

#[test]
fn a_bare_property_is_never_true_and_not_binds_tight() {
    check(&[
        ("a", False),
        ("yes", False),
        ("none", Unknown),
        ("NOT a", True),
        ("NOT none", Unknown),
        ("a OR TRUE", True),
        ("NOT a = 'x'", Failed),
        ("NOT a = 5", False),
        ("NOT a <> 5", True),
        ("yes = TRUE", True),
        ("city = TRUE", False),
        ("a <> FALSE", False),
        ("TRUE = yes", Failed),
        ("TRUE = TRUE", True),
        ("TRUE <> FALSE", True),
        ("NOT TRUE = 5", False),
        ("NOT TRUE = FALSE", True),
        ("5 = TRUE", False),
        ("5 <> TRUE", True),
        ("(a = 5) = 5", False),
        ("(a = 5) <> 5", True),
        ("(a = 5) = 'TRUE'", Failed),
        ("'true' = (a = 5)", True),
    ]);
}

#[test]
fn between_has_both_bounds_and_its_value_is_evaluated_once() {
    check(&[
        ("a BETWEEN 5 AND 5", True),
        ("a BETWEEN 1 AND 4", False),
        ("a BETWEEN 6 AND 9", False),
        ("a NOT BETWEEN 6 AND 9", True),
        ("a NOT BETWEEN 1 AND 4", True),
        ("a NOT BETWEEN 1 AND 9", False),
        ("a NOT BETWEEN 9 AND 1", True),
        ("a BETWEEN 4.5 AND 6", True),
        ("a BETWEEN -1 AND -5", False),
        ("6 BETWEEN a AND b", True),
        ("8 BETWEEN a AND none", Unknown),
        ("4 BETWEEN a AND none", False),
        ("4 NOT BETWEEN a AND none", True),
        ("6 NOT BETWEEN none AND b", Unknown),
        ("8 NOT BETWEEN none AND b", True),
        ("4 BETWEEN a AND city", False),
        ("a BETWEEN 5 AND 5 AND b = 7", True),
        ("city BETWEEN 1 AND 2", Failed),
    ]);
}

#[test]
fn texts_are_searched_and_listed() {
    check(&[
        ("city = 'it''s Köln'", True),
        ("city CONTAINS 'Köl'", True),
        ("city contains 'köl'", False),
        ("city NOT CONTAINS 'x'", True),
        ("city STARTSWITH 'it'", True),
        ("city STARTSWITH 'Köln'", False),
        ("city ENDSWITH 'ln'", True),
        ("city NOT STARTSWITH 'it'", False),
        ("city NOT ENDSWITH 'it'", True),
        ("city CONTAINS ''", False),
        ("city NOT CONTAINS ''", False),
        ("-(city > 5) CONTAINS ''", False),
        ("5 CONTAINS '5'", False),
        ("'abc' CONTAINS 'b'", True),
        ("(a = 5) CONTAINS 't'", False),
        ("a IN ('4', '5')", True),
        ("a IN ('6', '5', '4', '3', '2', '1')", True),
        ("a NOT IN ('4', '5')", False),
        ("((a)) NOT IN ('4')", True),
        ("TAGS = 'paid'", True),
        ("A = 'upper' AND a = '5'", True),
        ("empty = ''", True),
        ("$x_1 IS NULL AND _ IS NULL", True),
    ]);
}

#[test]
fn comments_are_blanks_and_a_line_comment_needs_a_line_end() {
    check(&[
        ("-- first\na = 5", True),
        ("a /* five */ = /**/ 5", True),
        ("a = 5 -- not a comment, but not read either", True),
        ("a\t=\r\n\x0c5", True),
    ]);
}

#[test]
fn what_follows_a_whole_condition_is_ignored() {
    let table = [
        ("a = 5 + 1", 6, True),
        ("a = 007", 5, False),
        ("a = 0x5", 5, False),
        ("a = 5)", 5, True),
        ("a = 5 b = 6 ~", 6, True),
        ("a IS NULL > 5", 10, False),
        ("a IS NULL NOT IN ('x')", 10, False),
        ("a = 5 'open''", 6, True),
    ];
    for (text, from, expected) in table {
        let condition = Condition::parse(text).unwrap();
        assert_eq!(condition.ignored(), Some(from), "{text}");
        assert_eq!(condition.verdict(property), expected, "{text}");
    }
}

/// Texts that are no conditions, the position at which each is refused, and the reason.
const REFUSED: &[(&str, usize, &str)] = &[
    ("", 0, "expected a property or a value, found the end"),
    ("   ", 3, "expected a property or a value, found the end"),
    ("a =", 3, "expected a property or a value, found the end"),
    ("a = = 5", 4, "expected a property or a value, found `=`"),
    ("*", 0, "'*' cannot stand in a condition"),
    ("a = 5 && b = 6", 6, "'&' cannot stand in a condition"),
    ("größe > 5", 2, "'ö' cannot stand in a condition"),
    ("a > .", 4, "'.' cannot stand in a condition"),
    ("(a = 5", 6, "expected an operator or `)`, found the end"),
    ("(a = 5 b)", 7, "expected an operator or `)`, found `b`"),
    (
        "(a IS NULL > 5)",
        11,
        "expected an operator or `)`, found `>`",
    ),
    ("a = 'x", 4, "a text is not closed by `'`"),
    ("a = 'x''y", 7, "a text is not closed by `'`"),
    ("a /* b", 2, "a comment is not closed by `*/`"),
    ("a = 5 /*/", 6, "a comment is not closed by `*/`"),
    ("5", 0, "a number is no condition"),
    ("'x'", 0, "a text is no condition"),
    ("-a", 0, "a value with a minus sign is no condition"),
    ("a = 1 AND 5", 10, "a number is no condition"),
    ("'x' OR a", 0, "a text is no condition"),
    ("NOT 5", 4, "a number is no condition"),
    (
        "a > 'x'",
        4,
        "`>` compares numbers and properties, not a text",
    ),
    (
        "'x' < a",
        0,
        "`<` compares numbers and properties, not a text",
    ),
    (
        "a >= TRUE",
        5,
        "`>=` compares numbers and properties, not `TRUE` or `FALSE`",
    ),
    (
        "a > NULL",
        4,
        "`>` compares numbers and properties, not `NULL`",
    ),
    (
        "a > 1 > 2",
        0,
        "`>` compares numbers and properties, not a condition",
    ),
    (
        "NOT a > 1",
        0,
        "`>` compares numbers and properties, not a condition",
    ),
    (
        "a = NULL",
        4,
        "nothing equals `NULL`: write `IS NULL` or `IS NOT NULL`",
    ),
    (
        "TRUE = 5",
        7,
        "`TRUE` or `FALSE` cannot be compared with a number",
    ),
    (
        "FALSE <> 'x'",
        9,
        "`TRUE` or `FALSE` cannot be compared with a text",
    ),
    (
        "a BETWEEN 5 AND 4",
        10,
        "the lower bound of `BETWEEN` is greater than the upper one",
    ),
    (
        "a BETWEEN 1.5 AND 1",
        10,
        "the lower bound of `BETWEEN` is greater than the upper one",
    ),
    (
        "a BETWEEN 'a' AND 'b'",
        10,
        "`BETWEEN` compares numbers and properties, not a text",
    ),
    (
        "a BETWEEN 1 OR 2",
        12,
        "expected the AND of `BETWEEN`, found `OR`",
    ),
    ("5 IN ('x')", 0, "only a property can stand before `IN`"),
    ("a IN ()", 6, "expected a text in single quotes, found `)`"),
    ("a IN (5)", 6, "expected a text in single quotes, found `5`"),
    ("a IN ('x' 'y')", 10, "expected `,` or `)`, found `'y'`"),
    ("a IN 'x'", 5, "expected `(`, found `'x'`"),
    (
        "a CONTAINS 5",
        11,
        "expected a text in single quotes, found `5`",
    ),
    ("a IS 5", 5, "expected NULL or NOT NULL, found `5`"),
    (
        "a NOT 5",
        6,
        "expected BETWEEN, IN, CONTAINS, STARTSWITH or ENDSWITH, found `5`",
    ),
    (
        "a = 9223372036854775808",
        4,
        "`9223372036854775808` is greater than 9223372036854775807",
    ),
    ("a = 1e400", 4, "`1e400` is greater than every double"),
    (
        "a = 0.0",
        4,
        "`0.0` is less than every positive double: write `0`",
    ),
    (
        "a = --5\n",
        8,
        "expected a property or a value, found the end",
    ),
];

#[test]
fn a_text_that_is_no_condition_is_refused_with_position_and_reason() {
    for &(text, position, reason) in REFUSED {
        let error = Condition::parse(text).unwrap_err();
        assert_eq!(
            (error.position(), error.reason()),
            (position, reason),
            "{text}"
        );
    }
}

/// A parser that recurses ends the process on such a text, and one that scans for a line end at each
/// sign takes minutes.
#[test]
fn neither_length_nor_depth_overflows_the_stack_or_takes_long() {
    let deep = 10_000;
    let parentheses = format!("{}a = 5{}", "(".repeat(deep), ")".repeat(deep));
    let nots = format!("{}(a = 5)", "NOT ".repeat(deep));
    let minuses = format!("{}5 IS NOT NULL", "- ".repeat(deep));
    let dashes = format!("{}5 = 5", "-".repeat(deep));
    let to_the_right = format!("{}TRUE{}", "a = 5 AND (".repeat(deep), ")".repeat(deep));
    let flat = format!("{}a = 5", "a = 6 OR ".repeat(deep));
    let nested = "-(".repeat(deep) + "a BETWEEN 1 AND 9" + &") BETWEEN 1 AND 9".repeat(deep);
    let list = format!("a IN ('5'{})", ", 'x'".repeat(deep));
    let quotes = format!("a <> '{}'", "''".repeat(deep));
    for text in [
        &parentheses,
        &nots,
        &minuses,
        &dashes,
        &to_the_right,
        &flat,
        &list,
        &quotes,
    ] {
        let condition = Condition::parse(text).unwrap();
        assert_eq!(condition.verdict(property), True, "{}", &text[..20]);
    }
    assert_eq!(
        Condition::parse(&nested).unwrap().verdict(property),
        Unknown
    );

    let long = format!("a = '{}'", "x".repeat(Condition::MAX_LENGTH));
    let long = Condition::parse(&long).unwrap_err();
    assert_eq!(long.reason(), "a condition has at most 262144 bytes");
    let open = Condition::parse(&"(".repeat(deep)).unwrap_err();
    assert_eq!(open.position(), deep);
    let name = Condition::parse(&format!("a = 5 ({}~", "x".repeat(deep))).unwrap();
    assert_eq!(name.ignored(), Some(6));
    let long = Condition::parse(&format!("(a = 5 {}", "x".repeat(deep))).unwrap_err();
    assert!(long.to_string().len() < 200, "{long}");
}
