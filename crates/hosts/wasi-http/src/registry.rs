//! The registry over wasi:http: its public list, the key set, and its word on one key.

use std::fmt;
use std::net::IpAddr;

use futures_util::future::join;
use serde_json::{Value, json};
use wit_bindgen::FutureReader;
use zeroize::{Zeroize as _, Zeroizing};

use crate::bindings::wardkey::verify::types::StateName;
use crate::bindings::wasi::http::client;
use crate::bindings::wasi::http::types::{ErrorCode, Fields, Method, Request, Response, Scheme};
use crate::bindings::{wit_future, wit_stream};
use crate::clock::within;
use crate::settings::Settings;

/// One registry, asked by the right of one credential.
pub(crate) struct Registry<'s>(pub(crate) &'s Settings);

/// Why the registry gave no answer. Nothing of a credential is in it.
pub(crate) enum RegistryError {
    /// Nobody answers there.
    Unreachable,
    /// It answered something else than 200.
    Refused(u16),
    /// The answer is longer than such a one may be, or broken off.
    Unreadable,
    /// It did not answer in time.
    TimedOut,
}

impl fmt::Display for RegistryError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable => formatter.write_str("the registry cannot be reached"),
            Self::Refused(status) => write!(formatter, "the registry answers {status}"),
            Self::Unreadable => formatter.write_str("the registry's answer cannot be read"),
            Self::TimedOut => formatter.write_str("the registry did not answer in time"),
        }
    }
}

/// A key set that was fetched, and the ETag to ask with next time.
pub(crate) struct FetchedKeySet {
    pub(crate) bytes: Zeroizing<Vec<u8>>,
    pub(crate) etag: Option<Vec<u8>>,
}

/// How the sending of a request ends.
type Sent = FutureReader<Result<(), ErrorCode>>;

/// What is asked.
#[derive(Default)]
struct Question<'q> {
    path: String,
    is_by_right: bool,
    etag: Option<&'q [u8]>,
    /// For a POST, as JSON.
    body: Option<Zeroizing<Vec<u8>>>,
}

