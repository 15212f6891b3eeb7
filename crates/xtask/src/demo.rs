//! `cargo xtask demo`: the life of a key as a story, against the worker that `cargo xtask dev` runs.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Value, json};

use crate::{
    client::{Answer, Client},
    secrets::{self, Secrets},
    workspace::Workspace,
};

/// How to play it.
#[derive(Args)]
pub(crate) struct Options {
    /// The port that `cargo xtask dev` listens on (1 to 65535).
    #[arg(long, default_value_t = 8787, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// How often a key is revoked in each setting (1 to 100).
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Print whole keys. All of them are revoked at the end, except the admin key.
    #[arg(long)]
    reveal: bool,
}

/// Plays the story; fails where it does not go as told.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let client = Client::on(options.port);
    let health = client.get("/healthz", &[]);
    if !matches!(&health, Ok(answer) if answer.status == 200) {
        bail!(
            "no worker answers on {}: start it in another terminal with `cargo xtask dev --port {}`",
            client.url(),
            options.port
        );
    }
    let admin = Secrets::of(workspace).read_admin_key()?;
    Demo { client, admin: admin.trim().to_owned(), reveal: options.reveal }.play(options.rounds)
}

struct Demo {
    client: Client,
    admin: String,
    reveal: bool,
}

/// A key as the story knows it.
struct Key {
    id: String,
    text: String,
}

impl Demo {
    fn play(&self, rounds: u32) -> Result<()> {
        self.say("1. An administrator makes a credential for a verifier: it may verify for audience api, no more.");
        let verifier = self.create(&json!({
            "subject": "svc:gateway", "audience": "wardkey", "scopes": ["verifier:verify"],
            "for_audiences": ["api"], "expires_in": 3600, "name": "demo gateway",
        }))?;

        self.say(
            "2. And a key for a service: it may read reports and create payouts, for an hour.",
        );
        let wanted = json!({
            "subject": "svc:billing", "audience": "api", "scopes": ["reports:read", "payouts:create"],
            "expires_in": 3600, "name": "demo billing",
        });
        let billing = self.create(&wanted)?;

        self.say("3. The gateway has it verified at the edge. reports:read is of level standard: the list decides.");
        self.expect(&self.verify(&verifier, &billing.text, &["reports:read"], true)?, "allow")?;
        self.say("   payouts:create is of level strict: the registry is asked as well.");
        self.expect(&self.verify(&verifier, &billing.text, &["payouts:create"], true)?, "allow")?;

        self.say(
            "4. What it may not do, it may not do; what is forged, is refused, and not told why.",
        );
        self.expect(
            &self.verify(&verifier, &billing.text, &["reports:write"], true)?,
            "scope_missing",
        )?;
        self.expect(
            &self.verify(&verifier, &forged(&billing.text)?, &["reports:read"], true)?,
            "invalid_token",
        )?;

        self.say("5. The gateway's credential makes no keys.");
        let refused = self.mutate("/v1/keys", &verifier.text, &wanted, true)?;
        if refused.status != 403 {
            bail!("a verifier's credential was answered {} where 403 was due", refused.status);
        }

        self.say("6. The key leaks and is revoked. How long until it is denied?");
        let fresh = self.revoke_to_deny(&verifier, &["reports:read"], rounds)?;
        let strict = self.revoke_to_deny(&verifier, &["payouts:create"], rounds)?;

        self.say("7. What is known of the first key now, and who did what to it.");
        self.revoke(&billing, true)?;
        let answer = self.get(&format!("/v1/keys/{}", billing.id))?;
        self.show(&answer);
        self.show_audit(&billing.id)?;
        self.revoke(&verifier, false)?;

        println!(
            "From the answer to the revocation until the first denial, {rounds} times each, on this machine:"
        );
        println!("  fresh  (reports:read, by the list)          {}; bound 5000 ms", spread(&fresh));
        println!(
            "  strict (payouts:create, the registry asked) {}; bound: the next call",
            spread(&strict)
        );
        Ok(())
    }

    /// Revokes keys in use and measures from each answer until the verifier's first denial.
    fn revoke_to_deny(
        &self,
        verifier: &Key,
        scopes: &[&str],
        rounds: u32,
    ) -> Result<Vec<Duration>> {
        let mut taken = Vec::new();
        for round in 1..=rounds {
            let key = self.create_quietly(&json!({
                "subject": "svc:leaky", "audience": "api", "scopes": ["reports:read", "payouts:create"],
                "expires_in": 3600,
            }))?;
            self.expect(&self.verify(verifier, &key.text, scopes, false)?, "allow")?;
            // Somewhere else in the list's five seconds each time.
            thread::sleep(Duration::from_millis(u64::from(round) * 700));
            self.revoke(&key, round == 1)?;
            let start = Instant::now();
            loop {
                let answer = self.verify(verifier, &key.text, scopes, false)?;
                if outcome(&answer) != "allow" {
                    taken.push(start.elapsed());
                    println!(
                        "   {}: denied as {} after {}",
                        scopes.join(" "),
                        outcome(&answer),
                        ms(start.elapsed())
                    );
                    break;
                }
                if start.elapsed() > Duration::from_secs(15) {
                    bail!("the revoked key {} is still allowed after 15 s", key.id);
                }
                thread::sleep(Duration::from_millis(20));
            }
        }
        Ok(taken)
    }

    fn create(&self, wanted: &Value) -> Result<Key> {
        let answer = self.mutate("/v1/keys", &self.admin, wanted, true)?;
        key_of(&answer)
    }

