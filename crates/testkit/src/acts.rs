//! What the holder of an administration key does, call by call.
#![expect(clippy::panic, reason = "a test fails by panicking")]

use wardkey_provision::KeyRequest;
use wardkey_registry::{
    AuditEntry, AuditPage, Authority, Call, Created, KeyPage, KeyReply, KeyView, ListRequest,
    ReadKey, RegistryError, Reply, RevocationRequest, RevocationView, RevokeRequest,
    RevokeSelfRequest, Revoked, RotateRequest, RotateSigningKeysRequest, SigningKeysRotated,
    SuspendRequest, UpdateRequest, VerifierMaterial,
};

use crate::book::Book;
use crate::key_text::text_of;

/// Asks the registry by the right of one credential.
///
/// # Errors
/// Each act fails with what the registry says, and panics where it answers something else than was asked.
pub trait Acts {
    /// Where.
    fn book(&self) -> &Book;

    /// By what right.
    fn authority(&self) -> Authority;

    /// Makes a key.
    fn create(&self, request: KeyRequest) -> Result<Created, RegistryError> {
        self.book().ask_created(Call::CreateKey { authority: self.authority(), request })
    }

    /// Makes a key that nothing speaks against, and gives its text.
    fn key(&self, request: KeyRequest) -> String {
        match self.create(request) {
            Ok(created) => text_of(&created),
            Err(refused) => panic!("{refused:?}"),
        }
    }

    /// Makes a key's next generation.
    fn rotate(&self, key_id: &str, request: RotateRequest) -> Result<Created, RegistryError> {
        let (authority, key_id) = (self.authority(), key_id.into());
        self.book().ask_created(Call::RotateKey { authority, key_id, request })
    }

    /// Retires all generations of a key but the newest.
    fn confirm(&self, key_id: &str) -> Result<KeyReply, RegistryError> {
        let (authority, key_id) = (self.authority(), key_id.into());
        key(self.book().ask(Call::ConfirmKey { authority, key_id })?)
    }

    /// Suspends a key, or resumes it.
    fn suspend(&self, key_id: &str, suspended: bool) -> Result<Revoked, RegistryError> {
        let (authority, key_id) = (self.authority(), key_id.into());
        let request = SuspendRequest::default();
        revoked(self.book().ask(Call::SuspendKey { authority, key_id, suspended, request })?)
    }

    /// Revokes a key.
    fn revoke(&self, key_id: &str, request: RevokeRequest) -> Result<Revoked, RegistryError> {
        let (authority, key_id) = (self.authority(), key_id.into());
        revoked(self.book().ask(Call::RevokeKey { authority, key_id, request })?)
    }

    /// Revokes the credential itself.
    fn revoke_self(&self, request: RevokeSelfRequest) -> Result<Revoked, RegistryError> {
        let authority = self.authority();
        revoked(self.book().ask(Call::RevokeSelf { authority, request })?)
    }

    /// Revokes many keys.
    fn revoke_many(&self, request: RevocationRequest) -> Result<RevocationView, RegistryError> {
        match self.book().ask(Call::Revoke { authority: self.authority(), request })? {
            Reply::Revocation(view) => Ok(view),
            other => panic!("{other:?}"),
        }
    }

    /// Changes what people noted down of a key.
    fn update(&self, key_id: &str, request: UpdateRequest) -> Result<KeyView, RegistryError> {
        let (authority, key_id) = (self.authority(), key_id.into());
        view(self.book().ask(Call::UpdateKey { authority, key_id, request })?)
    }

    /// Reads a key.
    fn read(&self, key_id: &str) -> Result<KeyView, RegistryError> {
        let (authority, key_id, what) = (self.authority(), key_id.into(), ReadKey::Record);
        view(self.book().ask(Call::ReadKey { authority, key_id, what })?)
    }

    /// Lists keys.
    fn list(&self, request: ListRequest) -> Result<KeyPage, RegistryError> {
        match self.book().ask(Call::ListKeys { authority: self.authority(), request })? {
            Reply::Keys(page) => Ok(page),
            other => panic!("{other:?}"),
        }
    }

    /// Reads a page of the audit log.
    fn audit(&self, after: u64) -> Result<AuditPage, RegistryError> {
        let authority = self.authority();
        match self.book().ask(Call::ReadAudit { authority, after, limit: 200 })? {
            Reply::Audit(page) => Ok(page),
            other => panic!("{other:?}"),
        }
    }

    /// The first 200 entries of the audit log.
    fn entries(&self) -> Vec<AuditEntry> {
        match self.audit(0) {
            Ok(page) => page.entries,
            Err(refused) => panic!("{refused:?}"),
        }
    }

    /// Gives an audience its next signing key.
    fn rotate_signing_keys(
        &self,
        audience: &str,
        request: RotateSigningKeysRequest,
    ) -> Result<SigningKeysRotated, RegistryError> {
        let (authority, audience) = (self.authority(), audience.into());
        match self.book().ask(Call::RotateSigningKeys { authority, audience, request })? {
            Reply::SigningKeys(rotated) => Ok(rotated),
            other => panic!("{other:?}"),
        }
    }

    /// What a verifier that has nothing yet is given.
    fn admit_verifier(&self, audience: Option<&str>) -> Result<VerifierMaterial, RegistryError> {
        let (authority, audience) = (self.authority(), audience.map(Into::into));
        match self.book().ask(Call::AdmitVerifier { authority, audience, has: Vec::new() })? {
            Reply::Verifier(material) => Ok(material),
            other => panic!("{other:?}"),
        }
    }
}

fn view(reply: Reply) -> Result<KeyView, RegistryError> {
    key(reply).map(|key| key.view)
}

fn key(reply: Reply) -> Result<KeyReply, RegistryError> {
    match reply {
        Reply::Key(key) => Ok(key),
        other => panic!("{other:?}"),
    }
}

fn revoked(reply: Reply) -> Result<Revoked, RegistryError> {
    match reply {
        Reply::Revoked(revoked) => Ok(revoked),
        other => panic!("{other:?}"),
    }
}
