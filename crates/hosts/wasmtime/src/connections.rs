//! Connections to others, by http and by https.

use std::time::Duration;

use hyper::body::Body;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;

/// Opens connections, and checks certificates where they are by https. Copies are the same.
#[derive(Clone)]
pub struct Connections(HttpsConnector<HttpConnector>);

/// There is nothing to check others' certificates by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("this machine has no root certificates: install them, or name a file in SSL_CERT_FILE")]
pub struct NoRoots;

/// Sends requests over connections that are kept for the next one.
pub(crate) type Sender<B> = Client<HttpsConnector<HttpConnector>, B>;

impl Connections {
    /// `by_tls`: whether certificates are to be checked by the roots of this machine.
    ///
    /// # Errors
    /// [`NoRoots`]; never without TLS: no missing file stands in the way of what needs none.
    pub fn new(by_tls: bool) -> Result<Self, NoRoots> {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_connect_timeout(Some(CONNECT));
        http.set_nodelay(true);
        let builder = HttpsConnectorBuilder::new();
        let builder = if by_tls {
            builder.with_native_roots().map_err(|_| NoRoots)?
        } else {
            // Trusts nobody.
            let roots = RootCertStore::empty();
            let config = ClientConfig::builder().with_root_certificates(roots);
            builder.with_tls_config(config.with_no_client_auth())
        };
        Ok(Self(builder.https_or_http().enable_http1().wrap_connector(http)))
    }

    /// A sender with connections of its own, for the event loop that it is used on.
    pub(crate) fn sender<B: Body<Data: Send> + Send>(&self) -> Sender<B> {
        Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(self.0.clone())
    }
}

const CONNECT: Duration = Duration::from_secs(2);
/// Connections are closed before the other end does it in the middle of a request.
const IDLE: Duration = Duration::from_secs(15);
