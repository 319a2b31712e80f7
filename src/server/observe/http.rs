//! HTTP/1.1 as far as whoever watches needs it: GET and HEAD of a few pages.
//!
//! A connection has one request, so much time and so much room for its head; of more connections than
//! are served at once the oldest is let go, so that whoever holds some keeps nobody away.

use std::{collections::VecDeque, convert::Infallible, future, sync::Arc, time::Duration};

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

/// Answers until it is dropped.
pub(super) async fn serve(listener: TcpListener, pages: Pages) {
    let mut open: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let tcp = match listener.accept().await {
            Ok((tcp, _)) => tcp,
            Err(error) => {
                debug!(%error, "a connection for metrics was not accepted");
                sleep(EXHAUSTED).await;
                continue;
            }
        };
        open.retain(|connection| !connection.is_finished());
        if open.len() >= MOST
            && let Some(oldest) = open.pop_front()
        {
            oldest.abort();
        }
        open.push_back(tokio::spawn(connection(tcp, Arc::clone(&pages))).abort_handle());
    }
}

async fn connection(tcp: TcpStream, pages: Pages) {
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