    fn create_quietly(&self, wanted: &Value) -> Result<Key> {
        key_of(&self.mutate("/v1/keys", &self.admin, wanted, false)?)
    }

    fn verify(&self, verifier: &Key, key: &str, scopes: &[&str], shown: bool) -> Result<Answer> {
        let body = json!({ "key": key, "scopes": scopes });
        self.post("/v1/verify", &[("Authorization", &bearer(&verifier.text))], &body, shown)
    }

    fn revoke(&self, key: &Key, shown: bool) -> Result<()> {
        let body = json!({ "reason": "demo: leaked" });
        let answer =
            self.mutate(&format!("/v1/keys/{}/revoke", key.id), &self.admin, &body, shown)?;
        if answer.status == 200 {
            Ok(())
        } else {
            bail!("{} was not revoked: {}", key.id, answer.status)
        }
    }

    fn show_audit(&self, key_id: &str) -> Result<()> {
        let mut after = 0;
        loop {
            let path = format!("/v1/audit?after={after}&limit=200");
            let page = self.client.get(&path, &[("Authorization", &bearer(&self.admin))])?;
            let entries = page
                .json
                .get("entries")
                .and_then(Value::as_array)
                .context("the audit log has no entries")?;
            for entry in entries
                .iter()
                .filter(|entry| entry.get("target").is_some_and(|target| target == key_id))
            {
                println!("   audit: {entry}");
            }
            match page.json.get("next_after").and_then(Value::as_u64) {
                Some(next) => after = next,
                None => return Ok(()),
            }
        }
    }

    fn get(&self, path: &str) -> Result<Answer> {
        println!("   > GET {path}");
        self.client.get(path, &[("Authorization", &bearer(&self.admin))])
    }

    /// Posts what changes something, under a name of its own: were the answer lost, it could be asked for again.
    fn mutate(&self, path: &str, credential: &str, body: &Value, shown: bool) -> Result<Answer> {
        let name = secrets::random()?;
        let headers = [("Authorization", &*bearer(credential)), ("Idempotency-Key", &*name)];
        self.post(path, &headers, body, shown)
    }

    fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
        shown: bool,
    ) -> Result<Answer> {
        if shown {
            let named = headers.iter().filter(|(header, _)| *header == "Idempotency-Key");
            let named: String =
                named.map(|(header, value)| format!(" ({header}: {value})")).collect();
            println!("   > POST {path}{named} {}", self.masked(body));
        }
        let answer = self.client.post(path, headers, body)?;
        if shown {
            self.show(&answer);
        }
        Ok(answer)
    }

    fn show(&self, answer: &Answer) {
        println!("   < {} {}\n", answer.status, self.masked(&answer.json));
    }

    fn expect(&self, answer: &Answer, wanted: &str) -> Result<()> {
        let got = outcome(answer);
        if got == wanted {
            Ok(())
        } else {
            bail!("the story wants {wanted} and the worker answered {got}")
        }
    }

    fn say(&self, sentence: &str) {
        println!("{sentence}");
    }

    /// JSON with every key cut down to its prefix, unless it is to be revealed.
    fn masked(&self, json: &Value) -> String {
        let mut shown = json.clone();
        if !self.reveal
            && let Some(Value::String(key)) = shown.get_mut("key")
        {
            *key = mask(key);
        }
        shown.to_string()
    }
}

fn bearer(credential: &str) -> String {
    format!("Bearer {credential}")
}

/// `allow`, the reason of a denial, or the code of a problem.
fn outcome(answer: &Answer) -> &str {
    let code = answer.text("reason").or_else(|| answer.text("code"));
    match answer.text("decision") {
        Some("allow") => "allow",
        _ => code.unwrap_or("an answer that is none"),
    }
}

fn key_of(answer: &Answer) -> Result<Key> {
    match (answer.status, answer.text("key_id"), answer.text("key")) {
        (201, Some(id), Some(text)) => Ok(Key { id: id.to_owned(), text: text.to_owned() }),
        (status, ..) => bail!("no key was made: {status} {}", answer.text("detail").unwrap_or("-")),
    }
}

/// The key with one character of its middle changed.
fn forged(key: &str) -> Result<String> {
    let (at, old) = key.char_indices().nth(key.len() / 2).context("the key is empty")?;
    let new = if old == 'A' { "B" } else { "A" };
    let mut forged = key.to_owned();
    forged.replace_range(at..=at, new);
    Ok(forged)
}

/// Prefix and length of a key: enough to know it by, nothing to use.
fn mask(key: &str) -> String {
    let prefix: String = key.split_inclusive('_').take(2).collect();
    format!("{prefix}… ({} characters)", key.len())
}

fn spread(taken: &[Duration]) -> String {
    let shortest = taken.iter().min().copied().unwrap_or_default();
    let longest = taken.iter().max().copied().unwrap_or_default();
    format!("{} to {}", ms(shortest), ms(longest))
}

fn ms(duration: Duration) -> String {
    format!("{} ms", duration.as_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_key_shows_its_prefix_and_length_only() {
        assert_eq!(mask("wk_test_AAAA_BBBB"), "wk_test_… (17 characters)");
    }

    #[test]
    fn a_forged_key_differs_in_one_character() {
        let key = "wk_test_AAAABBBB";
        let forged = forged(key).expect("not empty");
        assert_eq!(key.chars().zip(forged.chars()).filter(|(a, b)| a != b).count(), 1);
    }
}
