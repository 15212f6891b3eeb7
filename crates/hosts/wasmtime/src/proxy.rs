//! A reverse proxy that lets through what is allowed: threads, each with its own event loop and its own instance.

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::thread::JoinHandle;
use std::time::Duration;

use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::http::uri::{Authority, PathAndQuery, Uri};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::answer::Answer;
use crate::bodies::{Download, Progress, Upload};
use crate::callers::{Busy, Callers};
use crate::component::Component;
use crate::connections::{Connections, Sender};
use crate::credential::credential;
use crate::forwarding::{remove_hop_by_hop, to_upstream};
use crate::guard::{Guard, Outcome, Refusal};
use crate::keeper::{Keeper, Requests, requests};
use crate::knowledge::Knowledge;
use crate::log::{Seldom, say};
use crate::patient::Patient;
use crate::registry_client::{RegistryClient, chain};
use crate::rules::Rules;

/// What a proxy is made of.
pub struct Settings {
    /// Where callers connect.
    pub listen: SocketAddr,
    /// The service behind: scheme and authority.
    pub upstream: Uri,
    /// How it is reached.
    pub connections: Connections,
    /// Where the registry's credential is read anew from, for one that is rotated.
    pub credential_file: Option<PathBuf>,
    /// What each call needs, by its method.
    pub rules: Rules,
    /// The header that holds the key.
    pub header: HeaderName,
    /// The header in which the proxy in front says where a call comes from, where there is one.
    pub address_header: Option<HeaderName>,
    /// Threads, each with an instance of its own.
    pub threads: usize,
    /// Longest silence: of the service behind until its answer begins, and of either side while a body is on its way.
    pub upstream_timeout: Duration,
    /// Most connections of callers, of all threads together.
    pub max_connections: usize,
    /// Longest state of the list, in bytes.
    pub max_state: usize,
    /// Whether every decision is a line in the log, and not only what goes wrong.
    pub says_decisions: bool,
}

/// A proxy that listens.
pub struct Proxy {
    address: SocketAddr,
    listener: TcpListener,
    settings: Arc<Settings>,
    component: Component,
    registry: RegistryClient,
}

type Body = UnsyncBoxBody<Bytes, Box<dyn Error + Send + Sync>>;

/// One thread's part of the proxy.
struct Gate {
    settings: Arc<Settings>,
    guard: Guard,
    sender: Sender<Upload>,
    upstream: HeaderValue,
    unreachable: Seldom,
}

impl Proxy {
    /// Binds the address.
    ///
    /// # Errors
    /// Where that is not to be had.
    pub fn bind(
        settings: Settings,
        component: Component,
        registry: RegistryClient,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(settings.listen)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Self { address, listener, settings: Arc::new(settings), component, registry })
    }

    /// Where callers connect.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `end` comes, then lets what is under way finish for ten seconds.
    ///
    /// # Errors
    /// A word on what no waiting helps against.
    pub fn run(self, end: impl Future<Output = ()>) -> Result<(), String> {
        let knowledge = Arc::new(Knowledge::default());
        let (asks, inbox) = requests();
        let (ending, ended) = watch::channel(false);
        let count = Arc::new(AtomicUsize::new(0));
        let threads: Result<Vec<JoinHandle<()>>, String> = (0..self.settings.threads)
            .map(|_| self.thread(&knowledge, &asks, &ended, &count).map_err(|it| it.to_string()))
            .collect();
        let threads = threads?;
        let Settings { max_state, rules, .. } = &*self.settings;
        let keeper = Keeper::new(self.component, self.registry, knowledge, *max_state, rules.all());
        let file = self.settings.credential_file.clone();
        let runtime = runtime().map_err(|error| error.to_string())?;
        let kept = runtime.block_on(async {
            let keeper = Rc::new(keeper);
            let kept = async {
                keeper.begin().await?;
                tokio::join!(keeper.read_credentials(file), Rc::clone(&keeper).run(inbox));
                Ok(())
            };
            tokio::select! {
                kept = kept => kept,
                () = end => Ok(()),
            }
        });
        let _all_gone = ending.send(true);
        for thread in threads {
            if thread.join().is_err() {
                say("a thread did not end well");
            }
        }
        kept
    }

    fn thread(
        &self,
        knowledge: &Arc<Knowledge>,
        asks: &Requests,
        ended: &watch::Receiver<bool>,
        count: &Arc<AtomicUsize>,
    ) -> io::Result<JoinHandle<()>> {
        let count = Arc::clone(count);
        let listener = self.listener.try_clone()?;
        let runtime = runtime()?;
        let (settings, component) = (Arc::clone(&self.settings), self.component.clone());
        let (knowledge, asks) = (Arc::clone(knowledge), asks.clone());
        let (registry, ended) = (self.registry.on_this_thread(), ended.clone());
        std::thread::Builder::new().name("wardkey-proxy".to_owned()).spawn(move || {
            // WHY a runtime a thread: what the component holds for a call is its own instance's, and so the call stays here.
            let guard = Guard::new(component, knowledge, asks, registry);
            tokio::task::LocalSet::new().block_on(&runtime, async {
                let Settings { max_connections, upstream_timeout, .. } = *settings;
                let callers = Callers::new(max_connections, GRACE, upstream_timeout, count);
                if let Err(error) =
                    serve(listener, Gate::new(settings, guard), callers, ended).await
                {
                    say(&format!("a thread cannot serve: {error}"));
                }
            });
        })
    }
}

