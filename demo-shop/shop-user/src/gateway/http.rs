//! A gateway that sends each text message as one HTTP request to a provider.
//!
//! Invariant: a text message counts as sent only when the provider answered with a status of 200 to 299.

use axum::body::{Body, to_bytes};
use axum::http::header::{AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST};
use axum::http::{Request, StatusCode, Uri};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::settings::GatewaySettings;
use super::{Gateway, GatewayError, Sending};

/// How much of a refusal is read.
const MAX_ANSWER_BYTES: usize = 4096;
/// How much of it is told.
const MAX_TOLD_CHARACTERS: usize = 200;

/// Sends text messages through a provider, each on a connection of its own.
#[derive(Debug)]
pub struct HttpGateway(GatewaySettings);

impl HttpGateway {
    pub(super) fn new(settings: GatewaySettings) -> Self {
        Self(settings)
    }

    pub(super) fn url(&self) -> &str {
        &self.0.url.written
    }

    async fn exchange(&self, body: String) -> Result<(StatusCode, String), GatewayError> {
        let request = self.request(body)?;
        let broken = |source| GatewayError::Exchange {
            address: self.address(),
            source,
        };
        let place = (self.0.url.host.as_str(), self.0.url.port);
        let stream = TcpStream::connect(place).await;
        let stream = stream.map_err(|source| GatewayError::Unreachable {
            address: self.address(),
            source,
        })?;
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(broken)?;
        let answer = async move {
            let response = sender.send_request(request).await?;
            let status = response.status();
            // An answer that is too long or breaks off is told as far as its status.
            let body = to_bytes(Body::new(response.into_body()), MAX_ANSWER_BYTES).await;
            Ok((status, body.unwrap_or_default()))
        };
        // The connection carries request and answer. What ends it early, the answer tells too.
        let (answer, _ended) = tokio::join!(answer, connection);
        let (status, body) = answer.map_err(broken)?;
        let told = String::from_utf8_lossy(&body);
        Ok((status, told.chars().take(MAX_TOLD_CHARACTERS).collect()))
    }

    fn request(&self, body: String) -> Result<Request<Body>, axum::http::Error> {
        let url = &self.0.url;
        let mut request = Request::post(Uri::from(url.target.clone()))
            .header(HOST, url.authority.as_str())
            .header(CONTENT_TYPE, "application/json")
            .header(CONNECTION, "close");
        if let Some(authorization) = &self.0.authorization {
            request = request.header(AUTHORIZATION, authorization.0.clone());
        }
        request.body(Body::from(body))
    }

    fn address(&self) -> String {
        self.0.url.authority.to_string()
    }
}

impl Gateway for HttpGateway {
    fn send<'a>(&'a self, phone: &'a str, text: &'a str) -> Sending<'a> {
        Box::pin(async move {
            let (status, answer) = self.exchange(self.0.body.fill(phone, text)).await?;
            if status.is_success() {
                return Ok(());
            }
            Err(GatewayError::Refused {
                address: self.address(),
                status,
                answer,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::super::settings::{Authorization, ProviderUrl};
    use super::super::template::BodyTemplate;
    use super::*;

    const TEMPLATE: &str = r#"{"to":"{phone}","message":"{text}"}"#;

    /// A provider that answers one request with `answer`; its socket, and the gateway to it.
    async fn provider() -> (TcpListener, HttpGateway) {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1/sms?from=shop", socket.local_addr().unwrap());
        let gateway = HttpGateway::new(GatewaySettings {
            url: ProviderUrl::try_from(url).unwrap(),
            body: BodyTemplate::try_from(TEMPLATE.to_owned()).unwrap(),
            authorization: Some(Authorization::try_from("Bearer abc".to_owned()).unwrap()),
        });
        (socket, gateway)
    }

    /// Reads one request to the end of its JSON and answers it.
    async fn answer(socket: &TcpListener, answer: &str) -> String {
        let (mut stream, _) = socket.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"}") {
            assert_ne!(stream.read_buf(&mut request).await.unwrap(), 0);
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8(request).unwrap()
    }

    #[tokio::test]
    async fn a_text_message_is_one_request_with_the_body_of_the_template() {
        let (socket, gateway) = provider().await;

        let taken = "HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok";
        let (sent, request) = tokio::join!(gateway.send("138", "hi"), answer(&socket, taken));

        sent.unwrap();
        assert!(
            request.starts_with("POST /v1/sms?from=shop HTTP/1.1\r\n"),
            "{request}"
        );
        let place = socket.local_addr().unwrap();
        for line in [
            format!("host: {place}\r\n"),
            "authorization: Bearer abc\r\n".to_owned(),
            "content-type: application/json\r\n".to_owned(),
        ] {
            assert!(request.contains(&line), "{line}{request}");
        }
        let (_, body) = request.split_once("\r\n\r\n").unwrap();
        assert_eq!(body, r#"{"to":"138","message":"hi"}"#);
    }

    #[tokio::test]
    async fn a_refusal_tells_the_status_and_what_the_provider_said() {
        let (socket, gateway) = provider().await;

        let refused = "HTTP/1.1 402 Payment Required\r\nContent-Length: 10\r\n\r\nno balance";
        let (sent, _) = tokio::join!(gateway.send("138", "hi"), answer(&socket, refused));

        let error = sent.unwrap_err().to_string();
        assert!(
            error.ends_with("with 402 Payment Required: no balance"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_provider_that_breaks_off_or_is_not_there_is_an_error() {
        let (socket, gateway) = provider().await;

        let (broken, _) = tokio::join!(gateway.send("138", "hi"), answer(&socket, "HTTP/1.1 "));
        drop(socket);
        let absent = gateway.send("138", "hi").await;

        let broken = broken.unwrap_err();
        assert!(matches!(broken, GatewayError::Exchange { .. }), "{broken}");
        let absent = absent.unwrap_err();
        assert!(
            matches!(absent, GatewayError::Unreachable { .. }),
            "{absent}"
        );
    }
}
