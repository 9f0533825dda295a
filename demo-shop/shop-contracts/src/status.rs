//! Where an order stands, and the message that says so.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum OrderStatus {
    New,
    Paid,
    Shipped,
    Cancelled,
}

impl OrderStatus {
    const ALL: [Self; 4] = [Self::New, Self::Paid, Self::Shipped, Self::Cancelled];

    /// As in the database and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "NEW",
            Self::Paid => "PAID",
            Self::Shipped => "SHIPPED",
            Self::Cancelled => "CANCELLED",
        }
    }
}

/// A text that is no status of an order.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no status of an order")]
pub struct UnknownStatus(String);

impl TryFrom<String> for OrderStatus {
    type Error = UnknownStatus;

    fn try_from(text: String) -> Result<Self, UnknownStatus> {
        let found = Self::ALL.into_iter().find(|status| status.as_str() == text);
        found.ok_or(UnknownStatus(text))
    }
}

/// An order got a status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusChange {
    pub order_id: i64,
    pub status: OrderStatus,
    /// When, as in `2026-01-31T12:00:00.000Z`.
    pub at: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_one_word_in_the_database_and_on_the_wire() {
        for status in OrderStatus::ALL {
            let word = status.as_str();
            let json = serde_json::to_string(&status).unwrap();

            assert_eq!(json, format!("\"{word}\""));
            assert_eq!(OrderStatus::try_from(word.to_owned()).unwrap(), status);
        }
        let unknown = OrderStatus::try_from("paid".to_owned()).unwrap_err();
        assert_eq!(unknown.to_string(), "`paid` is no status of an order");
    }

    #[test]
    fn a_change_travels_with_its_order_and_its_time() {
        let change = StatusChange {
            order_id: 7,
            status: OrderStatus::Paid,
            at: "2026-01-31T12:00:00.000Z".to_owned(),
        };
        let json = r#"{"orderId":7,"status":"PAID","at":"2026-01-31T12:00:00.000Z"}"#;

        assert_eq!(serde_json::to_string(&change).unwrap(), json);
        assert_eq!(serde_json::from_str::<StatusChange>(json).unwrap(), change);
    }
}
