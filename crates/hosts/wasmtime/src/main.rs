//! `wardkey-proxy`: a reverse proxy that guards a service with Wardkey keys.

use std::io::{Write as _, stderr};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use std::{fs, thread};

use clap::Parser;
use hyper::Method;
use hyper::header::HeaderName;
use hyper::http::uri::{Scheme, Uri};
use wardkey_wasmtime::{
    Component, Connections, Limits, Proxy, RegistryClient, Required, Rules, Settings,
};
use zeroize::Zeroizing;

/// Guards a service: lets through calls with a Wardkey key that is authentic, alive and allowed, and tells the
/// service who calls in the headers Wardkey-Subject and Wardkey-Key-Id.
///
/// No call waits for the network but where a list could not be refreshed ahead of time, or a scope is strict.
#[derive(Parser)]
#[command(name = "wardkey-proxy", version)]
struct Options {
    /// The component, as `cargo xtask component` makes it.
    #[arg(long, value_name = "FILE", default_value = "target/wardkey.verifying.component.wasm")]
    component: PathBuf,
    /// Where callers connect. The proxy speaks plain http: what is not on this machine needs --tls-in-front.
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Says that callers come by TLS, which ends in front of this proxy.
    #[arg(long)]
    tls_in_front: bool,
    /// The service behind: http://host:port or https://host:port, without a path.
    #[arg(long, value_name = "URL")]
    upstream: Uri,
    /// The registry: https://host, or http:// on this machine.
    #[arg(long, value_name = "URL")]
    registry: String,
    /// A file with the credential: a key with verifier:key-set, for strict scopes also verifier:verify. It is read anew every
    /// few seconds, so that the credential can be rotated. Otherwise it is read from the variable WARDKEY_CREDENTIAL, once.
    #[arg(long, value_name = "FILE")]
    credential_file: Option<PathBuf>,
    /// The audience, where the credential is for several.
    #[arg(long, value_name = "NAME")]
    audience: Option<String>,
    /// A scope that every call needs, such as reports:read; more of them: all are needed. Without any, methods that no
    /// --method-scope names are refused.
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// What a method needs instead, such as POST=reports:write or POST=reports:write,reports:read: all of them are needed, and
    /// those of a method that is named again too. Methods are written in capitals; calls with one that is not, and CONNECT and
    /// TRACE, are refused whatever the rules.
    #[arg(long = "method-scope", value_name = "METHOD=SCOPES", value_parser = method_scope)]
    method_scopes: Vec<(Method, Vec<String>)>,
    /// Any of the scopes of a rule will do.
    #[arg(long)]
    any: bool,
    /// Ask the registry about every call, and not only for strict scopes.
    #[arg(long)]
    strict: bool,
    /// The header that holds the key: `Bearer …` in Authorization, the bare key in any other.
    #[arg(long, value_name = "NAME", default_value = "authorization")]
    header: HeaderName,
    /// The header in which the proxy in front says where a call comes from: one address. By default it is the socket's, and no
    /// header is believed.
    #[arg(long, value_name = "NAME")]
    address_header: Option<HeaderName>,
    /// Threads, each with an instance of its own (1 to 256); one a core by default.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
    /// Longest silence in seconds (1 to 3600): of the service behind until its answer begins, and of either side while a body is
    /// on its way. A body may take as long as it likes.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    upstream_timeout_s: u64,
    /// Most connections of callers (1 to 65536). Beyond them the one that has asked for nothing the longest is closed, or else one
    /// that has read nothing of its answer for --upstream-timeout-s; where all are busy, the next one waits.
    #[arg(long, default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    max_connections: u32,
    /// Longest revocation list, in MiB (1 to 64): 8 million keys each. An instance may take up to 8 MiB and four times as much.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    max_list_mib: u16,
    /// Write a line for every decision, and not only for what goes wrong.
    #[arg(long)]
    log_decisions: bool,
}

