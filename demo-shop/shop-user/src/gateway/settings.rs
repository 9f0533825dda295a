//! `shop.user.gateway`: the provider that text messages go to.

use axum::http::uri::{Authority, InvalidUri, PathAndQuery};
use axum::http::{HeaderValue, Uri};
use mq_starter::config::{ConfigErrors, ConfigProblem, Settings};
use serde::Deserialize;

use super::template::BodyTemplate;

const URL_KEY: &str = "shop.user.gateway.url";
const BODY_KEY: &str = "shop.user.gateway.body";
const BODY_MISSING: &str = "needs `shop.user.gateway.body`, the JSON to post, such as \
                            {\"to\":\"{phone}\",\"message\":\"{text}\"}";
const URL_MISSING: &str = "needs `shop.user.gateway.url`, such as http://localhost:8099/sms";

/// What is sent where. Without these settings the gateway is a fake.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct GatewaySettings {
    pub(super) url: ProviderUrl,
    pub(super) body: BodyTemplate,
    /// The header `Authorization`.
    pub(super) authorization: Option<Authorization>,
}

impl GatewaySettings {
    pub(crate) fn read(settings: &Settings) -> Result<Option<Self>, ConfigErrors> {
        for (key, other, what) in [
            (URL_KEY, BODY_KEY, BODY_MISSING),
            (BODY_KEY, URL_KEY, URL_MISSING),
        ] {
            if let (Some(origin), None) = (settings.origin(key), settings.origin(other)) {
                return Err(ConfigProblem::new(origin, key, what).into());
            }
        }
        settings.get("shop.user.gateway")
    }
}

/// `http://host[:port]/path`.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct ProviderUrl {
    pub(super) written: String,
    /// For connecting.
    pub(super) host: String,
    pub(super) port: u16,
    /// The header `Host`; also how the provider is named in errors.
    pub(super) authority: Authority,
    /// Path and query.
    pub(super) target: PathAndQuery,
}

/// Why a URL cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum UrlError {
    #[error("is no URL: {0}")]
    NoUrl(#[from] InvalidUri),
    #[error("is `{0}`, expected http://HOST[:PORT]/PATH; for https, name a proxy on this machine")]
    NotHttp(String),
}

impl TryFrom<String> for ProviderUrl {
    type Error = UrlError;

    fn try_from(written: String) -> Result<Self, UrlError> {
        let uri: Uri = written.trim().parse()?;
        let is_http = uri.scheme_str() == Some("http");
        let parts = uri.into_parts();
        // A password in a URL would be logged with it.
        let (true, Some(authority)) = (is_http, parts.authority.filter(is_host)) else {
            return Err(UrlError::NotHttp(written));
        };
        let host = authority.host().trim_start_matches('[');
        Ok(Self {
            host: host.trim_end_matches(']').to_owned(),
            port: authority.port_u16().unwrap_or(80),
            authority,
            target: parts
                .path_and_query
                .unwrap_or_else(|| PathAndQuery::from_static("/")),
            written,
        })
    }
}

fn is_host(authority: &Authority) -> bool {
    !authority.as_str().contains('@')
}

/// A secret: it is never shown.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Authorization(pub(super) HeaderValue);

impl TryFrom<String> for Authorization {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let value = HeaderValue::try_from(text);
        let mut value = value.map_err(|_not_shown| "has characters that no header may have")?;
        value.set_sensitive(true);
        Ok(Self(value))
    }
}

#[cfg(test)]
mod tests {
    use mq_starter::config::SettingsOptions;

    use super::*;

    fn read(words: &[&str]) -> Result<Option<GatewaySettings>, String> {
        let folder = tempfile::tempdir().unwrap();
        let words = words
            .iter()
            .map(|word| format!("--shop.user.gateway.{word}"));
        let options = SettingsOptions::default().directory(folder.path());
        let settings = Settings::load(&options.arguments(words)).unwrap();
        GatewaySettings::read(&settings).map_err(|errors| errors.to_string())
    }

    const BODY: &str = r#"body={"to":"{phone}","message":"{text}"}"#;

    #[test]
    fn without_settings_there_is_no_provider() {
        assert!(read(&[]).unwrap().is_none());
    }

    #[test]
    fn a_provider_is_a_url_and_a_body() {
        let found = read(&["url=http://[::1]:8099/v1/sms?from=shop", BODY]);
        let url = found.unwrap().unwrap().url;

        assert_eq!((url.host.as_str(), url.port), ("::1", 8099));
        assert_eq!(url.authority.as_str(), "[::1]:8099");
        assert_eq!(url.target.as_str(), "/v1/sms?from=shop");
    }

    #[test]
    fn what_cannot_be_a_provider_names_its_key() {
        let url = "url=http://localhost/sms";
        for (words, reason) in [
            (&[BODY][..], "needs `shop.user.gateway.url`"),
            (
                &[url],
                "sms: needs `shop.user.gateway.body`, the JSON to post",
            ),
            (
                &["url=https://localhost/sms", BODY],
                "sms: is `https://localhost/sms`, expected http://",
            ),
            (&["url=localhost:80", BODY], "expected http://"),
            (&["url=http://", BODY], "gateway.url=http://: is no URL"),
            (
                &["url=http://me:secret@localhost/", BODY],
                "expected http://",
            ),
            (&[url, r#"body={"to":"{phone}"}"#], "}: lacks `{text}`"),
            (&[url, BODY, "bodi=x"], "bodi"),
            (
                &[url, BODY, "authorization=Bearer \u{1}"],
                ": has characters that no header may have",
            ),
        ] {
            let error = read(words).unwrap_err();
            assert!(error.contains(reason), "{words:?}: {error}");
        }
    }
}
