//! What a deployment sets: parsed once an isolate; what is missing is named.

use std::cell::OnceCell;
use std::rc::Rc;

use wardkey_provision::{RootKeys, TokenHash};
use worker::Env;

use crate::problem::ApiError;

/// The deployment's secrets.
pub(crate) struct Config {
    /// `WARDKEY_ROOT`.
    pub(crate) root: RootKeys,
    /// `WARDKEY_BOOTSTRAP_SHA256`; none when no bootstrap is expected.
    pub(crate) bootstrap: Option<TokenHash>,
}

impl Config {
    /// The isolate's configuration.
    ///
    /// # Errors
    /// [`ApiError::Misconfigured`] with the name of what is missing or malformed, never its value.
    pub(crate) fn of(env: &Env) -> Result<Rc<Self>, ApiError> {
        thread_local! {
            static CONFIG: OnceCell<Rc<Config>> = const { OnceCell::new() };
        }
        CONFIG.with(|cell| {
            if let Some(config) = cell.get() {
                return Ok(Rc::clone(config));
            }
            let config = Rc::new(Self::parse(env)?);
            Ok(Rc::clone(cell.get_or_init(|| config)))
        })
    }

    fn parse(env: &Env) -> Result<Self, ApiError> {
        let root =
            env.secret("WARDKEY_ROOT").map_err(|_| ApiError::Misconfigured("WARDKEY_ROOT"))?;
        let root = RootKeys::parse(&root.to_string())
            .map_err(|_| ApiError::Misconfigured("WARDKEY_ROOT"))?;
        let bootstrap = match env.secret("WARDKEY_BOOTSTRAP_SHA256") {
            Ok(text) => {
                let hash = TokenHash::from_hex(&text.to_string());
                Some(hash.ok_or(ApiError::Misconfigured("WARDKEY_BOOTSTRAP_SHA256"))?)
            }
            Err(_) => None,
        };
        Ok(Self { root, bootstrap })
    }
}
