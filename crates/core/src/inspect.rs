//! What a key says of itself, marked as unproven: for people who hold one and wonder what it is.

use core::fmt;

use crate::base::Base;
use crate::key::{Remaining, UnverifiedKey};
use crate::key_buffer::KeyBuffer;
use crate::narrowing::{MAX_BLOCKS, Narrowing};
use crate::prefix::Prefix;
use crate::reason::Reason;
use crate::scope::ScopeSet;
use crate::time::UnixSeconds;

/// What a key says of itself.
///
/// # Guarantees
/// **None of it is proven**: anyone can write a key that says this. It holds nothing secret, neither tag nor
/// text, so that it may be shown and logged.
///
/// # Example
/// ```
/// let text = concat!(
///     "example_test_AQAHAgEAESIzRFVmdwAAAyhrSdIAa0nuIAtzdmM6YmlsbGluZwIHAoAJAQEDAgRrSdRY8k22d4BrNC6ZM",
///     "iVsrl8lT2tG0os",
/// );
/// let unproven = wardkey::inspect(text)?;
/// assert_eq!(unproven.base().subject.as_str(), "svc:billing");
/// assert_eq!(unproven.scopes_left().iter().collect::<Vec<_>>(), [0, 1]);
/// assert!(unproven.to_string().starts_with("unproven: "));
/// # Ok::<(), wardkey::Reason>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Unproven {
    prefix: Prefix,
    base: Base,
    narrowings: [Option<Narrowing>; MAX_BLOCKS],
    scopes_left: ScopeSet,
    left: Remaining,
}

/// Reads what a key says, without any key set.
///
/// # Errors
/// [`Reason::Malformed`], [`Reason::BadChecksum`].
pub fn inspect(key: &str) -> Result<Unproven, Reason> {
    let mut buffer = KeyBuffer::new();
    let key = UnverifiedKey::parse(key, &mut buffer)?;
    let mut narrowings = [None; MAX_BLOCKS];
    for (slot, block) in narrowings.iter_mut().zip(key.blocks()) {
        *slot = Some(Narrowing::of(&block.says));
    }
    // It was parsed as one.
    let prefix = Prefix::from_bytes(key.prefix()).map_err(|_| Reason::Malformed)?;
    Ok(Unproven {
        prefix,
        base: key.unproven_base(),
        narrowings,
        scopes_left: key.scopes_left(),
        left: key.left,
    })
}

impl Unproven {
    /// Its prefix.
    pub const fn prefix(&self) -> &Prefix {
        &self.prefix
    }

    /// What its issuer is said to have said.
    pub const fn base(&self) -> &Base {
        &self.base
    }

    /// What holders are said to have taken away since, oldest first.
    pub fn narrowings(&self) -> impl Iterator<Item = &Narrowing> {
        self.narrowings.iter().flatten()
    }

    /// The scopes that are left.
    pub const fn scopes_left(&self) -> &ScopeSet {
        &self.scopes_left
    }

    /// The first second in which it is dead.
    pub const fn expires_at(&self) -> UnixSeconds {
        self.left.expires_at
    }
}

impl fmt::Display for Unproven {
    /// A line for each thing said, all marked as unproven; times in Unix seconds, scopes by number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { prefix, base, .. } = self;
        let id = base.signing_key;
        let (tenant, audience) = (id.tenant.0, id.audience.0);
        writeln!(
            f,
            "unproven: {} of {}, prefix {}",
            base.key_id,
            base.subject.as_str(),
            prefix.as_str()
        )?;
        let (index, epoch) = (base.status_index.0, id.epoch.number());
        writeln!(
            f,
            "unproven: tenant {tenant}, audience {audience}, signing key {epoch}, status index {index}"
        )?;
        writeln!(
            f,
            "unproven: issued at {}, expires at {}, scopes {:?}",
            base.issued_at.0, base.expires_at.0, base.scopes
        )?;
        let issuer = Narrowing {
            not_before: base.constraints.not_before,
            networks: base.constraints.networks,
            ..Narrowing::default()
        };
        write_parts(f, "constrained", &issuer)?;
        for narrowing in self.narrowings() {
            write_parts(f, "narrowed", narrowing)?;
        }
        Ok(())
    }
}

fn write_parts(f: &mut fmt::Formatter<'_>, what: &str, parts: &Narrowing) -> fmt::Result {
    if let Some(scopes) = &parts.scopes {
        writeln!(f, "unproven: {what} to scopes {scopes:?}")?;
    }
    if let Some(UnixSeconds(second)) = parts.expires_at {
        writeln!(f, "unproven: {what} to before {second}")?;
    }
    if let Some(UnixSeconds(second)) = parts.not_before {
        writeln!(f, "unproven: {what} to {second} and after")?;
    }
    if let Some(networks) = &parts.networks {
        writeln!(f, "unproven: {what} to callers from {networks:?}")?;
    }
    Ok(())
}