fn main() -> ExitCode {
    match run(Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _unwritten = writeln!(stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> Result<(), String> {
    if !options.listen.ip().is_loopback() && !options.tls_in_front {
        return Err(format!(
            "{} is not on this machine, and keys would pass in clear: end TLS in front of it and say --tls-in-front",
            options.listen
        ));
    }
    let credential = credential(&options)?;
    let rules = rules(&options)?;
    let by_tls = upstream_by_tls(&options.upstream)?;
    let registry = RegistryClient::new(&options.registry, &credential, options.audience)
        .map_err(|error| format!("--registry {}: {error}", options.registry))?;
    let max_state = usize::from(options.max_list_mib) << 20;
    let bytes = fs::read(&options.component).map_err(|error| {
        let file = options.component.display();
        format!("--component {file}: {error}; `cargo xtask component` makes it")
    })?;
    let limits = Limits { memory: (8 << 20) + 4 * max_state, ..Limits::DEFAULT };
    let component = Component::compile(&bytes, limits)
        .map_err(|error| format!("--component {}: {error}", options.component.display()))?;
    let threads = options.threads.map_or_else(cores, usize::from);
    let settings = Settings {
        listen: options.listen,
        connections: Connections::new(by_tls).map_err(|error| error.to_string())?,
        upstream: options.upstream,
        credential_file: options.credential_file,
        rules,
        header: options.header,
        address_header: options.address_header,
        threads,
        upstream_timeout: Duration::from_secs(options.upstream_timeout_s),
        max_connections: usize::try_from(options.max_connections).unwrap_or(usize::MAX),
        max_state,
        says_decisions: options.log_decisions,
    };
    let proxy = Proxy::bind(settings, component, registry)
        .map_err(|error| format!("--listen {}: {error}", options.listen))?;
    let _unwritten =
        writeln!(stderr(), "wardkey: listening on http://{}, {threads} threads", proxy.address());
    proxy.run(end())
}

fn credential(options: &Options) -> Result<Zeroizing<String>, String> {
    let text = match &options.credential_file {
        Some(file) => fs::read_to_string(file)
            .map_err(|error| format!("--credential-file {}: {error}", file.display()))?,
        None => std::env::var("WARDKEY_CREDENTIAL").map_err(|_| {
            "there is no credential: set WARDKEY_CREDENTIAL or name a --credential-file".to_owned()
        })?,
    };
    let text = Zeroizing::new(text);
    let credential = Zeroizing::new(text.trim().to_owned());
    if credential.is_empty() {
        let named = options.credential_file.as_ref();
        let place =
            named.map_or("WARDKEY_CREDENTIAL".to_owned(), |file| file.display().to_string());
        return Err(format!("there is no credential in {place}: it is empty"));
    }
    Ok(credential)
}

fn rules(options: &Options) -> Result<Rules, String> {
    let required = |scopes: &[String]| Required {
        scopes: scopes.to_vec(),
        any: options.any,
        strict: options.strict,
    };
    let mut rules = Rules {
        usual: (!options.scopes.is_empty()).then(|| required(&options.scopes)),
        by_method: Vec::new(),
    };
    for (method, scopes) in &options.method_scopes {
        match rules.by_method.iter_mut().find(|(named, _)| named == method) {
            Some((_, needed)) => needed.scopes.extend_from_slice(scopes),
            None => rules.by_method.push((method.clone(), required(scopes))),
        }
    }
    if rules.usual.is_none() && rules.by_method.is_empty() {
        return Err("no call would be allowed: name a --scope or a --method-scope".to_owned());
    }
    Ok(rules)
}

fn upstream_by_tls(upstream: &Uri) -> Result<bool, String> {
    let has_path = upstream.path_and_query().is_some_and(|path| path.as_str() != "/");
    let has_user = upstream.authority().is_some_and(|authority| authority.as_str().contains('@'));
    match upstream.scheme() {
        Some(scheme)
            if (*scheme == Scheme::HTTP || *scheme == Scheme::HTTPS) && !has_path && !has_user =>
        {
            Ok(*scheme == Scheme::HTTPS)
        }
        _ => Err(format!("--upstream {upstream}: it is written as http://host:port")),
    }
}

fn method_scope(text: &str) -> Result<(Method, Vec<String>), String> {
    let (method, scopes) = text.split_once('=').ok_or("it is written as METHOD=SCOPE")?;
    let method: Method = method.parse().map_err(|_| format!("{method:?} is no method"))?;
    if !Rules::may_name(&method) {
        return Err(format!(
            "no rule can be about {method}: methods are written in capitals, and CONNECT and TRACE are always refused"
        ));
    }
    let scopes: Vec<String> = scopes.split(',').map(str::to_owned).collect();
    if scopes.iter().any(String::is_empty) {
        return Err("a method needs at least one scope".to_owned());
    }
    Ok((method, scopes))
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, |count| count.get().min(256))
}

/// Ends on Ctrl-C, and on what ends services.
async fn end() {
    let interrupted = tokio::signal::ctrl_c();
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = interrupted => {}
        () = terminated => {}
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn options(more: &[&str]) -> Result<Options, clap::Error> {
        let usual = [
            "wardkey-proxy",
            "--upstream",
            "http://127.0.0.1:1",
            "--registry",
            "http://127.0.0.1:2",
        ];
        Options::try_parse_from(usual.iter().chain(more))
    }

    #[test]
    fn the_help_of_every_number_states_the_range_that_is_taken() {
        Options::command().debug_assert();
        for (name, least, most) in [
            ("threads", 1, 256),
            ("upstream-timeout-s", 1, 3600),
            ("max-connections", 1, 65_536),
            ("max-list-mib", 1, 64),
        ] {
            let command = Options::command();
            let option =
                command.get_arguments().find(|option| option.get_long() == Some(name)).unwrap();
            let help = option.get_help().unwrap().to_string();
            assert!(help.contains(&format!("({least} to {most})")), "{help}");
            let takes = |number: i32| options(&[&format!("--{name}"), &number.to_string()]).is_ok();
            assert!(takes(least) && takes(most) && !takes(least - 1) && !takes(most + 1), "{name}");
        }
    }

    #[test]
    fn what_would_let_everybody_through_or_nobody_is_refused() {
        let told = |more: &[&str]| rules(&options(more).unwrap()).map(|_| ());
        assert!(told(&[]).unwrap_err().contains("--scope"));
        assert_eq!(told(&["--scope", "reports:read"]), Ok(()));
        assert_eq!(told(&["--method-scope", "GET=reports:read,status:read"]), Ok(()));
        for wrong in [
            "GET",
            "GET=",
            "GET=a:b,",
            "G T=a:b",
            "get=a:b",
            "Delete=a:b",
            "CONNECT=a:b",
            "TRACE=a:b",
        ] {
            assert!(options(&["--method-scope", wrong]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_method_that_is_named_twice_needs_the_scopes_of_both() {
        let twice = ["--method-scope", "GET=a:b", "--method-scope", "GET=a:c,a:d"];
        let rules = rules(&options(&twice).unwrap()).unwrap();
        let [(method, required)] = rules.by_method.as_slice() else { panic!("{rules:?}") };
        assert_eq!((method, required.scopes.join(" ")), (&Method::GET, "a:b a:c a:d".to_owned()));
    }

    #[test]
    fn keys_pass_in_clear_on_this_machine_only() {
        let error =
            run(options(&["--listen", "0.0.0.0:8080", "--scope", "a:b"]).unwrap()).unwrap_err();
        assert!(error.contains("--tls-in-front"), "{error}");
    }

    #[test]
    fn an_empty_credential_is_named_by_its_place() {
        let error = credential(&options(&["--credential-file", "/dev/null"]).unwrap()).unwrap_err();
        assert!(error.contains("/dev/null"), "{error}");
    }

    #[test]
    fn an_upstream_is_an_origin() {
        for (url, by_tls) in [
            ("http://127.0.0.1:9", Some(false)),
            ("https://api.example/", Some(true)),
            ("http://api.example/path", None),
            ("http://user@api.example", None),
            ("ftp://api.example", None),
            ("/path", None),
        ] {
            assert_eq!(upstream_by_tls(&url.parse().unwrap()).ok(), by_tls, "{url}");
        }
    }
}
