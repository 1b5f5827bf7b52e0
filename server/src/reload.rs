//! SIGHUP: the key files are read again, and nobody is disconnected whose token stays good.

use tokio::signal::unix::Signal;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::auth::Auth;
use crate::auth::keys::Keys;
use crate::config::Config;
use crate::metrics::{METRICS, Reload};

/// Reads the key files again at each signal, until it is told to stop. Where they are not fit the old keys stay.
pub async fn keys(config: &Config, auth: &Auth, (mut signal, stop): (Signal, CancellationToken)) {
    while let Some(Some(())) = stop.run_until_cancelled(signal.recv()).await {
        let result = match Keys::read_again(config) {
            Ok(keys) => {
                let count = keys.count();
                auth.replace(keys);
                info!(count, "read the keys again: there are {count}");
                Reload::Taken
            }
            Err(reason) => {
                let reason = anyhow::Error::from(reason);
                error!("the old keys stay, because the new ones cannot be used: {reason:#}");
                Reload::Refused
            }
        };
        METRICS.key_reloads.at(result).inc();
    }
}
