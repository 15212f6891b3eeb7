//! `cargo xtask dev`: from a fresh clone to a running worker and an admin key to try it with.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Value, json};

use crate::{
    client::Answer,
    lock::Lock,
    secrets::{ADMIN_KEY, Bootstrap, OLD_KEYS, Secrets, TENANT},
    server::{Server, check_port},
    setup,
    step::Progress,
    toolchain::Way,
    worker_build,
    workspace::Workspace,
};

/// How to run it.
#[derive(Args)]
pub(crate) struct Options {
    /// The port on 127.0.0.1 (1 to 65535).
    #[arg(long, default_value_t = 8787, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// Print the admin key itself, not only where it lies.
    #[arg(long)]
    reveal: bool,
    /// Forget the local tenant and all its keys first.
    #[arg(long)]
    fresh: bool,
}

/// Sets up, builds, starts the worker and stays until Ctrl-C.
pub(crate) fn run(workspace: &Workspace, way: Way, options: &Options) -> Result<()> {
    let secrets = Secrets::of(workspace);
    // Before the port: another port is good advice only where another program has this one.
    let lock = Lock::take(secrets.make_folder()?)?;
    check_port(options.port)?;
    let progress = Progress::of(setup::STEPS + 2);
    let kit = setup::run(workspace, &progress, way)?;
    worker_build::run(workspace, &progress, &kit, worker_build::Flavour::Release)?;

    if options.fresh {
        let put_aside = secrets.forget_tenant()?;
        if !put_aside.is_empty() {
            println!(
                "  keys of the tenant before, all dead, are in {OLD_KEYS}: {}",
                put_aside.join(", ")
            );
        }
    }
    let bootstrap = secrets.prepare()?;
    let stopping = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&stopping);
    ctrlc::set_handler(move || stop.store(true, Ordering::Relaxed))?;
    let mut server = progress.step("worker on workerd", "5 s", || {
        let server = Server::start(workspace, &kit.node, options.port, &lock, &stopping)?;
        if let Some(bootstrap) = bootstrap {
            secrets.keep_admin_key(&admin_key(&server, &secrets, &bootstrap)?)?;
        }
        Ok(server)
    })?;
    let standing = Standing::of_admin_key(&server, &secrets)?;

    print!("{}", guide(server.client().url()));
    if let Some(warning) = standing.warning() {
        println!("{warning}\n");
    }
    if options.reveal {
        println!("Admin key: {}\n", secrets.read_admin_key()?);
    }
    println!("Ctrl-C ends it; its state stays in .wrangler/state.\n");
    server.show_log();
    while !stopping.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(200));
        if let Some(status) = server.ended()? {
            bail!("wrangler ended by itself ({status}); what it said is in .tools/log/dev.log");
        }
    }
    Ok(())
}

/// How the worker takes the admin key, which may be from an earlier start.
enum Standing {
    Good,
    /// It was revoked, or has expired.
    Refused,
    TenantGone,
}

impl Standing {
    fn of_admin_key(server: &Server, secrets: &Secrets) -> Result<Self> {
        let bearer = format!("Bearer {}", secrets.read_admin_key()?.trim());
        let answer = server.client().get("/v1/audit?limit=1", &[("Authorization", &bearer)])?;
        if answer.status != 401 {
            return Ok(Self::Good);
        }
        // To whoever shows a key, a tenant that is gone looks like any wrong key.
        let head = server.client().get(&format!("/v1/list/{TENANT}/head"), &[])?;
        Ok(if head.text("code") == Some(TENANT_GONE) { Self::TenantGone } else { Self::Refused })
    }

    fn warning(&self) -> Option<String> {
        match self {
            Self::Good => None,
            Self::Refused => Some(format!(
                "But that key is not accepted any more. For a new administrator of the same tenant delete {ADMIN_KEY} \
                 and run this again."
            )),
            Self::TenantGone => Some(format!("But {DESTROYED}.")),
        }
    }
}