async fn serve(
    listener: TcpListener,
    gate: Gate,
    callers: Rc<Callers>,
    mut ended: watch::Receiver<bool>,
) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let gate = Rc::new(gate);
    let graceful = GracefulShutdown::new();
    'serving: loop {
        let (stream, peer) = tokio::select! {
            _ = ended.changed() => break,
            // All places are taken by calls: the next caller waits in line, or another thread has a place.
            () = sleep(PLACE_FREE), if !callers.may_come() => continue,
            accepted = listener.accept(), if callers.may_come() => match accepted {
                Ok(accepted) => accepted,
                // Too many open files, or a caller who is gone already: the next one may be luckier.
                Err(_) => { sleep(Duration::from_millis(20)).await; continue }
            },
        };
        // Another thread may have given the place away meanwhile.
        let place = loop {
            if let Some(place) = callers.place() {
                break place;
            }
            sleep(PLACE_FREE).await;
            if *ended.borrow() {
                break 'serving;
            }
        };
        let _undelayed = stream.set_nodelay(true);
        let reader = Arc::clone(&place.caller);
        let (gate, caller) = (Rc::clone(&gate), Arc::clone(&place.caller));
        let service = service_fn(move |request| {
            let (gate, busy) = (Rc::clone(&gate), caller.call());
            async move { Ok::<_, Infallible>(gate.answer(request, peer.ip(), busy).await) }
        });
        let (watcher, mut ending) = (graceful.watcher(), ended.clone());
        tokio::task::spawn_local(async move {
            let connected = async {
                // Whoever connects has something to say.
                let mut first_byte = [0];
                tokio::select! {
                    _begun = stream.peek(&mut first_byte) => {}
                    _ = ending.changed() => return,
                    () = sleep(FIRST_BYTE_WITHIN) => return,
                }
                let connection = hyper::server::conn::http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(HEADERS_WITHIN)
                    .max_headers(MOST_HEADERS)
                    .serve_connection(TokioIo::new(Patient::new(stream, reader)), service);
                // A caller who goes away is no news.
                let _gone = watcher.watch(connection).await;
            };
            tokio::select! {
                () = connected => {}
                () = place.caller.ended() => {}
            }
        });
    }
    let _in_time = timeout(LAST_CALLS, graceful.shutdown()).await;
    Ok(())
}

impl Gate {
    fn new(settings: Arc<Settings>, guard: Guard) -> Self {
        let authority = settings.upstream.authority().map_or("", |authority| authority.as_str());
        let upstream = HeaderValue::from_str(authority).unwrap_or(HeaderValue::from_static(""));
        let sender = settings.connections.sender();
        Self { sender, settings, guard, upstream, unreachable: Seldom::default() }
    }

    /// Answers a call:
    ///
    /// 1. a target that is no path: 400;
    /// 2. a method without a rule, or one that no rule can be trusted with: 405;
    /// 3. no key, two, or one elsewhere: 401, 400;
    /// 4. a key that is not allowed: what the component says, 401, 403 or 503;
    /// 5. a body that is none, or that the caller does not go on with: 400, 408;
    /// 6. the service behind cannot be reached, or is silent for too long: 502, 504.
    async fn answer(
        &self,
        mut request: Request<Incoming>,
        peer: IpAddr,
        busy: Busy,
    ) -> Response<Body> {
        let Some(target) = request.uri().path_and_query().cloned().filter(is_path) else {
            return refusal(&Answer::invalid_request());
        };
        let Some(required) = self.settings.rules.of(request.method()) else {
            let mut answer = refusal(&Answer::plain(405, "method_not_allowed"));
            answer.headers_mut().insert(ALLOW, self.settings.rules.allowed());
            return answer;
        };
        // Who asks by a whole URL names the host in it, whatever `Host` says (RFC 9112, section 3.2.2).
        let named = request.uri().authority().map(host_and_port);
        if let Some(Ok(host)) = named.map(|host| HeaderValue::from_str(&host)) {
            request.headers_mut().insert(HOST, host);
        }
        let caller = self.caller(request.headers(), peer);
        let found = credential(target.as_str(), request.headers(), &self.settings.header);
        let outcome = match found {
            Ok(key) => self.guard.decide(key, required, caller).await,
            Err(answer) => Outcome::Refuse(Refusal::of(answer)),
        };
        self.say(&outcome);
        let allow = match outcome {
            Outcome::Allow(allow) => allow,
            Outcome::Refuse(refused) => return refusal(&refused.answer),
        };
        let headers = request.headers_mut();
        to_upstream(headers, &self.settings.header, &allow, caller, &self.upstream);
        self.forward(request, target, busy).await
    }

