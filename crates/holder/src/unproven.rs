//! What a key says of itself, as JSON.
//!
//! WHY nothing is escaped: prefix, subject, ids and networks have alphabets without quotes and backslashes.

use core::fmt::{self, Display, Write};

use wardkey::{Narrowing, Networks, ScopeSet, SigningKeyId, UnixSeconds, Unproven, inspect};

use crate::outcome;
use crate::page::Page;

/// Writes what a key says and gives its length, or a number of [`outcome`].
///
/// WHY not inlined: what it leaves on the stack is wiped by its caller, whose own frame is not.
#[inline(never)]
pub(crate) fn read(key: &[u8], output: &mut [u8]) -> Result<usize, i32> {
    let key = str::from_utf8(key).map_err(|_| outcome::MALFORMED)?;
    let unproven = inspect(key).map_err(outcome::no_key)?;
    let mut page = Page::new(output);
    write(&mut page, &unproven).map_err(|_| outcome::MISUSE)?;
    Ok(page.len())
}

/// Writes it: the base's values, what is left of scopes and time, and each narrowing, oldest first.
fn write(page: &mut impl Write, unproven: &Unproven) -> fmt::Result {
    let base = unproven.base();
    let SigningKeyId { tenant, audience, epoch } = base.signing_key;
    let (prefix, subject) = (unproven.prefix().as_str(), base.subject.as_str());
    write!(page, r#"{{"prefix":"{prefix}","keyId":"{}","subject":"{subject}","#, base.key_id)?;
    let (tenant, audience, epoch) = (tenant.0, audience.0, epoch.number());
    write!(page, r#""tenant":{tenant},"audience":{audience},"epoch":{epoch},"#)?;
    let (index, issued_at) = (base.status_index.0, base.issued_at.0);
    write!(page, r#""statusIndex":{index},"issuedAt":{issued_at},"#)?;
    write!(page, r#""expiresAt":{},"#, unproven.expires_at().0)?;
    page.write_str(r#""scopes":"#)?;
    numbers(page, unproven.scopes_left())?;
    page.write_str(r#","issued":"#)?;
    let issued = Narrowing {
        scopes: Some(base.scopes),
        expires_at: Some(base.expires_at),
        not_before: base.constraints.not_before,
        networks: base.constraints.networks,
    };
    parts(page, &issued)?;
    page.write_str(r#","narrowings":"#)?;
    list(page, unproven.narrowings(), parts)?;
    page.write_char('}')
}

fn parts<W: Write>(page: &mut W, said: &Narrowing) -> fmt::Result {
    let mut between = '{';
    let mut name = |page: &mut W, name: &str| {
        let first = core::mem::replace(&mut between, ',');
        write!(page, r#"{first}"{name}":"#)
    };
    if let Some(scopes) = &said.scopes {
        name(page, "scopes")?;
        numbers(page, scopes)?;
    }
    for (what, second) in [("expiresAt", said.expires_at), ("notBefore", said.not_before)] {
        if let Some(UnixSeconds(second)) = second {
            name(page, what)?;
            write!(page, "{second}")?;
        }
    }
    if let Some(networks) = &said.networks {
        name(page, "networks")?;
        list(page, Networks::iter(networks), |page, network| quoted(page, &network))?;
    }
    page.write_char('}')
}

fn numbers<W: Write>(page: &mut W, scopes: &ScopeSet) -> fmt::Result {
    list(page, scopes.iter(), |page, number| write!(page, "{number}"))
}

fn quoted<W: Write>(page: &mut W, value: &impl Display) -> fmt::Result {
    write!(page, "\"{value}\"")
}

fn list<W: Write, T>(
    page: &mut W,
    items: impl Iterator<Item = T>,
    write: impl Fn(&mut W, T) -> fmt::Result,
) -> fmt::Result {
    page.write_char('[')?;
    for (place, item) in items.enumerate() {
        if place > 0 {
            page.write_char(',')?;
        }
        write(page, item)?;
    }
    page.write_char(']')
}
