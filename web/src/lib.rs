//! The browser page, carried inside the binary: bytes, types, encodings and tags by path.
//!
//! It speaks no HTTP: headers, status codes and routes are the server's. It builds nothing: `build.rs` does.

#![warn(missing_docs)]

use std::borrow::Cow;

use rust_embed::{EmbeddedFile, RustEmbed};

/// The policy that the page was written under; the server sends it with the shell.
///
/// The hash is of the one style attribute that the board library writes into its drawing layer.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
style-src-attr 'unsafe-hashes' 'sha256-SyXRxMCl6H7Kgy9uTmu1UZqVBsRmMBF4sHRiTO3FQc0='; \
img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; \
base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The page's entry; every address that is a page of ours is answered with it.
const SHELL: &str = "index.html";

#[derive(RustEmbed)]
#[folder = "$OUT_DIR/web"]
struct Dist;

/// One file of the page, in the encoding that the asking browser takes.
#[derive(Debug, Clone)]
pub struct Asset {
    /// The body, compressed if `encoding` says so.
    pub bytes: Cow<'static, [u8]>,
    /// For `Content-Type`, e.g. `text/css; charset=utf-8`.
    pub content_type: &'static str,
    /// For `Content-Encoding`: `br`, `gzip` or nothing.
    pub encoding: Option<&'static str>,
    /// For `ETag`, quotes included; strong, and another one for each encoding.
    pub etag: String,
    /// Whether the content behind this path never changes, because its name carries its hash.
    pub immutable: bool,
}

/// The file at `path` (with or without a leading slash), or nothing if the page has none there.
///
/// `accept_encoding` is the request's header of that name, empty if it has none. The precompressed neighbors of files and
/// the build's manifest have no address of their own.
#[must_use]
pub fn asset(path: &str, accept_encoding: &str) -> Option<Asset> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let is_hidden = path.split('/').any(|part| part.starts_with('.'));
    if is_hidden || path.ends_with(".br") || path.ends_with(".gz") {
        return None;
    }
    let plain = Dist::get(path)?;
    let packed = [("br", "br"), ("gzip", "gz")]
        .into_iter()
        .find_map(|(encoding, suffix)| {
            let file = accepts(accept_encoding, encoding)
                .then(|| Dist::get(&format!("{path}.{suffix}")))?;
            file.map(|file| (file, encoding))
        });
    Some(match packed {
        Some((file, encoding)) => describe(path, file, Some(encoding)),
        None => describe(path, plain, None),
    })
}

/// The page's entry, `index.html`.
///
/// # Panics
/// Never: the build puts an entry into every binary, be it a stub.
#[must_use]
pub fn shell(accept_encoding: &str) -> Asset {
    asset(SHELL, accept_encoding).expect("the build made an index.html")
}

fn describe(path: &str, file: EmbeddedFile, encoding: Option<&'static str>) -> Asset {
    let hash = file.metadata.sha256_hash();
    let hash: String = hash
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Asset {
        bytes: file.data,
        content_type: content_type(path),
        encoding,
        etag: format!("\"{hash}\""),
        immutable: path.starts_with("assets/"),
    }
}

/// Whether an `Accept-Encoding` names this encoding and does not refuse it with a weight of zero (RFC 9110, 12.5.3).
fn accepts(header: &str, encoding: &str) -> bool {
    header.split(',').any(|part| {
        let mut words = part.split(';').map(str::trim);
        let is_named = words
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case(encoding));
        let is_refused = words.any(|word| {
            word.strip_prefix("q=")
                .and_then(|weight| weight.parse::<f32>().ok())
                .is_some_and(|weight| weight <= 0.0)
        });
        is_named && !is_refused
    })
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shell_is_html_and_is_asked_for_again_each_time() {
        let shell = shell("");
        assert_eq!(shell.content_type, "text/html; charset=utf-8");
        assert_eq!(shell.encoding, None);
        assert!(!shell.immutable);
        assert!(shell.bytes.starts_with(b"<!doctype html>"));
    }

    #[test]
    fn what_the_build_leaves_behind_has_no_address() {
        for path in [
            ".vite/manifest.json",
            "/.vite/manifest.json",
            "index.html.br",
            "index.html.gz",
            "../Cargo.toml",
            "",
        ] {
            assert!(asset(path, "br, gzip").is_none(), "{path}");
        }
    }

    #[test]
    fn every_file_has_a_type_and_hashed_names_are_immutable() {
        for path in Dist::iter().filter(|path| !path.starts_with('.')) {
            if path.ends_with(".br") || path.ends_with(".gz") {
                continue;
            }
            let asset = asset(&path, "").unwrap_or_else(|| panic!("{path} has an address"));
            assert_ne!(asset.content_type, "application/octet-stream", "{path}");
            assert_eq!(asset.immutable, path.starts_with("assets/"), "{path}");
        }
    }

    #[test]
    fn a_browser_gets_the_best_encoding_it_takes() {
        // A stub has no compressed neighbors.
        if Dist::get("index.html.br").is_none() {
            return;
        }
        let cases = [
            ("gzip, deflate, br", Some("br")),
            ("gzip, br;q=0", Some("gzip")),
            ("GZIP;q=0.5", Some("gzip")),
            ("identity", None),
            ("brotli", None),
        ];
        for (header, encoding) in cases {
            assert_eq!(shell(header).encoding, encoding, "{header}");
        }
        assert_ne!(shell("br").etag, shell("gzip").etag);
    }
}
