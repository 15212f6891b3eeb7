//! Decides about calls: verifies, does what is owed, and verifies again.

use std::cell::OnceCell;
use std::net::IpAddr;
use std::rc::Rc;

use crate::answer::Answer;
use crate::bindings::wardkey::verify::types::{Allow, Denial, Reason};
use crate::bindings::wardkey::verify::verifier::{
    Ask, Decision, Refresh, Registry as Word, RegistryQuestion,
};
use crate::bindings::wasi::cli::environment;
use crate::bindings::wasi::http::types::{Method, Request};
use crate::credential::credential;
use crate::keeper::{Keeper, Undecided};
use crate::log::say;
use crate::reason::word;
use crate::registry::Registry;
use crate::registry_answer::{Asked, refused, verdict};
use crate::settings::Settings;

/// What an instance decides with. All its calls share it, one after the other or interleaved.
#[derive(Clone)]
pub(crate) struct Guard(Rc<Keeper>);

impl Guard {
    /// This instance's; nothing if the settings are wrong, which is said.
    pub(crate) fn of_this_instance() -> Option<Self> {
        thread_local! {
            static GUARD: OnceCell<Option<Guard>> = const { OnceCell::new() };
        }
        GUARD.with(|guard| {
            guard
                .get_or_init(|| match Settings::of(environment::get_environment()) {
                    Ok(settings) => Some(Self(Rc::new(Keeper::new(settings)))),
                    Err(wrong) => {
                        say(&wrong);
                        None
                    }
                })
                .clone()
        })
    }

    /// The header in which a proxy in front says where a call comes from.
    pub(crate) fn address_header(&self) -> Option<&str> {
        self.0.settings.address_header.as_deref()
    }

    /// Decides about a request, with what its method needs.
    ///
    /// # Errors
    /// What the caller is told.
    pub(crate) async fn judge(
        &self,
        request: &Request,
        headers: &[(String, Vec<u8>)],
    ) -> Result<Allow, Answer> {
        let settings = &self.0.settings;
        let scopes = settings.rules.needed(&method(&request.get_method()));
        let scopes = scopes.ok_or_else(|| Answer::method_not_allowed(settings.rules.allowed()))?;
        // Who asks by a whole URL may have written a user into it, and a key there.
        if request.get_authority().is_some_and(|authority| authority.contains('@')) {
            return Err(Answer::invalid_request());
        }
        let target = request.get_path_with_query().unwrap_or_default();
        if !target.is_empty() && !target.starts_with('/') {
            return Err(Answer::invalid_request());
        }
        let key = credential(&target, headers)?;
        let caller = settings.address_header.as_ref().and_then(|name| only(name, headers));
        let judged = self.decide(key, scopes, caller).await;
        self.0.look_ahead();
        judged
    }

    async fn decide(
        &self,
        key: &str,
        scopes: &[String],
        caller: Option<IpAddr>,
    ) -> Result<Allow, Answer> {
        if !self.0.has_key_set() {
            self.0.renew().await;
        }
        let mut refreshed = None;
        let mut is_renewed = false;
        let mut is_asked = false;
        let mut heard = Word::NotAsked;
        for _ in 0..MOST_ROUNDS {
            let refresh =
                if refreshed == Some(false) { Refresh::Failed } else { Refresh::NotTried };
            let decision = self.0.verify(key, scopes, caller, refresh, heard);
            heard = Word::NotAsked;
            match decision {
                Err(Undecided::NoKeySet) => return Err(Answer::no_key_set()),
                Err(Undecided::UnknownScope) => return Err(Answer::of_failure()),
                Ok(Decision::Allow(allow)) => return Ok(allow),
                Ok(Decision::Deny(denial)) => {
                    if denial.reason != Reason::NoKeySet || is_renewed {
                        return Err(told(denial));
                    }
                    is_renewed = true;
                    self.0.renew().await;
                }
                Ok(Decision::Ask(Ask::Refresh)) => {
                    // A list that was just brought and is not fresh any more counts as not brought.
                    refreshed = Some(refreshed.is_none() && self.0.refresh().await);
                }
                Ok(Decision::Ask(Ask::Registry(question))) => {
                    let asked = if is_asked {
                        Asked::Failed
                    } else {
                        self.ask(question, key, scopes, caller).await
                    };
                    is_asked = true;
                    heard = match asked {
                        Asked::Confirmed(confirmation) => Word::Answered(confirmation),
                        Asked::Failed => Word::Failed,
                        Asked::Refused(answer) => return Err(answer),
                    };
                }
            }
        }
        Err(Answer::of_failure())
    }

    async fn ask(
        &self,
        question: RegistryQuestion,
        key: &str,
        scopes: &[String],
        caller: Option<IpAddr>,
    ) -> Asked {
        let registry = Registry(&self.0.settings);
        let Ok(answer) = registry.verify(key, scopes, caller).await else { return Asked::Failed };
        match verdict(&answer) {
            Some(verdict) => RegistryQuestion::answered(question, &verdict)
                .map_or(Asked::Failed, Asked::Confirmed),
            None => refused(&answer),
        }
    }
}

/// Says why, for whoever runs the service, and gives the caller's part.
fn told(denial: Denial) -> Answer {
    let whose = denial.claims.map(|claims| format!(" {} {}", claims.subject, claims.key_id));
    let (status, reason) = (denial.answer.status, word(denial.reason));
    say(&format!("deny {status} {reason}{}", whose.unwrap_or_default()));
    denial.answer.into()
}

/// An address that stands in one header once.
fn only(name: &str, headers: &[(String, Vec<u8>)]) -> Option<IpAddr> {
    let mut values = headers.iter().filter(|(found, _)| found.eq_ignore_ascii_case(name));
    let (_, value) = values.next().filter(|_| values.next().is_none())?;
    str::from_utf8(value).ok()?.trim().parse().ok()
}

fn method(method: &Method) -> String {
    let name = match method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
        Method::Connect => "CONNECT",
        Method::Options => "OPTIONS",
        Method::Trace => "TRACE",
        Method::Patch => "PATCH",
        Method::Other(name) => name,
    };
    name.to_owned()
}

/// More than a verification can owe.
const MOST_ROUNDS: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_known_from_one_header_only() {
        let headers = |values: &[&str]| -> Vec<(String, Vec<u8>)> {
            values.iter().map(|value| ("X-Real-IP".to_owned(), value.as_bytes().to_vec())).collect()
        };
        let known = Some(IpAddr::from([192, 0, 2, 1]));
        assert_eq!(only("x-real-ip", &headers(&[" 192.0.2.1"])), known);
        for values in
            [&[][..], &["192.0.2.1", "192.0.2.1"], &["192.0.2.1, 10.0.0.1"], &["nonsense"]]
        {
            assert_eq!(only("x-real-ip", &headers(values)), None);
        }
    }
}
