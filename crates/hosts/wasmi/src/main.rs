//! `wardkey-check`: says of keys whether they are good, by a key set and a list in files.

use std::fs;
use std::io::{self, BufRead as _, Write as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Parser;
use wardkey_wasmi::{Adoption, Limits, Module, Registry, Requirement, Verdict, Verifier};
use zeroize::Zeroizing;

/// Reads keys from standard input, a line each, and writes a line for each: `allow SUBJECT KEY-ID` or `deny REASON`.
///
/// Nothing is fetched: key set, head and state are files, as the registry serves them. A scope that is strict is denied as
/// registry_unavailable.
///
/// Ends with 0 if every key is allowed, 2 if one is not, and 1 where nothing can be judged.
#[derive(Parser)]
#[command(name = "wardkey-check", version)]
struct Options {
    /// The module, as `cargo xtask js` makes it.
    #[arg(long, value_name = "FILE", default_value = "target/wardkey.verifier.scalar.wasm")]
    module: PathBuf,
    /// The key set, a secret: what GET /v1/key-set gives.
    #[arg(long, value_name = "FILE")]
    key_set: PathBuf,
    /// The list's head: what GET /v1/list/TENANT/head gives.
    #[arg(long, value_name = "FILE")]
    head: PathBuf,
    /// The state that the head names: what GET /v1/list/TENANT/state/NAME gives.
    #[arg(long, value_name = "FILE")]
    state: PathBuf,
    /// A scope that is needed, such as reports:read; more of them: all are.
    #[arg(long = "scope", value_name = "SCOPE", required = true)]
    scopes: Vec<String>,
    /// Where the calls come from, for keys that are bound to networks.
    #[arg(long, value_name = "ADDRESS")]
    address: Option<IpAddr>,
    /// Unix milliseconds to judge by (0 to 9007199254740991); by default this machine's clock when a key is read.
    #[arg(long, value_parser = clap::value_parser!(u64).range(..=9_007_199_254_740_991))]
    now_ms: Option<u64>,
}

fn main() -> ExitCode {
    let options = match Options::try_parse() {
        Ok(options) => options,
        Err(error) => {
            let _unwritten = error.print();
            return ended_by(&error);
        }
    };
    match run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(2),
        Err(error) => {
            let _unwritten = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// WHY not clap's own: its 2 for a wrong option would say that a key is denied.
fn ended_by(error: &clap::Error) -> ExitCode {
    if error.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Answers whether every key is allowed.
fn run(options: &Options) -> Result<bool, String> {
    let module =
        read(&options.module).map_err(|error| format!("{error}; `cargo xtask js` makes it"))?;
    let module = Module::compile(&module, Limits::DEFAULT).map_err(|error| error.to_string())?;
    let key_set = Zeroizing::new(read(&options.key_set)?);
    let mut verifier = module.verifier(&key_set).map_err(|error| error.to_string())?;
    // Whoever pipes keys in may take hours: each is judged by the time at which it comes.
    let clock = || options.now_ms.map_or_else(now_ms, |now| now as f64);
    let (head, state) = (read(&options.head)?, read(&options.state)?);
    match verifier.adopt(&head, Some(&state), clock()).map_err(|error| error.to_string())? {
        Adoption::Adopted | Adoption::InForce => {}
        other => return Err(format!("the list is refused: {other:?}")),
    }
    let required =
        verifier.require(&options.scopes, false, false).map_err(|error| error.to_string())?;
    judge(&mut verifier, required, options.address, io::stdin().lock().lines(), clock, io::stdout())
}

/// Judges each line by the clock at that moment; answers whether all are allowed.
fn judge(
    verifier: &mut Verifier,
    required: Requirement,
    address: Option<IpAddr>,
    lines: impl Iterator<Item = io::Result<String>>,
    clock: impl Fn() -> f64,
    mut told_to: impl io::Write,
) -> Result<bool, String> {
    let mut all = true;
    for line in lines {
        let key =
            Zeroizing::new(line.map_err(|_| "standard input cannot be read as text".to_owned())?);
        // Nobody refreshes and nobody is asked: what is owed has failed.
        let verdict =
            verifier.verify(key.trim(), required, clock(), address, true, Registry::Failed);
        let told = match verdict.map_err(|error| error.to_string())? {
            Verdict::Allow => {
                let claims = verifier.claims().map_err(|error| error.to_string())?;
                let claims = claims.ok_or("the module tells nothing of a key that it allows")?;
                format!("allow {} {}", claims.subject, claims.key_id)
            }
            Verdict::Deny(reason) => format!("deny {reason}"),
            Verdict::AskRefresh | Verdict::AskRegistry(_) => {
                return Err("the module asks again for what has failed".to_owned());
            }
        };
        all &= told.starts_with("allow");
        writeln!(told_to, "{told}").map_err(|error| error.to_string())?;
    }
    Ok(all)
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    fs::read(file).map_err(|error| format!("{}: {error}", file.display()))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the module has no clock: this is where its host reads one"
)]
fn now_ms() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_millis() as f64
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use wardkey_vectors::{artefact, bytes, issued_at, text_of, texts_of, usual};

    use super::*;

    #[test]
    fn a_wrong_option_is_no_denial() {
        for (option, ended) in [("--nonsense", ExitCode::FAILURE), ("--help", ExitCode::SUCCESS)] {
            let error = Options::try_parse_from(["wardkey-check", option]).err().unwrap();
            assert_eq!(format!("{:?}", ended_by(&error)), format!("{ended:?}"), "{option}");
        }
    }

    #[test]
    fn each_key_is_judged_by_the_time_at_which_it_is_read() {
        let usual = usual();
        let module = artefact("wardkey.verifier.scalar.wasm", "js");
        let module = Module::compile(&module, Limits::DEFAULT).unwrap();
        let mut verifier = module.verifier(&bytes(&usual["key_set"])).unwrap();
        let [head, state] = ["head", "state"].map(|name| bytes(&usual["list"][name]));
        verifier.adopt(&head, Some(&state), issued_at(&head) as f64).unwrap();
        let scopes = texts_of(&usual["required"]["scopes"]);
        let required = verifier.require(&scopes, false, false).unwrap();
        let key = text_of(&usual["key"]).to_owned();
        let now = Cell::new(usual["now"].as_f64().unwrap());
        let mut told = Vec::new();
        let lines = [0, 1].map(|line| {
            let (key, now) = (key.clone(), &now);
            move || {
                // It was dead for a day when the second one came.
                now.set(now.get() + f64::from(line) * 3.0 * 86_400_000.0);
                Ok(key)
            }
        });
        let lines = lines.into_iter().map(|line| line());
        let all = judge(&mut verifier, required, None, lines, || now.get(), &mut told).unwrap();
        let told = String::from_utf8(told).unwrap();
        let words: Vec<&str> = told.lines().map(|line| line.split(' ').next().unwrap()).collect();
        assert_eq!((all, words), (false, vec!["allow", "deny"]), "{told}");
        assert!(told.contains("deny expired"), "{told}");
    }
}
