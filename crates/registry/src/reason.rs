//! Why something was done, in the actor's words.

use wardkey_provision::check_free_text;

use crate::error::RegistryError;

/// The reason as the log keeps it.
///
/// # Errors
/// [`RegistryError::Invalid`] for what is longer than [`MAX_LEN`] bytes, holds control characters or a credential.
pub(crate) fn checked(reason: Option<&str>) -> Result<Option<&str>, RegistryError> {
    if let Some(text) = reason {
        check_free_text(text, MAX_LEN)
            .map_err(|problem| RegistryError::invalid("reason", problem))?;
    }
    Ok(reason)
}

/// Longest reason, in bytes.
const MAX_LEN: usize = 256;
