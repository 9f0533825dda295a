//! `?pid=1[&uid=1][&quantity=1]` and the order's id in a path, checked.

use std::collections::HashMap;

use crate::refusal::OrderRefusal;

/// The largest quantity of one order.
const MAX_QUANTITY: i64 = 1000;

/// What a query may have.
const PARAMETERS: [&str; 3] = ["pid", "uid", "quantity"];

/// The query that a refusal recommends.
const EXAMPLE: &str = "/order?pid=1";

/// What is to be ordered, by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OrderRequest {
    pub(crate) product: i64,
    pub(crate) customer: i64,
    pub(crate) quantity: i64,
}

impl OrderRequest {
    pub(crate) fn from_query(query: &HashMap<String, String>) -> Result<Self, OrderRefusal> {
        if let Some(unknown) = query.keys().find(|key| !PARAMETERS.contains(&key.as_str())) {
            return Err(OrderRefusal::UnknownParameter(beginning(unknown)));
        }
        Ok(Self {
            product: number(query, "pid", i64::MAX)?.ok_or_else(|| OrderRefusal::BadParameter {
                parameter: "pid",
                what: "is missing".to_owned(),
                example: EXAMPLE,
            })?,
            customer: number(query, "uid", i64::MAX)?.unwrap_or(1),
            quantity: number(query, "quantity", MAX_QUANTITY)?.unwrap_or(1),
        })
    }
}

/// The id of an order in a path.
pub(crate) fn order_id(text: &str) -> Result<i64, OrderRefusal> {
    in_range(text, i64::MAX).map_err(|what| OrderRefusal::BadParameter {
        parameter: "id",
        what,
        example: "/orders/1",
    })
}

fn number(
    query: &HashMap<String, String>,
    parameter: &'static str,
    most: i64,
) -> Result<Option<i64>, OrderRefusal> {
    let Some(text) = query.get(parameter) else {
        return Ok(None);
    };
    let number = in_range(text, most).map_err(|what| OrderRefusal::BadParameter {
        parameter,
        what,
        example: EXAMPLE,
    })?;
    Ok(Some(number))
}

/// A number from 1 to `most`, or what the text is instead.
fn in_range(text: &str, most: i64) -> Result<i64, String> {
    match text.parse() {
        Ok(number) if (1..=most).contains(&number) => Ok(number),
        _ => Err(format!(
            "is `{}`, expected a number from 1 to {most}",
            beginning(text)
        )),
    }
}

/// As much of a caller's text as is told.
fn beginning(text: &str) -> String {
    text.chars().take(32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &[(&str, &str)]) -> Result<OrderRequest, String> {
        let query = query
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        OrderRequest::from_query(&query.collect()).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn the_tutorials_query_is_enough() {
        let request = read(&[("pid", "1")]).unwrap();
        assert_eq!(
            (request.product, request.customer, request.quantity),
            (1, 1, 1)
        );
    }

    #[test]
    fn what_is_no_number_in_range_says_so() {
        let long = "9".repeat(10_000);
        for (key, value) in [
            ("pid", "abc"),
            ("pid", ""),
            ("pid", "0"),
            ("pid", "-1"),
            ("pid", "1.5"),
            ("pid", long.as_str()),
            ("uid", "x"),
            ("quantity", "-3"),
            ("quantity", "1001"),
        ] {
            let mut query = vec![(key, value)];
            if key != "pid" {
                query.push(("pid", "1"));
            }
            let error = read(&query).unwrap_err();
            assert!(error.starts_with(&format!("`{key}` is `")), "{error}");
            assert!(error.len() < 200, "{error}");
        }
        assert!(read(&[]).unwrap_err().starts_with("`pid` is missing"));
    }

    /// `?pid=1&qty=5` once ordered one.
    #[test]
    fn a_parameter_that_nobody_reads_is_refused() {
        let error = read(&[("pid", "1"), ("qty", "5")]).unwrap_err();

        assert!(
            error.starts_with("there is no parameter `qty`, only `pid`"),
            "{error}"
        );
    }

    #[test]
    fn an_id_in_a_path_is_a_number_too() {
        assert_eq!(order_id("7").unwrap(), 7);
        for text in ["abc", "0", "-1", "99999999999999999999"] {
            let error = order_id(text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("`id` is `{text}`")), "{error}");
        }
    }
}
