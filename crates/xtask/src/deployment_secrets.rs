//! `cargo xtask deployment-secrets`: the root and a bootstrap token for a deployment, in files that only their owner
//! reads. Nothing of them is shown.

use std::path::Path;
use std::{fs, path::PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use sha2::{Digest, Sha256};

use crate::{
    inputs::hex,
    secrets::{now, random, write_private},
    workspace::Workspace,
};

/// What for.
#[derive(Args)]
pub(crate) struct Options {
    /// The number of the tenant that the token is for (1 to 65535): a new one, or one whose administrators are lost.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    tenant: u16,
    /// For how many hours the token may be used (1 to 168).
    #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(u64).range(1..=168))]
    hours: u64,
    /// Make a token and no root: for another tenant or another administrator of a deployment that has its root.
    #[arg(long)]
    token_only: bool,
    /// Write a new token over the one that lies there. The deployment takes the one whose SHA-256 it was given last.
    #[arg(long)]
    replace_token: bool,
    /// Where they are written.
    #[arg(long, value_name = "FOLDER", default_value = ".wardkey/deployment")]
    folder: PathBuf,
}

/// Makes a token and, unless there is one or there was, a root. In one folder a root is never made twice: with another one in
/// its place nothing of the deployment's would open any more.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let folder = workspace.path(&options.folder);
    let (root, made) = (folder.join("root"), folder.join("root-was-made"));
    let path = folder.join("bootstrap.token");
    let is_replaced = path.exists();
    if is_replaced && !options.replace_token {
        bail!("{}", what_lies_there(&path, options.tenant)?);
    }
    let is_new = !options.token_only && !root.exists();
    if is_new {
        ensure!(
            !made.exists(),
            "{} is gone, as it should be once the deployment has it: for another token say --token-only; for another \
             deployment name another --folder",
            root.display()
        );
        write_private(&folder, &root, &format!("1:{}", random()?))?;
        write_private(&folder, &made, "A root was made here. It is not to be made again.")?;
    }
    if !options.token_only {
        let text = fs::read_to_string(&root)?;
        wardkey_provision::RootKeys::parse(text.trim())
            .map_err(|error| anyhow::anyhow!("{error}"))
            .with_context(|| format!("{} holds no root", root.display()))?;
    }
    let token = token(options.tenant, now()? + 3600 * options.hours)?;
    write_private(&folder, &path, &token)?;
    write_private(&folder, &folder.join("bootstrap.sha256"), &hex(&Sha256::digest(&token)))?;
    print!("{}", guide(&options.folder, is_new, is_replaced, options));
    Ok(())
}

/// Whose token it is, so that nobody uses one for another tenant than they mean.
fn what_lies_there(path: &Path, wanted: u16) -> Result<String> {
    let text = fs::read_to_string(path)?;
    let tenant = text.strip_prefix("wkboot_").and_then(|rest| rest.split_once('_'));
    let path = path.display();
    let way_out = "delete it, or say --replace-token for a new one in its place";
    Ok(match tenant.and_then(|(number, _)| number.parse::<u16>().ok()) {
        Some(tenant) if tenant == wanted => {
            format!("{path} is there already, for tenant {tenant}: use it, {way_out}")
        }
        Some(tenant) => format!(
            "{path} is there already, and is for tenant {tenant}, not for {wanted}: keep it where you will find it, {way_out}"
        ),
        None => format!("{path} is there already, and is no token: {way_out}"),
    })
}

fn token(tenant: u16, expiry: u64) -> Result<String> {
    let token = format!("wkboot_{tenant}_{expiry}_{}", random()?);
    ensure!(token.len() < 128, "a token of an impossible length");
    Ok(token)
}

