//! Properties that hold for any bytes that a member or a configuration file may give. Fuzz targets and the replay of their
//! corpora call these functions; a failed assertion is a fault in the code under test.

use serde::Serialize;
use serde::de::DeserializeOwned;
use tacita_session::Error;
use tacita_session::fuzzing::assert_line;
use tacita_session::message::{decode, encode};

use crate::TrainConfig;
use crate::checkpoint::Terms;
use crate::data::Facts;

/// Messages between members before they begin and after they have ended.
pub fn terms(bytes: &[u8]) {
    comes_back::<Option<Facts>>(bytes);
    comes_back::<Option<Terms>>(bytes);
    if let Ok(Some(facts)) = decode::<Option<Facts>>(bytes)
        && let Err(error) = facts.check("alice")
    {
        assert_line(&error);
    }
    comes_back::<u64>(bytes);
}

pub fn comes_back<T: DeserializeOwned + Serialize + PartialEq>(bytes: &[u8]) {
    match decode::<T>(bytes) {
        Ok(value) => {
            let encoded = encode(&value).expect("what was read can be written");
            assert!(encoded.len() <= bytes.len());
            assert!(postcard::from_bytes(&encoded).is_ok_and(|again: T| again == value));
        }
        Err(error) => assert_line(&error),
    }
}

/// The configuration of a training: what members compare of it is the same of what is read of it again.
pub fn train_config(bytes: &[u8]) {
    match TrainConfig::parse(bytes) {
        Ok(config) => {
            let told = config.told();
            let again: TrainConfig = serde_json::from_str(&told).expect("what was told can be read");
            assert_eq!(again.told(), told);
            assert!(config.consent("nobody", &[]).is_ok() == config.reveals().is_empty());
        }
        Err(error) => assert_line(&Error::File(error)),
    }
}
