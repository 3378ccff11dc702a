//! One connection: one request and its answer, by a deadline.
//!
//! A second request on a connection is not read, so that nothing can be smuggled behind the first; who asks seldom loses
//! nothing by that.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long the head of a request may take to arrive.
const HEAD: Duration = Duration::from_secs(5);

/// How long a connection may last: its head, making the answer, and until the client has taken that.
const WHOLE: Duration = Duration::from_secs(20);

/// Octets of the largest head.
const HEAD_MAX: usize = 16 << 10;

/// Lines of the longest head.
const HEADERS_MAX: usize = 64;

/// Between whom a connection is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// The address that was asked at.
    pub(super) local: SocketAddr,
    /// Who asks.
    pub(super) client: SocketAddr,
}

/// Serves a connection to its end.
pub(super) async fn serve(stream: TcpStream, place: Place, routes: Router) {
    let service = Placed { place, routes: TowerToHyperService::new(routes) };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .keep_alive(false)
        .max_buf_size(HEAD_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), service);
    // How it went wrong is the client's affair.
    let _ = timeout(WHOLE, connection).await;
}

/// Routes that are told where a request came from.
#[derive(Debug)]
struct Placed {
    place: Place,
    routes: TowerToHyperService<Router>,
}

impl Service<Request<Incoming>> for Placed {
    type Response = Response<Body>;
    type Error = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Error;
    type Future = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Future;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.place);
        self.routes.call(request)
    }
}