fn guide(folder: &Path, is_new: bool, is_replaced: bool, options: &Options) -> String {
    let folder = folder.display();
    let root = if options.token_only {
        String::new()
    } else if is_new {
        format!(
            "{folder}/root is new. Whoever has it and the deployment's storage has every key: keep a copy where you keep\n\
             such things, since nothing can be verified or opened without it, and then delete the file.\n"
        )
    } else {
        format!("{folder}/root was there already and is the same.\n")
    };
    let put_root = if options.token_only {
        String::new()
    } else {
        format!("npx wrangler secret put WARDKEY_ROOT < {folder}/root\n")
    };
    let replaced = if is_replaced {
        "It replaces the one that was there, which opens nothing any more once the deployment has the SHA-256 of this one.\n"
    } else {
        ""
    };
    format!(
        "{root}{folder}/bootstrap.token is for tenant {}, for {} h. No secret was shown.\n{replaced}\n\
         {put_root}npx wrangler secret put WARDKEY_BOOTSTRAP_SHA256 < {folder}/bootstrap.sha256\n",
        options.tenant, options.hours
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_root_is_made_once_and_a_token_each_time_and_only_their_owner_reads_them() -> Result<()> {
        let checkout = tempfile::tempdir()?;
        let workspace = Workspace::at(checkout.path());
        let of = |tenant| Options {
            tenant,
            hours: 2,
            token_only: false,
            replace_token: false,
            folder: "secrets".into(),
        };
        let options = of(7);
        let read = |name: &str| fs::read_to_string(checkout.path().join("secrets").join(name));
        run(&workspace, &options)?;
        let (root, token) = (read("root")?, read("bootstrap.token")?);
        // Neither is lost by a second call.
        let refusal = |options: &Options| run(&workspace, options).err().map(|e| e.to_string());
        let said = refusal(&options).unwrap_or_default();
        assert!(said.contains("for tenant 7: use it") && !said.contains("wkboot_"), "{said}");
        // Nor is it to be taken for another tenant's.
        let said = refusal(&of(8)).unwrap_or_default();
        assert!(said.contains("for tenant 7, not for 8") && !said.contains("use it"), "{said}");
        assert_eq!((&root, &token), (&read("root")?, &read("bootstrap.token")?));
        let options = Options { replace_token: true, ..options };
        run(&workspace, &options)?;
        assert_eq!(root, read("root")?);
        assert_ne!(token, read("bootstrap.token")?);
        assert!(token.starts_with("wkboot_7_"));
        // Once the deployment has it, its file is deleted: then there is no other, and tokens are made without.
        let path = checkout.path().join("secrets/root");
        fs::remove_file(&path)?;
        assert!(run(&workspace, &options).is_err() && !path.exists());
        let before = read("bootstrap.token")?;
        run(&workspace, &Options { token_only: true, ..options })?;
        assert!(!path.exists());
        assert_ne!(before, read("bootstrap.token")?);
        let digest = hex(&Sha256::digest(read("bootstrap.token")?.trim()));
        assert_eq!(digest, read("bootstrap.sha256")?.trim());
        for name in ["root-was-made", "bootstrap.token", "bootstrap.sha256"] {
            let mode = fs::metadata(checkout.path().join("secrets").join(name))?.permissions();
            assert_eq!(mode.mode() & 0o777, 0o600, "{name}");
        }
        Ok(())
    }

    #[test]
    fn what_is_no_root_is_not_written_over() -> Result<()> {
        let checkout = tempfile::tempdir()?;
        let folder = checkout.path().join("secrets");
        fs::create_dir(&folder)?;
        fs::write(folder.join("root"), "something else")?;
        let options = Options {
            tenant: 1,
            hours: 1,
            token_only: false,
            replace_token: false,
            folder: "secrets".into(),
        };
        assert!(run(&Workspace::at(checkout.path()), &options).is_err());
        assert_eq!(fs::read_to_string(folder.join("root"))?, "something else");
        Ok(())
    }

    #[test]
    fn nothing_secret_is_in_what_is_printed() {
        for (is_new, token_only, replace_token) in
            [(true, false, false), (false, false, true), (false, true, false)]
        {
            let options =
                Options { tenant: 1, hours: 1, token_only, replace_token, folder: "x".into() };
            let said = guide(Path::new("x"), is_new, replace_token, &options);
            assert!(!said.contains("wkboot_"));
            assert_eq!(said.contains("replaces"), replace_token);
            assert_eq!(said.contains("WARDKEY_ROOT"), !token_only);
        }
    }
}
