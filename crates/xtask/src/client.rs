//! A client of the API on this machine, for the commands that play with a running worker.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

/// Speaks JSON with a worker on 127.0.0.1.
pub(crate) struct Client {
    url: String,
    http: ureq::Agent,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The body; null if it is no JSON.
    pub(crate) json: Value,
}

impl Answer {
    /// A text field of the body.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.json.get(name).and_then(Value::as_str)
    }
}

impl Client {
    /// A client of the worker on this port.
    pub(crate) fn on(port: u16) -> Self {
        let http = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(10)))
            .http_status_as_error(false)
            .proxy(None)
            .build()
            .new_agent();
        Self { url: format!("http://127.0.0.1:{port}"), http }
    }

    /// `http://127.0.0.1:PORT`
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Sends a GET.
    pub(crate) fn get(&self, path: &str, headers: &[(&str, &str)]) -> Result<Answer> {
        let mut request = self.http.get(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        read(request.call().with_context(|| format!("GET {path}"))?)
    }

    /// Sends a POST with a JSON body.
    pub(crate) fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Result<Answer> {
        let mut request = self.http.post(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.header("Content-Type", "application/json");
        read(request.send(body.to_string()).with_context(|| format!("POST {path}"))?)
    }
}

fn read(mut response: ureq::http::Response<ureq::Body>) -> Result<Answer> {
    let status = response.status().as_u16();
    let text = response.body_mut().read_to_string()?;
    Ok(Answer { status, json: serde_json::from_str(&text).unwrap_or(Value::Null) })
}
