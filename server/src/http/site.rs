//! The page: its files with the headers that browsers need, and its entry for every address that is a page.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use zeitnot_web::{Asset, CONTENT_SECURITY_POLICY};

use super::guard;
use super::params::header_text;
use crate::error::ApiError;

/// For files whose name changes with their content.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// What the internal port answers beside its page.
const INTERNAL: [&str; 3] = ["/metrics", "/healthz", "/readyz"];

/// For all others: kept, but asked for again each time.
const ASK_AGAIN: &str = "no-cache";

/// Any path that no other route takes.
pub async fn page(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return ApiError::wrong_method().into_response();
    }
    let accepted = header_text(&headers, &header::ACCEPT_ENCODING);
    let path = uri.path();
    let response = match zeitnot_web::asset(path, accepted) {
        Some(asset) => answer(asset, &headers),
        None if is_file(path) => missing(),
        None => answer(zeitnot_web::shell(accepted), &headers),
    };
    guard::as_page(response, CONTENT_SECURITY_POLICY)
}

/// Whether a path names a file rather than a page. A page's last part has no dot, and is nothing of the internal port:
/// who asks for that here is told so.
fn is_file(path: &str) -> bool {
    let last = path.rsplit('/').next().unwrap_or(path);
    path.starts_with("/assets/")
        || path.starts_with("/.")
        || last.contains('.')
        || INTERNAL.contains(&path)
}

fn answer(asset: Asset, headers: &HeaderMap) -> Response {
    let is_known = header_text(headers, &header::IF_NONE_MATCH)
        .split(',')
        .map(|tag| tag.trim().trim_start_matches("W/"))
        .any(|tag| tag == asset.etag || tag == "*");
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = Response::new(Body::from(asset.bytes));
        set(&mut response, header::CONTENT_TYPE, asset.content_type);
        if let Some(encoding) = asset.encoding {
            set(&mut response, header::CONTENT_ENCODING, encoding);
        }
        response
    };
    let cache = if asset.immutable { FOR_EVER } else { ASK_AGAIN };
    set(&mut response, header::CACHE_CONTROL, cache);
    set(&mut response, header::VARY, "accept-encoding");
    if let Ok(etag) = HeaderValue::try_from(asset.etag) {
        response.headers_mut().insert(header::ETAG, etag);
    }
    response
}

fn missing() -> Response {
    let mut response = (StatusCode::NOT_FOUND, "there is no such file\n").into_response();
    set(&mut response, header::CACHE_CONTROL, "no-store");
    response
}

fn set(response: &mut Response, name: HeaderName, value: &'static str) {
    response
        .headers_mut()
        .insert(name, HeaderValue::from_static(value));
}
