//! Secrets and bytes on their way between the Worker and the registry, inside one deployment.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

/// A credential or a key's text.
///
/// # Leaks
/// Wiped on drop; `Debug` shows nothing. It does serialize: that is the deliberate crossing, from the
/// Worker to its own Durable Object and back, never to storage or a log.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub struct WireSecret(Zeroizing<String>);

impl WireSecret {
    /// Takes the secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The secret text.
    pub fn secret_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for WireSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WireSecret([redacted])")
    }
}

/// Bytes, some of them secret, as unpadded base64url in a message.
///
/// # Leaks
/// Wiped on drop; `Debug` shows the length only.
pub struct WireBytes(Zeroizing<Vec<u8>>);

impl WireBytes {
    /// Takes the bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for WireBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WireBytes({} bytes, [redacted])", self.0.len())
    }
}

impl Serialize for WireBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(self.0.as_slice()));
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for WireBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        URL_SAFE_NO_PAD
            .decode(text.as_bytes())
            .map(Self::new)
            .map_err(|_| D::Error::custom("not base64url"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_on_the_wire_do_not_show_in_debug() {
        assert_eq!(format!("{:?}", WireSecret::new("a secret")), "WireSecret([redacted])");
        assert_eq!(format!("{:?}", WireBytes::new([1, 2])), "WireBytes(2 bytes, [redacted])");
    }
}
