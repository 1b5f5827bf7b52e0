//! Starts real deployments, for tests and for load.
