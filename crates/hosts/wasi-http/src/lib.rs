#![doc = include_str!("../README.md")]

mod answer;
mod bindings;
mod clock;
mod credential;
mod effort;
mod forwarding;
mod guard;
mod keeper;
mod log;
mod reason;
mod registry;
mod registry_answer;
mod rules;
mod settings;

use zeroize::Zeroize as _;

use crate::answer::Answer;
use crate::bindings::exports::wasi::http::handler::Guest;
use crate::bindings::wasi::http::handler;
use crate::bindings::wasi::http::types::{ErrorCode, Request, Response};
use crate::guard::Guard;

/// What stands between the host and the service.
struct Middleware;

impl Guest for Middleware {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let Some(guard) = Guard::of_this_instance() else {
            return Ok(Answer::of_failure().response());
        };
        let mut headers = request.get_headers().copy_all();
        let judged = guard.judge(&request, &headers).await;
        let address_header = guard.address_header();
        let judged =
            judged.map(|allow| forwarding::to_service(request, &headers, &allow, address_header));
        // The host made this copy for the guard alone, and a key is in it.
        headers.iter_mut().for_each(|(_, value)| value.zeroize());
        match judged {
            Ok(Some(request)) => handler::handle(request).await,
            Ok(None) => Ok(Answer::of_failure().response()),
            Err(answer) => Ok(answer.response()),
        }
    }
}
