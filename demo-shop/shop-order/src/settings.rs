//! What shop-order reads from its settings.

use std::time::Duration;

use mq_starter::config::{ConfigErrors, ConfigProblem, Settings, SettingsOptions};
use shop_contracts::ServiceSettings;

const DATABASE_KEY: &str = "shop.order.database";
const PAY_TIMEOUT_KEY: &str = "shop.order.pay-timeout";
const CHECK_PATIENCE_KEY: &str = "shop.order.check-patience";
const FAULTS_KEY: &str = "shop.faults";

/// The longest time that a broker keeps a message back (`timerMaxDelaySec`).
const MAX_PAY_TIMEOUT: Duration = Duration::from_hours(72);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OrderSettings {
    pub(crate) service: ServiceSettings,
    /// How long an order may stay unpaid.
    pub(crate) pay_timeout: Duration,
    /// How old a half message is when a check gives its order up.
    pub(crate) check_patience: Duration,
    /// Whether `/faults` is there.
    pub(crate) faults: bool,
}

impl OrderSettings {
    /// Reads and checks everything before anything is opened.
    pub(crate) fn read(options: &SettingsOptions) -> Result<Self, ConfigErrors> {
        let settings = Settings::load(options)?;
        let service = ServiceSettings::of(&settings, DATABASE_KEY);
        let pay_timeout = pay_timeout(&settings);
        let check_patience = settings.duration(CHECK_PATIENCE_KEY);
        let faults = settings.get(FAULTS_KEY);
        ConfigErrors::join([
            service.as_ref().map(drop).map_err(Clone::clone),
            pay_timeout.as_ref().map(drop).map_err(Clone::clone),
            check_patience.as_ref().map(drop).map_err(Clone::clone),
            faults.as_ref().map(drop).map_err(Clone::clone),
        ])?;
        Ok(Self {
            service: service?,
            pay_timeout: pay_timeout?.unwrap_or(Duration::from_mins(30)),
            check_patience: check_patience?.unwrap_or(Duration::from_mins(1)),
            faults: faults?.unwrap_or(false),
        })
    }
}

fn pay_timeout(settings: &Settings) -> Result<Option<Duration>, ConfigErrors> {
    let timeout = settings.duration(PAY_TIMEOUT_KEY)?;
    match settings.origin(PAY_TIMEOUT_KEY) {
        Some(origin) if timeout > Some(MAX_PAY_TIMEOUT) => {
            let what = "is too long: a broker keeps a message back for at most 72h";
            Err(ConfigProblem::new(origin, PAY_TIMEOUT_KEY, what).into())
        }
        _ => Ok(timeout),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<OrderSettings, String> {
        let options = SettingsOptions::default().arguments(arguments.iter().copied());
        OrderSettings::read(&options).map_err(|errors| errors.to_string())
    }

    #[test]
    fn without_settings_an_order_may_be_paid_for_half_an_hour_and_has_no_faults() {
        let settings = read(&[]).unwrap();

        assert_eq!(settings.pay_timeout, Duration::from_mins(30));
        assert_eq!(settings.check_patience, Duration::from_mins(1));
        assert!(!settings.faults);
    }

    #[test]
    fn times_are_read_as_all_others_and_bad_ones_are_told_together() {
        let settings = read(&[
            "--shop.order.pay-timeout=30s",
            "--shop.order.checkPatience=500",
        ]);
        let settings = settings.unwrap();
        assert_eq!(settings.pay_timeout, Duration::from_secs(30));
        assert_eq!(settings.check_patience, Duration::from_millis(500));

        let error = read(&[
            "--shop.order.pay-timeout=73h",
            "--shop.order.check-patience=soon",
            "--shop.faults=maybe",
            "--shop.order.paytimeout2=1s",
        ])
        .unwrap_err();
        for expected in [
            "--shop.order.pay-timeout=73h: is too long",
            "--shop.order.check-patience=soon: is `soon`, expected milliseconds",
            "--shop.faults=maybe: is `maybe`, expected true or false",
            "did you mean `shop.order.pay-timeout`?",
        ] {
            assert!(error.contains(expected), "{expected}\nnot in\n{error}");
        }
    }
}
