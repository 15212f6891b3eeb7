//! The local secrets: what the worker reads, and the first admin key.
//!
//! `.dev.vars` holds the root secret and the digest of a bootstrap token, for wrangler. `.wardkey` holds the token
//! until it has been used, and then the admin key that it was exchanged for. All are mode 600 and git-ignored.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, bail};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::{inputs::hex, workspace::Workspace};

/// What is exchanged for an admin key, once, at `POST /v1/bootstrap`.
pub(crate) struct Bootstrap {
    pub(crate) token: String,
    /// Repeating the exchange under the same name gives the same key, for ten minutes.
    pub(crate) idempotency_key: String,
}

/// Where the secrets lie.
pub(crate) struct Secrets {
    vars: PathBuf,
    state: PathBuf,
    folder: PathBuf,
}

impl Secrets {
    pub(crate) fn of(workspace: &Workspace) -> Self {
        Self {
            vars: workspace.path(".dev.vars"),
            state: workspace.path(".wrangler/state"),
            folder: workspace.path(ADMIN_KEY).with_file_name(""),
        }
    }

    /// The folder `.wardkey`, made if it is not there.
    pub(crate) fn make_folder(&self) -> Result<&Path> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        Ok(&self.folder)
    }

    /// Forgets the local tenant with all its keys. The root secret stays.
    ///
    /// Key files that it has not made itself are put aside into `.wardkey/old`, so that none is taken for one of the next tenant's;
    /// answers their names.
    pub(crate) fn forget_tenant(&self) -> Result<Vec<String>> {
        remove(&self.admin_key())?;
        remove(&self.folder.join("first.key"))?;
        self.forget_bootstrap()?;
        if self.state.exists() {
            fs::remove_dir_all(&self.state)?;
        }
        self.put_keys_aside()
    }

    fn put_keys_aside(&self) -> Result<Vec<String>> {
        if !self.folder.exists() {
            return Ok(Vec::new());
        }
        let entries = fs::read_dir(&self.folder)?.map(|entry| Ok(entry?.path()));
        let is_key =
            |path: &PathBuf| path.is_file() && path.extension().is_some_and(|end| end == "key");
        let mut keys: Vec<PathBuf> =
            entries.collect::<Result<Vec<_>>>()?.into_iter().filter(is_key).collect();
        keys.sort();
        let old = self.folder.join("old");
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&old)?;
        let mut names = Vec::new();
        for key in keys {
            let name = key.file_name().context("a file has a name")?;
            fs::rename(&key, old.join(name))?;
            names.push(name.to_string_lossy().into_owned());
        }
        Ok(names)
    }

    /// Makes whatever is missing. Answers what is to be exchanged for an admin key, or nothing if there is one.
    ///
    /// A token that was made in the last minutes, for an exchange that was broken off, is taken again, because the
    /// worker then answers the same key. Otherwise a lost admin key is replaced by means of a new token: the root
    /// secret, under which the local state is sealed, is never made twice.
    pub(crate) fn prepare(&self) -> Result<Option<Bootstrap>> {
        self.make_folder()?;
        let has_state = self.state.exists();
        let root = match self.root()? {
            Some(root) => root,
            None if has_state => bail!(
                "{} is gone, but .wrangler/state is sealed under the root secret that was in it: put it back, \
                 or begin anew with `cargo xtask dev --fresh`",
                self.vars.display()
            ),
            None => format!("1:{}", random()?),
        };
        if self.admin_key().exists() && has_state && self.vars.exists() {
            return Ok(None);
        }
        remove(&self.admin_key())?;
        let bootstrap = match self.unfinished(now()?)? {
            Some(bootstrap) => bootstrap,
            None => Bootstrap {
                token: format!("wkboot_{TENANT}_{}_{}", now()? + TOKEN_LIFETIME_S, random()?),
                idempotency_key: random()?,
            },
        };
        let digest = hex(&Sha256::digest(&bootstrap.token));
        self.write_private(&self.folder.join(TOKEN), &bootstrap.token)?;
        self.write_private(&self.folder.join(IDEMPOTENCY_KEY), &bootstrap.idempotency_key)?;
        self.write_vars(&root, &digest)?;
        Ok(Some(bootstrap))
    }

    /// Keeps the admin key. The token has done its work.
    pub(crate) fn keep_admin_key(&self, key: &str) -> Result<()> {
        self.write_private(&self.admin_key(), key)?;
        self.forget_bootstrap()
    }

    /// Drops the token: the next start makes another.
    pub(crate) fn forget_bootstrap(&self) -> Result<()> {
        remove(&self.folder.join(TOKEN))?;
        remove(&self.folder.join(IDEMPOTENCY_KEY))
    }

    /// The admin key's text.
    pub(crate) fn read_admin_key(&self) -> Result<String> {
        Ok(fs::read_to_string(self.admin_key())?.trim().to_owned())
    }

    fn admin_key(&self) -> PathBuf {
        self.folder.join("admin.key")
    }

    fn root(&self) -> Result<Option<String>> {
        if !self.vars.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(&self.vars)?;
        let root = text.lines().find_map(|line| line.strip_prefix(ROOT)?.strip_prefix('='));
        let root = root.with_context(|| format!("{} has no {ROOT}", self.vars.display()))?;
        Ok(Some(root.trim_matches('"').to_owned()))
    }

    /// Other lines, such as a developer's own settings, stay.
    fn write_vars(&self, root: &str, digest: &str) -> Result<()> {
        let old = fs::read_to_string(&self.vars).unwrap_or_default();
        let is_ours = |line: &&str| line.starts_with(ROOT) || line.starts_with(DIGEST);
        let mut lines: Vec<String> = vec![format!("{ROOT}={root}"), format!("{DIGEST}={digest}")];
        lines.extend(old.lines().filter(|line| !is_ours(line)).map(str::to_owned));
        self.write_private(&self.vars, &lines.join("\n"))
    }

    fn unfinished(&self, now: u64) -> Result<Option<Bootstrap>> {
        let (token, key) = (self.folder.join(TOKEN), self.folder.join(IDEMPOTENCY_KEY));
        if !token.exists() || !key.exists() {
            return Ok(None);
        }
        let bootstrap = Bootstrap {
            token: fs::read_to_string(token)?.trim().to_owned(),
            idempotency_key: fs::read_to_string(key)?.trim().to_owned(),
        };
        let expiry =
            bootstrap.token.split('_').nth(2).and_then(|expiry| expiry.parse::<u64>().ok());
        let is_recent = expiry.is_some_and(|expiry| now + TOKEN_LIFETIME_S < expiry + REPEATABLE_S);
        Ok(is_recent.then_some(bootstrap))
    }

    /// Writes a file that only its owner reads; a crash leaves the old one or the new one, never a part.
    ///
    /// The part lies in `.wardkey`, wherever the file itself belongs: only that folder is closed to others and
    /// ignored by git under whatever name.
    fn write_private(&self, path: &Path, text: &str) -> Result<()> {
        write_private(&self.folder, path, text)
    }
}

