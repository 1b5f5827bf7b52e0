//! Real deployments of Zeitnot on this machine: processes that are started, looked at and ended. For tests and load
//! tools; the server itself never uses this.

pub mod deployment;
