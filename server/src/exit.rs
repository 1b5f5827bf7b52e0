//! With which code the process ends, for who starts it. Those of sysexits.h where there is one that fits; `OPERATING.md`
//! has them all.

use crate::auth::keys::KeysError;
use crate::config::ConfigError;
use crate::node::StartError;
use crate::store::{embedded, redis};

/// Why a process did not do what it was asked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Something that has no code of its own.
    Other,
    /// Redis does not answer: it may later.
    Unreachable,
    /// An address cannot be listened on.
    Address,
    /// The data directory, or what is in it, cannot be used.
    Data,
    /// Another zeitnot uses the data directory.
    Locked,
    /// Redis answers, and is not fit to keep games.
    Unfit,
    /// The settings or the keys cannot be used: to try again does not help.
    Settings,
}

impl Exit {
    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Other => 1,
            Self::Unreachable => 69,
            Self::Address => 71,
            Self::Data => 73,
            Self::Locked => 75,
            Self::Unfit => 76,
            Self::Settings => 78,
        }
    }

    /// That of an error from anywhere.
    #[must_use]
    pub fn of(error: &anyhow::Error) -> Self {
        if error.is::<ConfigError>() || error.is::<KeysError>() {
            return Self::Settings;
        }
        error.downcast_ref().map_or(Self::Other, Self::of_start)
    }

    /// That of a node that did not start.
    #[must_use]
    pub const fn of_start(error: &StartError) -> Self {
        match error {
            StartError::Embedded(embedded::OpenError::InUse { .. }) => Self::Locked,
            StartError::Embedded(_) => Self::Data,
            StartError::Redis(
                redis::ConnectError::Url(_)
                | redis::ConnectError::Denied(_)
                | redis::ConnectError::Authorities { .. }
                | redis::ConnectError::NoTls,
            )
            | StartError::NoReplicas => Self::Settings,
            StartError::Redis(
                redis::ConnectError::TooOld { .. }
                | redis::ConnectError::Evicts { .. }
                | redis::ConnectError::Forbidden(_),
            ) => Self::Unfit,
            StartError::Redis(_) => Self::Unreachable,
            StartError::Listen { .. } => Self::Address,
            StartError::System(_) => Self::Other,
        }
    }
}