/// Writes a file that only its owner reads, by way of a part in a folder that is closed to others.
pub(crate) fn write_private(folder: &Path, path: &Path, text: &str) -> Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let part = folder.join("part");
    remove(&part)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
    writeln!(file, "{}", text.trim_end())?;
    file.sync_all()?;
    fs::rename(&part, path).with_context(|| format!("cannot write {}", path.display()))
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// 32 random bytes as unpadded base64url.
pub(crate) fn random() -> Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// Unix seconds.
pub(crate) fn now() -> Result<u64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())
}

/// The admin key, from the root of the checkout.
pub(crate) const ADMIN_KEY: &str = ".wardkey/admin.key";

/// Where `--fresh` puts the keys of the tenant before.
pub(crate) const OLD_KEYS: &str = ".wardkey/old";

/// The number of the local tenant.
pub(crate) const TENANT: u16 = 1;
const ROOT: &str = "WARDKEY_ROOT";
const DIGEST: &str = "WARDKEY_BOOTSTRAP_SHA256";
const TOKEN: &str = "bootstrap.token";
const IDEMPOTENCY_KEY: &str = "bootstrap.idempotency-key";
const TOKEN_LIFETIME_S: u64 = 3600;
/// The worker repeats an answer for ten minutes; a minute is left for starting it.
const REPEATABLE_S: u64 = 540;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    type Outcome = Result<()>;

    fn checkout() -> Result<(tempfile::TempDir, Secrets)> {
        let folder = tempfile::tempdir()?;
        let secrets = Secrets::of(&Workspace::at(folder.path()));
        Ok((folder, secrets))
    }

    fn worker_ran(folder: &tempfile::TempDir) -> Outcome {
        Ok(fs::create_dir_all(folder.path().join(".wrangler/state"))?)
    }

    fn made(secrets: &Secrets) -> Result<Bootstrap> {
        secrets.prepare()?.context("a token was due")
    }

    #[test]
    fn the_worker_is_told_the_digest_of_the_token() -> Outcome {
        let (folder, secrets) = checkout()?;
        let token = made(&secrets)?.token;
        let vars = fs::read_to_string(folder.path().join(".dev.vars"))?;
        assert!(vars.contains(&hex(&Sha256::digest(token))));
        assert_eq!(secrets.root()?.map(|root| root.len()), Some("1:".len() + 43));
        Ok(())
    }

    #[test]
    fn only_the_owner_reads_them() -> Outcome {
        let (folder, secrets) = checkout()?;
        made(&secrets)?;
        secrets.keep_admin_key("text")?;
        for (name, expected) in [(".wardkey", 0o700), (".dev.vars", 0o600), (ADMIN_KEY, 0o600)] {
            let mode = fs::metadata(folder.path().join(name))?.permissions().mode();
            assert_eq!(mode & 0o777, expected, "{name}");
        }
        Ok(())
    }

    #[test]
    fn a_write_that_breaks_off_leaves_its_part_where_git_does_not_look() -> Outcome {
        let (folder, secrets) = checkout()?;
        // A file cannot take a folder's place, so the write ends just before its last step.
        fs::create_dir(folder.path().join(".dev.vars"))?;
        assert!(secrets.write_private(&secrets.vars, "text").is_err());
        let names = |path: &Path| -> Result<Vec<_>> {
            let entries = fs::read_dir(path)?.map(|entry| Ok(entry?.file_name()));
            let mut names = entries.collect::<Result<Vec<_>>>()?;
            names.sort();
            Ok(names)
        };
        assert_eq!(names(folder.path())?, [".dev.vars", ".wardkey"]);
        assert_eq!(names(&secrets.folder)?, ["part"]);
        Ok(())
    }

    #[test]
    fn an_admin_key_is_asked_for_once() -> Outcome {
        let (folder, secrets) = checkout()?;
        made(&secrets)?;
        worker_ran(&folder)?;
        secrets.keep_admin_key("text")?;
        assert!(secrets.prepare()?.is_none());
        assert_eq!(secrets.read_admin_key()?, "text");
        Ok(())
    }

    #[test]
    fn an_exchange_that_was_broken_off_is_repeated() -> Outcome {
        let (folder, secrets) = checkout()?;
        let first = made(&secrets)?;
        worker_ran(&folder)?;
        let second = made(&secrets)?;
        assert_eq!(first.token, second.token);
        assert_eq!(first.idempotency_key, second.idempotency_key);
        Ok(())
    }

    #[test]
    fn a_lost_admin_key_takes_a_new_token_under_the_same_root() -> Outcome {
        let (folder, secrets) = checkout()?;
        let (first, root) = (made(&secrets)?, secrets.root()?);
        worker_ran(&folder)?;
        secrets.keep_admin_key("text")?;
        fs::remove_file(folder.path().join(ADMIN_KEY))?;
        assert_ne!(first.token, made(&secrets)?.token);
        assert_eq!(root, secrets.root()?);
        Ok(())
    }

    #[test]
    fn a_second_root_is_never_made_for_the_same_state() -> Outcome {
        let (folder, secrets) = checkout()?;
        made(&secrets)?;
        worker_ran(&folder)?;
        fs::remove_file(folder.path().join(".dev.vars"))?;
        assert!(secrets.prepare().is_err());
        secrets.forget_tenant()?;
        made(&secrets)?;
        Ok(())
    }

    #[test]
    fn no_key_of_a_forgotten_tenant_is_taken_for_one_of_the_next() -> Outcome {
        let (folder, secrets) = checkout()?;
        assert!(secrets.forget_tenant()?.is_empty());
        made(&secrets)?;
        secrets.keep_admin_key("admin")?;
        let at = |name: &str| folder.path().join(".wardkey").join(name);
        for name in ["first.key", "my-api.key", "gateway.key", "policy.json", "deployment"] {
            match name {
                "deployment" => fs::create_dir(at(name))?,
                _ => fs::write(at(name), name)?,
            }
        }
        fs::write(at("deployment/admin.key"), "another registry's")?;
        assert_eq!(secrets.forget_tenant()?, ["gateway.key", "my-api.key"]);
        assert_eq!(fs::read_to_string(at("old/my-api.key"))?, "my-api.key");
        for gone in ["admin.key", "first.key", "my-api.key", "gateway.key", "old/first.key"] {
            assert!(!at(gone).exists(), "{gone}");
        }
        assert!(at("policy.json").exists() && at("deployment/admin.key").exists());
        assert_eq!(fs::metadata(folder.path().join(OLD_KEYS))?.permissions().mode() & 0o777, 0o700);
        Ok(())
    }
}
