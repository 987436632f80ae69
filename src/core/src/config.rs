//! What a client is set up with.

use crate::error::{Code, Error, Problem};
use zeroize::Zeroizing;

/// The service's base URL.
pub const DEFAULT_BASE_URL: &str = "https://api.workos.com";
/// The usual environment variable for the API key.
pub const API_KEY_VARIABLE: &str = "WORKOS_API_KEY";
/// The usual environment variable for the client ID.
pub const CLIENT_ID_VARIABLE: &str = "WORKOS_CLIENT_ID";
/// The usual environment variable for another base URL, such as the emulator's.
pub const BASE_URL_VARIABLE: &str = "WORKOS_API_URL";

/// A secret API key. Its `Debug` does not show it; its memory is wiped when dropped.
#[derive(Clone)]
pub struct ApiKey(Zeroizing<String>);

impl core::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("ApiKey(…)")
    }
}

impl ApiKey {
    /// Checks the form: `sk_`, then letters, digits, `_`, `-`. `field` names where it came from. No message
    /// shows any of it.
    pub fn new(field: &str, text: String) -> Result<Self, Error> {
        let text = Zeroizing::new(text);
        let wrong = |message: &str| Err(Error::about_field(Code::InvalidApiKey, field, message));
        if text.is_empty() {
            return wrong("it is empty");
        }
        if text.trim().len() != text.len() {
            return wrong("it has spaces or line breaks at its ends; remove them");
        }
        if text.starts_with("client_") {
            return wrong("this is a client ID; an API key starts with sk_");
        }
        if text.starts_with("pk_") {
            return wrong("this is a publishable key; Vault needs a secret key, which starts with sk_");
        }
        if !text.starts_with("sk_") {
            return wrong("a secret API key starts with sk_");
        }
        if text.len() < 8 || !text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
            return wrong("it is cut off or has characters that no API key has");
        }
        Ok(ApiKey(text))
    }

    /// The key itself, for the `Authorization` header and for nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// A client ID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientId(String);

impl ClientId {
    /// Checks the form: `client_`, then letters, digits, `_`.
    pub fn new(field: &str, text: String) -> Result<Self, Error> {
        let rest = text.strip_prefix("client_").unwrap_or_default();
        if rest.is_empty() || !rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            let message = if text.starts_with("sk_") {
                "this is an API key; a client ID starts with client_"
            } else {
                "a client ID starts with client_, followed by letters and digits"
            };
            return Err(Error::about_field(Code::InvalidConfig, field, message));
        }
        Ok(ClientId(text))
    }

    /// The ID.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where the API is: `https`, or `http` on this machine; host, port and path prefix only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl(String);

impl Default for BaseUrl {
    fn default() -> Self {
        BaseUrl(DEFAULT_BASE_URL.into())
    }
}

impl BaseUrl {
    /// Checks a base URL. Stricter than a URL parser on purpose: a host is letters, digits, dots and dashes
    /// (or an IPv6 address in brackets), so no spelling of another host slips through.
    pub fn new(field: &str, text: &str) -> Result<Self, Error> {
        let wrong = |message: &str| Err(Error::about_field(Code::InvalidConfig, field, message));
        let lower = text.to_ascii_lowercase();
        let (secure, rest) = if lower.starts_with("https://") {
            (true, &text["https://".len()..])
        } else if lower.starts_with("http://") {
            (false, &text["http://".len()..])
        } else {
            return wrong("expected an absolute URL that starts with https://");
        };
        if text.contains(['?', '#']) {
            return wrong("a base URL has no query and no fragment");
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if authority.contains('@') {
            return wrong("a base URL has no user name and password");
        }
        let Some(host) = host_of(authority) else {
            return wrong("expected a host name, and a port from 1 to 65535 at most");
        };
        if !secure && !is_loopback(&host.to_ascii_lowercase()) {
            return wrong(
                "plain http would send the API key in the clear; use https (http only to localhost, 127.0.0.0/8 and [::1])",
            );
        }
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"/-._~".contains(&b);
        if !path.bytes().all(plain) || path.split('/').any(|part| part == "." || part == "..") {
            return wrong("its path may hold letters, digits, -, _ and ~ only");
        }
        Ok(BaseUrl(
            [if secure { "https://" } else { "http://" }, authority, path.trim_end_matches('/')].concat(),
        ))
    }

    /// The URL without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn host_of(authority: &str) -> Option<&str> {
    let (host, port) = match authority.find(']') {
        Some(at) => (&authority[..=at], authority[at + 1..].strip_prefix(':')),
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let rest = &authority[host.len()..];
    let port_fits = match port {
        Some(port) => {
            port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
        }
        None => rest.is_empty(),
    };
    let host_fits = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        // Whether they make an address the host's URL parser says.
        Some(address) => {
            address.contains(':') && address.bytes().all(|b| b.is_ascii_hexdigit() || b == b':' || b == b'.')
        }
        None => !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-'),
    };
    (port_fits && host_fits).then_some(host)
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost") || host == "[::1]" || is_loopback_v4(host)
}

/// 127.0.0.0/8, in four parts and none of them with a zero in front, which some parsers take for octal.
fn is_loopback_v4(host: &str) -> bool {
    let part = |part: &str| part.parse::<u8>().is_ok() && (part == "0" || !part.starts_with('0'));
    let mut parts = host.split('.');
    parts.next() == Some("127") && parts.clone().count() == 3 && parts.all(part)
}

/// A header that the caller adds to every request.
pub fn check_header(name: &str, value: &str) -> Result<(), Problem> {
    let field = ["headers.", name].concat();
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || !name.bytes().all(token) {
        return Err(Problem::new(&field, "a header's name may hold letters, digits and - only"));
    }
    if value.chars().any(|c| c < ' ' && c != '\t' || c == '\x7f' || c > '\u{ff}') {
        let message =
            "a header's value cannot hold line breaks, control characters or characters beyond Latin-1";
        return Err(Problem::new(&field, message));
    }
    let reserved = ["accept", "authorization", "content-type", "idempotency-key", "host", "content-length"];
    if reserved.contains(&name.to_ascii_lowercase().as_str()) {
        return Err(Problem::new(&field, "the client sets this header itself"));
    }
    Ok(())
}
