//! The worker, running on this machine under wrangler and workerd.

use std::{
    fs,
    io::{self, BufRead, BufReader, Write},
    net::{Ipv4Addr, TcpListener},
    os::unix::process::CommandExt,
    process::{Child, ExitStatus},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::{client::Client, lock::Lock, node::Node, workspace::Workspace};

/// A running worker. It ends, with all processes that belong to it, when this is dropped.
pub(crate) struct Server {
    wrangler: Child,
    /// Whether what it says is shown, and not only logged.
    shown: Arc<AtomicBool>,
    client: Client,
}

/// Refuses, in one sentence, a port that something else listens on.
pub(crate) fn check_port(port: u16) -> Result<()> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => bail!(
            "port {port} on 127.0.0.1 is taken by another program: end that one, or take another port with \
             `cargo xtask dev --port {}`",
            port.wrapping_add(1).max(1024)
        ),
        Err(error) => {
            Err(error).with_context(|| format!("port {port} on 127.0.0.1 cannot be listened on"))
        }
    }
}

impl Server {
    /// Starts the worker that lies in `worker/build`, with state that outlives it.
    pub(crate) fn start(
        workspace: &Workspace,
        node: &Node,
        port: u16,
        lock: &Lock,
        stopping: &AtomicBool,
    ) -> Result<Self> {
        check_port(port)?;
        let log_path = workspace.tools("log/dev.log");
        let mut log = fs::File::create(&log_path)?;
        let (reader, writer) = io::pipe()?;

        let mut wrangler = node.command(workspace);
        wrangler.arg(workspace.path("node_modules/wrangler/bin/wrangler.js"));
        wrangler.args(["dev", "--ip", "127.0.0.1", "--port", &port.to_string()]);
        wrangler.args([
            "--persist-to",
            ".wrangler/state",
            "--inspector-port",
            "0",
            "--show-interactive-dev-session=false",
        ]);
        // Nothing of this leaves the machine, and nothing waits for a network that may not be there.
        wrangler.env("CLOUDFLARE_CF_FETCH_ENABLED", "false");
        wrangler.env("WRANGLER_SEND_METRICS", "false").env("WRANGLER_SEND_ERROR_REPORTS", "false");
        // Otherwise wrangler keeps a trace of every request, with whole URLs, beside the state.
        wrangler.env("X_LOCAL_OBSERVABILITY", "false");
        wrangler.env("WRANGLER_HIDE_BANNER", "true").env("NO_COLOR", "1");
        for proxy in
            ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"]
        {
            wrangler.env_remove(proxy);
        }
        wrangler.stdin(lock.lend()?).stdout(writer.try_clone()?).stderr(writer);
        // A group of its own, so that wrangler and the workerd below it can be ended together.
        wrangler.process_group(0);
        let child = wrangler.spawn().context("cannot start wrangler")?;
        drop(wrangler);

        let shown = Arc::new(AtomicBool::new(false));
        let is_shown = Arc::clone(&shown);
        thread::spawn(move || {
            for line in BufReader::new(reader).lines().map_while(Result::ok) {
                // WHY ignored: a full disk or a closed terminal must not stop the pipe from being drained.
                let _ = writeln!(log, "{line}");
                if is_shown.load(Ordering::Relaxed) {
                    println!("{line}");
                }
            }
        });
        let mut server = Self { wrangler: child, shown, client: Client::on(port) };
        server.wait(&log_path, stopping)?;
        Ok(server)
    }

    /// A client of it.
    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    /// From now on what the worker says is shown.
    pub(crate) fn show_log(&self) {
        self.shown.store(true, Ordering::Relaxed);
    }

    /// Whether it has ended by itself.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.wrangler.try_wait()?)
    }

    fn wait(&mut self, log: &std::path::Path, stopping: &AtomicBool) -> Result<()> {
        let start = Instant::now();
        let mut last = String::from("no answer yet");
        while start.elapsed() < STARTS_WITHIN {
            if stopping.load(Ordering::Relaxed) {
                bail!("stopped before the worker was up");
            }
            if let Some(status) = self.ended()? {
                thread::sleep(Duration::from_millis(200));
                bail!("wrangler ended ({status}) before the worker was up\n{}", end_of(log));
            }
            match self.client.get("/healthz", &[]) {
                Ok(answer) if answer.status == 200 => return Ok(()),
                // What is missing in the deployment will not come by waiting.
                Ok(answer) if answer.text("code") == Some("misconfigured") => {
                    bail!("the worker is not configured: {}", answer.text("detail").unwrap_or("-"))
                }
                Ok(answer) => last = format!("GET /healthz answered {}", answer.status),
                Err(error) => last = error.to_string(),
            }
            thread::sleep(Duration::from_millis(200));
        }
        bail!(
            "the worker was not up within {} s ({last})\n{}",
            STARTS_WITHIN.as_secs(),
            end_of(log)
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let Some(group) = i32::try_from(self.wrangler.id()).ok().and_then(Pid::from_raw) else {
            return;
        };
        // WHY ignored: a group that has ended already is what is wanted.
        let _ = kill_process_group(group, Signal::TERM);
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(5) {
            if matches!(self.wrangler.try_wait(), Ok(Some(_)) | Err(_)) {
                break;
            }
            thread::sleep(Duration::from_millis(50));
        }
        let _ = kill_process_group(group, Signal::KILL);
        let _ = self.wrangler.wait();
    }
}

fn end_of(log: &std::path::Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let end = lines.get(lines.len().saturating_sub(15)..).unwrap_or_default();
    format!("  | {}\n  all of it: {}", end.join("\n  | "), log.display())
}

const STARTS_WITHIN: Duration = Duration::from_secs(60);
