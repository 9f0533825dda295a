//! What brokers make of a message for a later time, by their own settings (26).
//!
//! A broker of RocketMQ 4 ignores the properties of such a time and would deliver the message at once, so
//! it is asked before. What was learned holds as long as the connection to the broker.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytestring::ByteString;
use parking_lot::Mutex;

use crate::message::delay_word;
use crate::remoting::PeerId;
use crate::settings::properties;

/// What a broker makes of a message for a later time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct BrokerDelays {
    /// It knows times of any length.
    pub(super) knows_times: bool,
    /// Its delay levels, level 1 first, as it writes them.
    pub(super) levels: String,
}

/// What was learned, by the broker's address.
#[derive(Debug, Default)]
pub(super) struct KnownDelays(Mutex<BTreeMap<ByteString, (PeerId, Arc<BrokerDelays>)>>);

impl BrokerDelays {
    fn read(settings: &[u8]) -> Self {
        let mut delays = Self::default();
        let text = String::from_utf8_lossy(settings);
        for pair in properties::read(&text).unwrap_or_default() {
            match &*pair.key {
                // Brokers of RocketMQ 4 have no such setting. One that is off refuses times itself.
                "timerWheelEnable" => delays.knows_times = true,
                "messageDelayLevel" => delays.levels = pair.value,
                _ => {}
            }
        }
        delays
    }

    /// The level with exactly this delay.
    pub(super) fn level_of(&self, delay: Duration) -> Option<u32> {
        let levels = self.levels.split_whitespace();
        let mut numbered = (1..).zip(levels);
        numbered.find_map(|(level, text)| (delay_word::read(text)? == delay).then_some(level))
    }
}

impl KnownDelays {
    /// What was learned over `connection`.
    pub(super) fn of(
        &self,
        address: &str,
        connection: Option<PeerId>,
    ) -> Option<Arc<BrokerDelays>> {
        let known = self.0.lock();
        let (over, delays) = known.get(address)?;
        (Some(*over) == connection).then(|| Arc::clone(delays))
    }

    /// Learns from the settings that the broker at `address` has answered over `connection`.
    pub(super) fn learn(
        &self,
        address: &ByteString,
        connection: Option<PeerId>,
        settings: &[u8],
    ) -> Arc<BrokerDelays> {
        let delays = Arc::new(BrokerDelays::read(settings));
        if let Some(connection) = connection {
            let mut known = self.0.lock();
            known.insert(address.clone(), (connection, Arc::clone(&delays)));
        }
        delays
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_that_has_the_setting_knows_times() {
        let five = BrokerDelays::read(b"timerWheelEnable=false\nmessageDelayLevel=1s 5s\n");
        assert!(five.knows_times);

        let four = BrokerDelays::read(b"brokerName=a\nmessageDelayLevel=1s 90s 2m 1d x 5\n");
        assert!(!four.knows_times);
        let level = |seconds| four.level_of(Duration::from_secs(seconds));
        assert_eq!(
            [level(1), level(90), level(120)],
            [Some(1), Some(2), Some(3)]
        );
        assert_eq!([level(86_400), level(2), level(5)], [Some(4), None, None]);
        assert_eq!(four.level_of(Duration::from_millis(1_001)), None);
    }
}
