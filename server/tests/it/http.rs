//! What requests are answered: status, headers, shape.

mod auth;
mod challenge;
mod cors;
mod games;
mod guards;
mod site;