impl Registry<'_> {
    /// The key set; nothing if it is still the one of this ETag.
    pub(crate) async fn key_set(
        &self,
        etag: Option<&[u8]>,
    ) -> Result<Option<FetchedKeySet>, RegistryError> {
        let query = self.0.audience.as_ref().map(|audience| format!("?audience={audience}"));
        let path = format!("/v1/key-set{}", query.unwrap_or_default());
        let question = Question { path, is_by_right: true, etag, ..Question::default() };
        match self.asked(GIVE_UP_MS, question, MAX_KEY_SET).await {
            Err(RegistryError::Refused(304)) => Ok(None),
            Err(error) => Err(error),
            Ok((bytes, etag)) => Ok(Some(FetchedKeySet { bytes: Zeroizing::new(bytes), etag })),
        }
    }

    pub(crate) async fn head(&self, tenant: u16) -> Result<Vec<u8>, RegistryError> {
        let path = format!("/v1/list/{tenant}/head");
        let question = Question { path, ..Question::default() };
        self.asked(GIVE_UP_MS, question, MAX_HEAD).await.map(|(bytes, _)| bytes)
    }

    pub(crate) async fn state(
        &self,
        tenant: u16,
        name: &StateName,
    ) -> Result<Vec<u8>, RegistryError> {
        let digest: String = name.digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let path = format!("/v1/list/{tenant}/state/{}-{digest}", name.sequence);
        let question = Question { path, ..Question::default() };
        self.asked(GIVE_UP_MS, question, MAX_STATE).await.map(|(bytes, _)| bytes)
    }

    /// The registry's own word on a key.
    pub(crate) async fn verify(
        &self,
        key: &str,
        scopes: &[String],
        caller: Option<IpAddr>,
    ) -> Result<Value, RegistryError> {
        let mut question = json!({
            "key": key, "scopes": scopes, "match": "all", "strict": true,
            "audience": self.0.audience, "address": caller,
        });
        // WHY so long: a vector that grows leaves copies of its bytes behind.
        let mut body = Zeroizing::new(Vec::with_capacity(USUAL_QUESTION));
        let written = serde_json::to_writer(&mut *body, &question);
        if let Some(Value::String(key)) = question.get_mut("key") {
            key.zeroize();
        }
        written.map_err(|_| RegistryError::Unreachable)?;
        let path = "/v1/verify".to_owned();
        let question = Question { path, is_by_right: true, body: Some(body), etag: None };
        let (bytes, _) = self.asked(STRICT_MS, question, MAX_ANSWER).await?;
        serde_json::from_slice(&bytes).map_err(|_| RegistryError::Unreadable)
    }

    // A redirect is an answer like any other that is not 200: it could take the credential elsewhere.
    async fn asked(
        &self,
        at_most_ms: u64,
        question: Question<'_>,
        most: usize,
    ) -> Result<(Vec<u8>, Option<Vec<u8>>), RegistryError> {
        let asked = async {
            let (response, _sent) = self.sent(question).await?;
            match response.get_status_code() {
                200 => {}
                status => return Err(RegistryError::Refused(status)),
            }
            let headers = response.get_headers().copy_all();
            let header = |name: &str| {
                let found = headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name));
                found.map(|(_, value)| value.clone())
            };
            let (etag, length) = (header("etag"), header("content-length"));
            let bytes = whole(response, most).await?;
            if length.is_some_and(|length| length != bytes.len().to_string().into_bytes()) {
                return Err(RegistryError::Unreadable);
            }
            Ok((bytes, etag))
        };
        within(at_most_ms, asked).await.unwrap_or(Err(RegistryError::TimedOut))
    }

    /// The answer, with what has to be kept until its body is read: without that the host ends the connection, and the body
    /// with it, as if there were no more of it.
    async fn sent(&self, question: Question<'_>) -> Result<(Response, Sent), RegistryError> {
        let Question { path, is_by_right, etag, body } = question;
        let mut headers = Vec::new();
        if is_by_right {
            let bearer = format!("Bearer {}", self.0.credential.as_str());
            headers.push(("authorization".to_owned(), bearer.into_bytes()));
        }
        if let Some(etag) = etag {
            headers.push(("if-none-match".to_owned(), etag.to_vec()));
        }
        if let Some(body) = &body {
            headers.push(("content-type".to_owned(), b"application/json".to_vec()));
            headers.push(("content-length".to_owned(), body.len().to_string().into_bytes()));
        }
        let fields = Fields::from_list(&headers);
        headers.iter_mut().for_each(|(_, value)| value.zeroize());
        let fields = fields.map_err(|_| RegistryError::Unreachable)?;
        let (trailers, no_trailers) = wit_future::new(|| Ok(None));
        drop(trailers);
        let (writer, contents) = match body {
            Some(body) => {
                let (writer, contents) = wit_stream::new();
                (Some((writer, body)), Some(contents))
            }
            None => (None, None),
        };
        let method = if writer.is_some() { Method::Post } else { Method::Get };
        let (request, sent) = Request::new(fields, contents, no_trailers, None);
        let origin = &self.0.registry;
        let scheme = if origin.is_https { Scheme::Https } else { Scheme::Http };
        let target = format!("{}{path}", origin.path);
        let is_set = request.set_method(&method).is_ok()
            && request.set_scheme(Some(&scheme)).is_ok()
            && request.set_authority(Some(&origin.authority)).is_ok()
            && request.set_path_with_query(Some(&target)).is_ok();
        if !is_set {
            return Err(RegistryError::Unreachable);
        }
        let written = async {
            if let Some((mut writer, mut body)) = writer {
                drop(Zeroizing::new(writer.write_all(std::mem::take(&mut *body)).await));
            }
        };
        let (response, ()) = join(client::send(request), written).await;
        Ok((response.map_err(|_| RegistryError::Unreachable)?, sent))
    }
}

/// The body of a response, up to so many bytes.
async fn whole(response: Response, most: usize) -> Result<Vec<u8>, RegistryError> {
    let (_unused, accepted) = wit_future::new(|| Ok(()));
    let (mut body, trailers) = Response::consume_body(response, accepted);
    let mut all = Zeroizing::new(Vec::new());
    loop {
        let (result, part) = body.read(Vec::with_capacity(CHUNK)).await;
        let part = Zeroizing::new(part);
        // WHY: a vector that grows leaves copies of its bytes behind, and a key set's are secret.
        if all.len() + part.len() > all.capacity() {
            let mut longer = Zeroizing::new(Vec::with_capacity(2 * (all.len() + part.len())));
            longer.extend_from_slice(&all);
            all = longer;
        }
        all.extend_from_slice(&part);
        if all.len() > most {
            return Err(RegistryError::Unreadable);
        }
        if !matches!(result, wit_bindgen::StreamResult::Complete(_)) {
            break;
        }
    }
    drop(body);
    trailers.await.map_err(|_| RegistryError::Unreadable)?;
    Ok(std::mem::take(&mut *all))
}

/// Longest answers, in bytes.
const MAX_KEY_SET: usize = 17_769;
const MAX_HEAD: usize = 4_096;
const MAX_STATE: usize = 16 * 1_024 * 1_024;
const MAX_ANSWER: usize = 64 * 1_024;
const CHUNK: usize = 16 * 1_024;
/// What a question with a dozen scopes takes, in bytes.
const USUAL_QUESTION: usize = 2_048;
/// Longest that anything but a strict question may take; no caller waits as long for it.
const GIVE_UP_MS: u64 = 5_000;
/// Longest that a caller waits for the registry's word on a key.
const STRICT_MS: u64 = 2_000;