/// Exchanges the bootstrap token for an admin key: of a new tenant, or of the one that is there.
fn admin_key(server: &Server, secrets: &Secrets, bootstrap: &Bootstrap) -> Result<String> {
    let tenant: Value = serde_json::from_str(include_str!("../dev-tenant.json"))?;
    let mut answer = exchange(server, bootstrap, "", &tenant)?;
    if answer.text("code") == Some("tenant_exists") {
        println!(
            "  the tenant is there already: it gets a new administrator; a key that was lost works until it is revoked"
        );
        let subject = tenant.get("subject").context("dev-tenant.json names a subject")?;
        answer = exchange(server, bootstrap, "-recovery", &json!({ "subject": subject }))?;
    }
    // 201 at first, 200 when the answer to the same request was lost before.
    match (answer.status, answer.text("key")) {
        (200 | 201, Some(key)) => Ok(key.to_owned()),
        (status, _) => {
            secrets.forget_bootstrap()?;
            if answer.text("code") == Some(TENANT_GONE) {
                bail!(DESTROYED);
            }
            let text = |name| answer.text(name).unwrap_or("-");
            bail!(
                "the worker refused the bootstrap token with {status} {}: {}: {}; run this again, which makes a new token",
                text("code"),
                text("title"),
                text("detail")
            );
        }
    }
}

fn exchange(server: &Server, bootstrap: &Bootstrap, suffix: &str, body: &Value) -> Result<Answer> {
    let bearer = format!("Bearer {}", bootstrap.token);
    let name = format!("{}{suffix}", bootstrap.idempotency_key);
    let headers = [("Authorization", bearer.as_str()), ("Idempotency-Key", name.as_str())];
    let send = || server.client().post("/v1/bootstrap", &headers, body);
    // Once more if the answer was lost on the way: under the same name it is the same key.
    send().or_else(|_| send())
}

/// What a person is told once the worker runs.
fn guide(url: &str) -> String {
    format!(
        "\nWardkey runs on {url}\nThe admin key is in {ADMIN_KEY} (mode 600). Three things to try, in bash, from this \
         folder:\n\n{}\n",
        commands(url)
    )
}

/// What to try; the README shows the same. The keys go from file to request through shell built-ins, so they show
/// on no screen and in no list of processes. A refusal is shown, and never taken for a key.
fn commands(url: &str) -> String {
    let admin = format!(r#"-H @<(printf 'Authorization: Bearer %s' "$(cat {ADMIN_KEY})")"#);
    let json = "-H 'Content-Type: application/json'";
    format!(
        r#"# 1. Make a key for svc:billing that may read reports for an hour; its text goes into a file.
(umask 077; if answer=$(curl -sS --fail-with-body {url}/v1/keys \
  {admin} \
  {json} -H 'Accept: text/plain' -H "Idempotency-Key: first-$(date +%s)" \
  -d '{{"subject":"svc:billing","audience":"api","scopes":["reports:read"],"expires_in":3600}}')
  then echo "$answer" >.wardkey/first.key; else echo "$answer" >&2; fi)

# 2. Verify it.
printf '{{"key":"%s","scopes":["reports:read"],"audience":"api"}}' "$(cat .wardkey/first.key)" |
  curl -sS {url}/v1/verify -d @- \
  {admin} \
  {json}

# 3. See who did what.
curl -sS {url}/v1/audit \
  {admin}
"#
    )
}

const TENANT_GONE: &str = "tenant_gone";
const DESTROYED: &str =
    "this tenant was destroyed, and its keys with it: `cargo xtask dev --fresh` makes a new one";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_acts_no_more_comes_with_the_way_out() {
        assert_eq!(Standing::Good.warning(), None);
        let warning = |standing: Standing| standing.warning().unwrap_or_default();
        assert!(warning(Standing::Refused).contains(&format!("delete {ADMIN_KEY}")));
        let gone = warning(Standing::TenantGone);
        assert!(gone.contains("destroyed") && gone.contains("cargo xtask dev --fresh"), "{gone}");
    }

    #[test]
    fn the_readme_shows_the_same_commands() {
        let readme = include_str!("../../../README.md");
        let commands = commands("http://127.0.0.1:8787");
        assert!(
            readme.contains(&format!("```sh\n{commands}```\n")),
            "the README lacks this, word for word:\n{commands}"
        );
    }
}
