//! HTTP/1.1 as far as whoever watches needs it: GET and HEAD of a few pages.
//!
//! A connection has one request, so much time and so much room for its head; of more connections than
//! are served at once the oldest is let go, so that whoever holds some keeps nobody away. A file is kept
//! back for when the process has no more: then above all somebody wants to know.

use std::{
    collections::VecDeque,
    convert::Infallible,
    fs::File,
    future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    task::AbortHandle,
    time::{sleep, timeout},
};
use tracing::debug;

/// So many connections at once.
const MOST: usize = 32;

/// So long may a connection take, from its beginning to its end.
const TIME: Duration = Duration::from_secs(5);

/// So many octets and headers may a request have.
const HEAD: usize = 8 * 1024;
const HEADERS: usize = 64;

/// How long to wait when the system has no more files or memory for a connection.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// What there is to see.
pub(super) struct Page {
    status: StatusCode,
    kind: &'static str,
    text: String,
}

/// What there is under a path.
pub(super) type Pages = Arc<dyn Fn(&str) -> Option<Page> + Send + Sync>;

impl Page {
    /// Numbers for Prometheus.
    pub(super) const fn metrics(text: String) -> Self {
        Self { status: StatusCode::OK, kind: "text/plain; version=0.0.4; charset=utf-8", text }
    }

    /// All is well, or why not.
    pub(super) fn verdict(verdict: Result<(), String>) -> Self {
        match verdict {
            Ok(()) => Self::plain(StatusCode::OK, "ok"),
            Err(reason) => Self::plain(StatusCode::SERVICE_UNAVAILABLE, &reason),
        }
    }

    fn plain(status: StatusCode, line: &str) -> Self {
        Self { status, kind: "text/plain; charset=utf-8", text: format!("{line}\n") }
    }
}

/// A file that is open for nothing, and given up for a connection when there are no more.
struct Spare(Mutex<Option<File>>);

impl Spare {
    fn new() -> Self {
        Self(Mutex::new(open()))
    }

    fn give_up(&self) -> Option<File> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Takes one again, if it was given up and can be had.
    fn take_again(&self) {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *file = file.take().or_else(open);
    }
}

fn open() -> Option<File> {
    File::open("/dev/null").ok()
}

/// Answers until it is dropped.
pub(super) async fn serve(listener: TcpListener, pages: Pages) {
    let mut open: VecDeque<AbortHandle> = VecDeque::new();
    let spare = Arc::new(Spare::new());
    loop {
        let tcp = match listener.accept().await {
            Ok((tcp, _)) => tcp,
            Err(error) => {
                debug!(%error, "a connection for metrics was not accepted");
                // At the next try there is room for one.
                if spare.give_up().is_none() {
                    sleep(EXHAUSTED).await;
                    spare.take_again();
                }
                continue;
            }
        };
        open.retain(|connection| !connection.is_finished());
        if open.len() >= MOST
            && let Some(oldest) = open.pop_front()
        {
            oldest.abort();
        }
        open.push_back(tokio::spawn(connection(tcp, Arc::clone(&pages), Arc::clone(&spare))).abort_handle());
    }
}

async fn connection(tcp: TcpStream, pages: Pages, spare: Arc<Spare>) {
    let service = service_fn(|request| future::ready(Ok::<_, Infallible>(answer(&pages, &request))));
    let connection = http1::Builder::new()
        // One request: what idles is not kept.
        .keep_alive(false)
        // The time of the whole connection is bounded instead.
        .header_read_timeout(None)
        .max_buf_size(HEAD)
        .max_headers(HEADERS)
        .serve_connection(TokioIo::new(tcp), service);
    match timeout(TIME, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => debug!(%error, "a connection for metrics ended"),
        Err(_) => debug!("a connection for metrics took too long"),
    }
    // The connection's own is free now.
    spare.take_again();
}

fn answer(pages: &Pages, request: &Request<Incoming>) -> Response<String> {
    let Some(page) = pages(request.uri().path()) else {
        return response(Page::plain(StatusCode::NOT_FOUND, "there are /metrics, /healthz and /readyz"));
    };
    if *request.method() != Method::GET && *request.method() != Method::HEAD {
        let mut refused = response(Page::plain(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are taken"));
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    response(page)
}

fn response(page: Page) -> Response<String> {
    let mut response = Response::new(page.text);
    *response.status_mut() = page.status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(page.kind));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
