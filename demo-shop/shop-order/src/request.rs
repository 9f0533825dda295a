//! `?pid=1[&uid=1][&quantity=1]`, checked.

use std::collections::HashMap;

use crate::refusal::OrderRefusal;

/// The largest quantity of one order.
const MAX_QUANTITY: i64 = 1000;

/// What is to be ordered, by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OrderRequest {
    pub(crate) product: i64,
    pub(crate) customer: i64,
    pub(crate) quantity: i64,
}

impl OrderRequest {
    pub(crate) fn from_query(query: &HashMap<String, String>) -> Result<Self, OrderRefusal> {
        Ok(Self {
            product: number(query, "pid", i64::MAX)?.ok_or_else(|| OrderRefusal::BadParameter {
                parameter: "pid",
                what: "is missing".to_owned(),
            })?,
            customer: number(query, "uid", i64::MAX)?.unwrap_or(1),
            quantity: number(query, "quantity", MAX_QUANTITY)?.unwrap_or(1),
        })
    }
}

fn number(
    query: &HashMap<String, String>,
    parameter: &'static str,
    most: i64,
) -> Result<Option<i64>, OrderRefusal> {
    let Some(text) = query.get(parameter) else {
        return Ok(None);
    };
    match text.parse() {
        Ok(number) if (1..=most).contains(&number) => Ok(Some(number)),
        _ => {
            let text: String = text.chars().take(32).collect();
            let what = format!("is `{text}`, expected a number from 1 to {most}");
            Err(OrderRefusal::BadParameter { parameter, what })
        }
    }
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
}
