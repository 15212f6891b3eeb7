//! The registry over HTTP: its public list, the key set, and its word on one key.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH};
use hyper::http::uri::{Authority, Scheme, Uri};
use hyper::{Method, Request, StatusCode};
use serde_json::{Value, json};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::bindings::exports::wardkey::verify::types::StateName;
use crate::connections::{Connections, NoRoots, Sender};
use crate::decision::Required;

/// One registry, asked by the right of one credential.
pub struct RegistryClient {
    connections: Connections,
    sender: Sender<Full<Bytes>>,
    base: String,
    /// Shared by all threads.
    credential: Arc<RwLock<HeaderValue>>,
    audience: Option<String>,
}

/// Why the registry gave no answer. Nothing of a credential is in it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// Nobody answers there.
    #[error("the registry cannot be reached: {0}")]
    Unreachable(String),
    /// It answered too late.
    #[error("the registry did not answer in time")]
    TimedOut,
    /// It answered something else than 200.
    #[error("the registry answers {0}{advice}", advice = advice(*.0))]
    Refused(StatusCode),
    /// The answer is longer than such a one may be.
    #[error("the registry's answer is too long")]
    TooLong,
    /// The answer is not what was asked for.
    #[error("the registry's answer cannot be read")]
    Unreadable,
}

/// What a refusal of the credential mostly comes from.
pub(crate) fn advice(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => ": the credential is wrong, has expired or was revoked",
        StatusCode::FORBIDDEN => {
            ": the credential needs verifier:key-set, and --audience where it is for several"
        }
        _ => "",
    }
}

/// A registry that cannot be asked as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RegistryUrlError {
    /// Not an absolute URL of http or https.
    #[error("a registry's URL is written as https://host")]
    Malformed,
    /// A credential would go over the wire in clear.
    #[error("the registry is reached by https, but for one on this machine")]
    Plain,
    /// A credential that no header can hold.
    #[error("the credential is not written as one")]
    Credential,
    /// There are no certificates to check the registry's by.
    #[error(transparent)]
    NoRoots(#[from] NoRoots),
}

/// A key set that was fetched, and the ETag to ask with next time.
pub(crate) struct FetchedKeySet {
    pub(crate) bytes: Zeroizing<Vec<u8>>,
    pub(crate) etag: Option<HeaderValue>,
}

impl RegistryClient {
    /// `base`: the registry's origin, and a path before `/v1` if it has one. `credential`: a key with `verifier:key-set`, for strict
    /// scopes also `verifier:verify`. `audience`: needed where the credential is for several.
    ///
    /// # Errors
    /// [`RegistryUrlError`].
    pub fn new(
        base: &str,
        credential: &str,
        audience: Option<String>,
    ) -> Result<Self, RegistryUrlError> {
        let uri: Uri = base.parse().map_err(|_| RegistryUrlError::Malformed)?;
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return Err(RegistryUrlError::Malformed);
        };
        if uri.query().is_some() || authority.as_str().contains('@') {
            return Err(RegistryUrlError::Malformed);
        }
        if *scheme != Scheme::HTTPS && !(*scheme == Scheme::HTTP && is_loopback(authority)) {
            return Err(RegistryUrlError::Plain);
        }
        let credential = bearer(credential).ok_or(RegistryUrlError::Credential)?;
        let connections = Connections::new(*scheme == Scheme::HTTPS)?;
        Ok(Self {
            sender: connections.sender(),
            connections,
            base: base.trim_end_matches('/').to_owned(),
            credential: Arc::new(RwLock::new(credential)),
            audience,
        })
    }

    /// Takes another credential, on all threads; answers whether it is one and another.
    pub(crate) fn take_credential(&self, text: &str) -> bool {
        let Some(newer) = (!text.is_empty()).then(|| bearer(text)).flatten() else { return false };
        let mut credential = self.credential.write().unwrap_or_else(PoisonError::into_inner);
        let is_other = *credential != newer;
        *credential = newer;
        is_other
    }

    fn credential(&self) -> HeaderValue {
        self.credential.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The same with connections of its own, for another event loop.
    pub(crate) fn on_this_thread(&self) -> Self {
        let Self { connections, base, credential, audience, .. } = self;
        Self {
            sender: connections.sender(),
            connections: connections.clone(),
            base: base.clone(),
            credential: Arc::clone(credential),
            audience: audience.clone(),
        }
    }

    /// The key set; nothing if it is still the one of this ETag.
    pub(crate) async fn key_set(
        &self,
        etag: Option<&HeaderValue>,
    ) -> Result<Option<FetchedKeySet>, RegistryError> {
        let path = match &self.audience {
            Some(audience) => format!("/v1/key-set?audience={}", escaped(audience)),
            None => "/v1/key-set".to_owned(),
        };
        let mut request = self.request(Method::GET, &path, Bytes::new())?;
        request.headers_mut().insert(AUTHORIZATION, self.credential());
        if let Some(etag) = etag {
            request.headers_mut().insert(IF_NONE_MATCH, etag.clone());
        }
        within(GIVE_UP, async {
            match self.sent(request, MAX_KEY_SET).await {
                Err(RegistryError::Refused(StatusCode::NOT_MODIFIED)) => Ok(None),
                Err(error) => Err(error),
                Ok((bytes, etag)) => Ok(Some(FetchedKeySet { bytes: Zeroizing::new(bytes), etag })),
            }
        })
        .await
    }

    pub(crate) async fn head(&self, tenant: u16) -> Result<Vec<u8>, RegistryError> {
        let request =
            self.request(Method::GET, &format!("/v1/list/{tenant}/head"), Bytes::new())?;
        within(GIVE_UP, self.sent(request, MAX_HEAD)).await.map(|(bytes, _)| bytes)
    }

    pub(crate) async fn state(
        &self,
        tenant: u16,
        name: &StateName,
        most: usize,
    ) -> Result<Vec<u8>, RegistryError> {
        let digest: String = name.digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let path = format!("/v1/list/{tenant}/state/{}-{digest}", name.sequence);
        let request = self.request(Method::GET, &path, Bytes::new())?;
        within(GIVE_UP, self.sent(request, most)).await.map(|(bytes, _)| bytes)
    }

    /// The registry's own word on a key.
    pub(crate) async fn verify(
        &self,
        key: &str,
        required: &Required,
        caller: Option<IpAddr>,
    ) -> Result<Value, RegistryError> {
        let question = json!({
            "key": key, "scopes": required.scopes, "match": if required.any { "any" } else { "all" },
            "strict": true, "audience": self.audience, "address": caller,
        });
        let body = Bytes::from(question.to_string());
        let mut request = self.request(Method::POST, "/v1/verify", body)?;
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, self.credential());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let (bytes, _) = within(STRICT, self.sent(request, MAX_ANSWER)).await?;
        serde_json::from_slice(&bytes).map_err(|_| RegistryError::Unreadable)
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<Request<Full<Bytes>>, RegistryError> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .body(Full::new(body));
        request.map_err(|_| RegistryError::Unreachable("its URL cannot be asked".to_owned()))
    }

    // A redirect is an answer like any other that is not 200: it could take the credential elsewhere.
    async fn sent(
        &self,
        request: Request<Full<Bytes>>,
        most: usize,
    ) -> Result<(Vec<u8>, Option<HeaderValue>), RegistryError> {
        let answer = self.sender.request(request).await;
        let answer = answer.map_err(|error| RegistryError::Unreachable(chain(&error)))?;
        if answer.status() != StatusCode::OK {
            return Err(RegistryError::Refused(answer.status()));
        }
        let etag = answer.headers().get(ETAG).cloned();
        let body = Limited::new(answer.into_body(), most).collect().await;
        let body = body.map_err(|error| {
            if error.is::<LengthLimitError>() {
                RegistryError::TooLong
            } else {
                RegistryError::Unreachable(error.to_string())
            }
        })?;
        Ok((body.to_bytes().to_vec(), etag))
    }
}