    async fn forward(
        &self,
        mut request: Request<Incoming>,
        target: PathAndQuery,
        busy: Busy,
    ) -> Response<Body> {
        let mut uri = self.settings.upstream.clone().into_parts();
        uri.path_and_query = Some(target);
        let Ok(uri) = Uri::from_parts(uri) else {
            return refusal(&Answer::invalid_request());
        };
        *request.uri_mut() = uri;
        *request.version_mut() = hyper::Version::HTTP_11;
        let progress = Progress::new();
        let request = request.map(|body| Upload::new(body, progress.clone()));
        let longest_silence = self.settings.upstream_timeout;
        let mut sent = pin!(self.sender.request(request));
        let sent = loop {
            tokio::select! {
                sent = &mut sent => break sent,
                () = sleep_until(progress.last() + longest_silence) => {}
            }
            if progress.last() + longest_silence > Instant::now() {
                continue;
            }
            return refusal(&if progress.is_callers_turn() {
                Answer::plain(408, "request_timeout")
            } else {
                Answer::plain(504, "upstream_timeout")
            });
        };
        match sent {
            Err(_) if progress.is_broken() => refusal(&Answer::invalid_request()),
            Err(error) => {
                let why = chain(&error);
                self.unreachable.say(&format!("the service behind cannot be reached: {why}"));
                refusal(&Answer::plain(502, "upstream_unreachable"))
            }
            Ok(mut answer) => {
                remove_hop_by_hop(answer.headers_mut());
                answer
                    .map(|body| Download::new(body, longest_silence, progress, busy).boxed_unsync())
            }
        }
    }

    /// Where a call comes from: by the socket, or by the one header that is trusted. A header that is not there, twice or no
    /// address makes it unknown, and keys that are bound to networks are then refused.
    fn caller(&self, headers: &HeaderMap, peer: IpAddr) -> Option<IpAddr> {
        let Some(trusted) = &self.settings.address_header else { return Some(peer.to_canonical()) };
        let mut values = headers.get_all(trusted).iter();
        let value = values.next().filter(|_| values.next().is_none())?;
        value.to_str().ok()?.trim().parse().ok()
    }

    fn say(&self, outcome: &Outcome) {
        if !self.settings.says_decisions {
            return;
        }
        match outcome {
            Outcome::Allow(allow) => {
                say(&format!(
                    "allow {} {} sequence={} age_ms={}",
                    allow.subject, allow.key_id, allow.sequence, allow.age_ms
                ));
            }
            Outcome::Refuse(Refusal { answer, reason, claims }) => {
                let whose = claims.as_ref().map_or_else(String::new, |claims| {
                    format!(" {} {}", claims.subject, claims.key_id)
                });
                say(&format!("deny {} {reason}{whose}", answer.status));
            }
        }
    }
}

/// An authority without its user.
fn host_and_port(authority: &Authority) -> String {
    let text = authority.as_str();
    text.rsplit_once('@').map_or(text, |(_, host)| host).to_owned()
}

fn is_path(target: &PathAndQuery) -> bool {
    target.path().starts_with('/')
}

fn refusal(answer: &Answer) -> Response<Body> {
    answer.response().map(|body: Full<Bytes>| body.map_err(|never| match never {}).boxed_unsync())
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// Longest that a caller may take to begin after it has connected.
const FIRST_BYTE_WITHIN: Duration = Duration::from_secs(3);
/// Longest that a caller may take to send its headers.
const HEADERS_WITHIN: Duration = Duration::from_secs(10);
/// How long a connection without a call has its place for sure.
const GRACE: Duration = Duration::from_millis(200);
/// Between two looks at whether a place is free.
const PLACE_FREE: Duration = Duration::from_millis(50);
const MOST_HEADERS: usize = 100;
/// Longest that calls may go on after the end has come.
const LAST_CALLS: Duration = Duration::from_secs(10);
