//! The files that the page loads. They change with the program alone, so browsers keep them and ask whether they still
//! hold.

use super::super::answer::of_type;
use axum::body::{Body, Bytes};
use axum::http::header::{CACHE_CONTROL, ETAG, HeaderValue, IF_NONE_MATCH};
use axum::http::{HeaderMap, Response, StatusCode};

/// A file, its type and its tag.
struct Asset {
    text: &'static str,
    content_type: &'static str,
    tag: u64,
}

const STYLE: Asset = Asset::new(include_str!("style.css"), "text/css; charset=utf-8");
const SCRIPT: Asset = Asset::new(include_str!("live.js"), "text/javascript; charset=utf-8");
const ICON: Asset = Asset::new(include_str!("icon.svg"), "image/svg+xml");

/// `/assets/style.css`
pub(in crate::admin) async fn style(headers: HeaderMap) -> Response<Body> {
    STYLE.answer(&headers)
}

/// `/assets/live.js`
pub(in crate::admin) async fn script(headers: HeaderMap) -> Response<Body> {
    SCRIPT.answer(&headers)
}

/// `/assets/icon.svg`
pub(in crate::admin) async fn icon(headers: HeaderMap) -> Response<Body> {
    ICON.answer(&headers)
}

impl Asset {
    const fn new(text: &'static str, content_type: &'static str) -> Asset {
        Asset { text, content_type, tag: digest(text.as_bytes()) }
    }

    fn answer(&self, headers: &HeaderMap) -> Response<Body> {
        let tag = format!("\"{:016x}\"", self.tag);
        let known = headers.get_all(IF_NONE_MATCH).iter().any(|known| {
            known
                .to_str()
                .is_ok_and(|known| known.split(',').any(|one| one.trim().trim_start_matches("W/") == tag))
        });
        let mut response = if known {
            of_type(StatusCode::NOT_MODIFIED, self.content_type, Bytes::new())
        } else {
            of_type(StatusCode::OK, self.content_type, Bytes::from_static(self.text.as_bytes()))
        };
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            headers.insert(ETAG, tag);
        }
        response
    }
}

/// FNV-1a of 64 bits: nobody chooses these files to collide.
const fn digest(octets: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut rest = octets;
    while let [first, behind @ ..] = rest {
        hash = (hash ^ *first as u64).wrapping_mul(0x0100_0000_01b3);
        rest = behind;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_of_the_contents() {
        // Of the test suite of FNV.
        assert_eq!((digest(b""), digest(b"a")), (0xcbf2_9ce4_8422_2325, 0xaf63_dc4c_8601_ec8c));
        assert_ne!(STYLE.tag, SCRIPT.tag);
    }

    #[test]
    fn who_has_a_file_is_not_sent_it_again() {
        let first = STYLE.answer(&HeaderMap::new());
        assert_eq!(first.status(), StatusCode::OK);
        let tag = first.headers()[ETAG].clone();
        for known in
            [tag.clone(), HeaderValue::from_str(&format!("\"x\", W/{}", tag.to_str().unwrap())).unwrap()]
        {
            let again = STYLE.answer(&HeaderMap::from_iter([(IF_NONE_MATCH, known)]));
            assert_eq!((again.status(), &again.headers()[ETAG]), (StatusCode::NOT_MODIFIED, &tag));
        }
        let other = HeaderMap::from_iter([(IF_NONE_MATCH, HeaderValue::from_static("\"x\""))]);
        assert_eq!(STYLE.answer(&other).status(), StatusCode::OK);
    }
}
