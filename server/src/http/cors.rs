//! What pages of other origins may read (the Fetch standard, CORS protocol): what everybody may read anyway, by GET,
//! and with a token if they have one. Never with the cookie of who looks at them, and never what changes anything.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::MethodRouter;

use crate::App;

/// Seconds for which a browser may remember what it may send; none remembers it for longer.
const REMEMBERED: &str = "7200";

/// Lets the pages of any origin read what a route answers to GET, its errors included.
pub fn readable(route: MethodRouter<App>) -> MethodRouter<App> {
    route.options(preflight).layer(map_response(open_to_all))
}

/// What a browser asks before it sends a request with a token.
async fn preflight() -> (StatusCode, [(HeaderName, &'static str); 3]) {
    let may = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET"),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "Authorization, Content-Type, Accept, Last-Event-ID",
        ),
        (header::ACCESS_CONTROL_MAX_AGE, REMEMBERED),
    ];
    (StatusCode::NO_CONTENT, may)
}

async fn open_to_all(mut response: Response) -> Response {
    let anybody = HeaderValue::from_static("*");
    response
        .headers_mut()
        .insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, anybody);
    response
}
