//! What somebody may do in a time, counted over all nodes: see `take.lua`.

use fred::error::Error;
use fred::types::Value;
use zeitnot_game::time::Millis;

use super::scripts::unexpected;
use crate::limits::Quota;

/// The arguments of `take.lua`.
pub(super) fn args(quota: Quota) -> Vec<Value> {
    let args = [u64::from(quota.burst), quota.period.0];
    args.map(|number| Value::from(number.to_string())).into()
}

/// Reads the reply of `take.lua`: how long to wait, where nothing was taken.
pub(super) fn taken(reply: &Value) -> Result<Option<Millis>, Error> {
    let wait = reply.as_u64().ok_or_else(unexpected)?;
    Ok((wait > 0).then_some(Millis(wait)))
}
