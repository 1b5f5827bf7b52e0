//! What every answer tells a browser not to do, whatever its route.

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::App;

/// Two years, as the lists ask for that browsers carry.
const ALWAYS_HTTPS: &str = "max-age=63072000; includeSubDomains";

/// For pages and their files: nobody else shows or embeds them, and no script of theirs gets at the machine.
const OF_PAGES: [(HeaderName, &str); 4] = [
    (header::REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    ),
];

/// Every answer is what its type says and nothing else; where people reach this server by https, they always do.
pub async fn guarded(State(app): State<App>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    set(&mut response, &header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    let public = app.config.public_url.as_ref();
    if public.is_some_and(crate::config::Origin::is_https) {
        set(
            &mut response,
            &header::STRICT_TRANSPORT_SECURITY,
            ALWAYS_HTTPS,
        );
    }
    response
}

/// Adds what a page and its files say beside that.
pub(super) fn as_page(mut response: Response, policy: &'static str) -> Response {
    for (name, value) in &OF_PAGES {
        set(&mut response, name, value);
    }
    set(&mut response, &header::CONTENT_SECURITY_POLICY, policy);
    response
}

fn set(response: &mut Response, name: &HeaderName, value: &'static str) {
    let value = HeaderValue::from_static(value);
    response.headers_mut().insert(name, value);
}