impl fmt::Debug for RegistryClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RegistryClient {{ base: {:?}, credential: [redacted] }}", self.base)
    }
}

fn bearer(credential: &str) -> Option<HeaderValue> {
    let bearer = Zeroizing::new(format!("Bearer {credential}"));
    let mut bearer = HeaderValue::from_str(&bearer).ok()?;
    // So that no debug output of a request shows it.
    bearer.set_sensitive(true);
    Some(bearer)
}

/// A text as a value of a query.
fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, RegistryError>>,
) -> Result<T, RegistryError> {
    tokio::time::timeout(limit, work).await.unwrap_or(Err(RegistryError::TimedOut))
}

fn is_loopback(authority: &Authority) -> bool {
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut inner = error.source();
    while let Some(error) = inner {
        words = format!("{words}: {error}");
        inner = error.source();
    }
    words
}

/// Longest answers, in bytes.
const MAX_KEY_SET: usize = 17_769;
const MAX_HEAD: usize = 4_096;
const MAX_ANSWER: usize = 64 * 1_024;
/// Longest that anything but a strict question may take; no caller waits as long for it.
const GIVE_UP: Duration = Duration::from_secs(5);
/// Longest that a caller waits for the registry's word on a key.
const STRICT: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_is_wrong_with_the_credential() {
        let told = |status| RegistryError::Refused(status).to_string();
        assert!(told(StatusCode::UNAUTHORIZED).contains("expired"));
        assert!(told(StatusCode::FORBIDDEN).contains("verifier:key-set"));
        assert_eq!(told(StatusCode::NOT_FOUND), "the registry answers 404 Not Found");
    }

    #[test]
    fn a_credential_goes_in_clear_to_this_machine_only() {
        for (url, error) in [
            ("http://registry.example", RegistryUrlError::Plain),
            ("http://127.0.0.1.example", RegistryUrlError::Plain),
            ("ftp://127.0.0.1", RegistryUrlError::Plain),
            ("registry.example", RegistryUrlError::Malformed),
            ("https://user@registry.example", RegistryUrlError::Malformed),
            ("https://registry.example/?a", RegistryUrlError::Malformed),
        ] {
            assert_eq!(RegistryClient::new(url, "wkadmin", None).unwrap_err(), error, "{url}");
        }
        for url in ["http://127.0.0.1:8787", "http://[::1]:1/path/", "http://localhost"] {
            assert!(RegistryClient::new(url, "wkadmin", None).is_ok(), "{url}");
        }
    }

    #[test]
    fn an_audience_is_a_value_whatever_it_holds() {
        assert_eq!(escaped("api"), "api");
        assert_eq!(escaped("a&audience=b c/é"), "a%26audience%3Db%20c%2F%C3%A9");
    }

    #[test]
    fn a_credential_is_in_no_debug_output_and_in_one_line() {
        let client = RegistryClient::new("http://localhost", "wkadmin_test_secret", None).unwrap();
        assert!(!format!("{client:?}").contains("secret"));
        let error = RegistryClient::new("http://localhost", "a\r\nb", None).unwrap_err();
        assert_eq!(error, RegistryUrlError::Credential);
    }
}
