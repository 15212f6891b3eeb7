//! What whoever runs the service has set, in the environment.

use std::net::IpAddr;

use zeroize::Zeroizing;

use crate::rules::Rules;

/// What the guard is to do, and with what right it asks the registry.
pub(crate) struct Settings {
    pub(crate) registry: Origin,
    /// A key with `verifier:key-set`, for strict scopes also `verifier:verify`.
    pub(crate) credential: Zeroizing<String>,
    /// Needed where the credential is for several.
    pub(crate) audience: Option<String>,
    /// The header in which a proxy in front says where a call comes from, and nobody else can.
    pub(crate) address_header: Option<String>,
    pub(crate) rules: Rules,
}

/// Where the registry is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) is_https: bool,
    pub(crate) authority: String,
    /// Before `/v1`; without a slash at its end.
    pub(crate) path: String,
}

impl Settings {
    /// Reads them.
    ///
    /// # Errors
    /// Which one is missing or wrong, in words that hold none of its text.
    pub(crate) fn of(mut environment: Vec<(String, String)>) -> Result<Self, String> {
        let twice = environment.iter().enumerate().find(|(place, (name, _))| {
            let mut before = environment.iter().take(*place);
            name.starts_with("WARDKEY_") && before.any(|(other, _)| other == name)
        });
        if let Some((_, (name, _))) = twice {
            return Err(format!("{name} is set twice"));
        }
        let mut take = |name: &str| {
            let place = environment.iter().position(|(found, _)| found == name)?;
            Some(environment.swap_remove(place).1).filter(|value| !value.is_empty())
        };
        let registry = take("WARDKEY_REGISTRY").ok_or("WARDKEY_REGISTRY is not set")?;
        let registry = Origin::parse(&registry)
            .ok_or("WARDKEY_REGISTRY is none of https://host, or http://localhost")?;
        let credential = take("WARDKEY_CREDENTIAL").ok_or("WARDKEY_CREDENTIAL is not set")?;
        let credential = Zeroizing::new(credential);
        if !credential.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("WARDKEY_CREDENTIAL is not written as one".to_owned());
        }
        let audience = take("WARDKEY_AUDIENCE");
        if audience.as_ref().is_some_and(|name| !name.bytes().all(is_of_name)) {
            return Err("WARDKEY_AUDIENCE is not written as one".to_owned());
        }
        let address_header = take("WARDKEY_ADDRESS_HEADER");
        if address_header.as_ref().is_some_and(|name| !name.bytes().all(is_of_name)) {
            return Err("WARDKEY_ADDRESS_HEADER is not written as a header's name".to_owned());
        }
        let rules = Rules::of(&environment)?;
        Ok(Self { registry, credential, audience, address_header, rules })
    }
}

impl Origin {
    fn parse(url: &str) -> Option<Self> {
        let (is_https, rest) = match url.strip_prefix("https://") {
            Some(rest) => (true, rest),
            None => (false, url.strip_prefix("http://")?),
        };
        let (authority, path) = match rest.find('/') {
            Some(slash) => rest.split_at_checked(slash)?,
            None => (rest, ""),
        };
        let is_text = |text: &str| {
            text.bytes().all(|byte| byte.is_ascii_graphic() && !b"@?#\\".contains(&byte))
        };
        let fits = !authority.is_empty() && is_text(authority) && is_text(path);
        // The credential would go over the wire in clear.
        let is_safe = is_https || is_loopback(authority);
        let path = path.trim_end_matches('/').to_owned();
        (fits && is_safe).then(|| Self { is_https, authority: authority.to_owned(), path })
    }
}

fn is_loopback(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

const fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn settings(changed: &[(&str, &str)]) -> Result<Settings, String> {
        let mut all = HashMap::from([
            ("WARDKEY_REGISTRY", "https://registry.example"),
            ("WARDKEY_CREDENTIAL", "wkadmin_test_x"),
            ("WARDKEY_SCOPES", "reports:read"),
            ("WARDKEY_SCOPES_POST", "reports:read  reports:write"),
            ("PATH", "/bin"),
        ]);
        all.extend(changed.iter().copied());
        let all = all.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        Settings::of(all.collect())
    }

    #[test]
    fn one_that_is_set_twice_is_none() {
        let twice = ["WARDKEY_SCOPES", "WARDKEY_AUDIENCE", "WARDKEY_SCOPES_DELETE"];
        for name in twice {
            let all = [name, "WARDKEY_REGISTRY", name];
            let all = all.map(|name| (name.to_owned(), "reports:read".to_owned()));
            assert_eq!(Settings::of(all.into()).err().unwrap(), format!("{name} is set twice"));
        }
        assert!(settings(&[]).is_ok());
    }

    #[test]
    fn what_is_missing_or_wrong_is_said_without_its_text() {
        for (name, value) in [
            ("WARDKEY_REGISTRY", ""),
            ("WARDKEY_REGISTRY", "http://registry.example"),
            ("WARDKEY_REGISTRY", "http://127.0.0.1.example"),
            ("WARDKEY_REGISTRY", "http://localhost@registry.example"),
            ("WARDKEY_REGISTRY", "registry.example"),
            ("WARDKEY_REGISTRY", "https://"),
            ("WARDKEY_CREDENTIAL", ""),
            ("WARDKEY_CREDENTIAL", "a\r\nb"),
            ("WARDKEY_AUDIENCE", "a&b"),
            ("WARDKEY_ADDRESS_HEADER", "X Real IP"),
            ("WARDKEY_SCOPES_delete", "reports:purge"),
            ("WARDKEY_SCOPES", " "),
        ] {
            let said = settings(&[(name, value)]).err().unwrap();
            assert!(said.contains(name), "{said}");
            assert!(!said.contains("registry.example") && !said.contains("a\r\nb"));
        }
    }

    #[test]
    fn a_registry_on_this_machine_may_be_asked_in_clear() {
        let origin = |authority: &str, path: &str| Origin {
            is_https: false,
            authority: authority.to_owned(),
            path: path.to_owned(),
        };
        for (url, expected) in [
            ("http://127.0.0.1:8787", origin("127.0.0.1:8787", "")),
            ("http://[::1]:1/path/", origin("[::1]:1", "/path")),
            ("http://localhost", origin("localhost", "")),
        ] {
            assert_eq!(Origin::parse(url), Some(expected));
        }
    }
}
