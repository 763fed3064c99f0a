//! An HTTP/1.1 request as text: checked once, and made into bytes once where it
//! is the same every time. In: method, path, headers and body as templates; out:
//! the bytes of a request. What could make two requests of one, or a head that
//! does not fit its body, is refused here, before anything is sent.

use http::{HeaderName, HeaderValue, Method, header, uri::Authority};

use crate::{
    http1::Body,
    template::{Template, TemplateError, Values},
};

/// Set unless the description has another.
const USER_AGENT: &str = concat!("pspd/", env!("CARGO_PKG_VERSION"));
/// Set unless the description has another.
const ACCEPT: &str = "*/*";

/// Why a request cannot be made as it is described.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestTextError {
    /// Not a host and port.
    #[error("the target {0:?} is not a host and port; write it as host:port")]
    Authority(String),
    /// Not a method, or one that has no place here.
    #[error("{0:?} is not a method of a request; use one such as GET or POST")]
    Method(String),
    /// The path cannot stand in a request line.
    #[error(
        "the path {0:?} must start with / and be printable ASCII without blanks; \
         percent-encode everything else"
    )]
    Path(String),
    /// Not a header's name.
    #[error("{0:?} is not the name of a header; a name has letters, digits and hyphens")]
    HeaderName(String),
    /// The value cannot stand in a line.
    #[error(
        "the value {value:?} of the header {name} cannot be sent; remove control characters and line breaks"
    )]
    HeaderValue {
        /// The header.
        name: String,
        /// Its value, or one rendering of it.
        value: String,
    },
    /// The header decides where the body ends, which is ours to say.
    #[error("the header {0} says where the body ends and is set here; leave it out")]
    Framing(String),
    /// A part is not a template.
    #[error("{part}: {reason}")]
    Template {
        /// Which part: `the path`, `the body`, or a header.
        part: String,
        /// What is wrong with it.
        #[source]
        reason: TemplateError,
    },
}

/// One request, ready to be made many times.
#[derive(Debug)]
pub(crate) struct HttpRequest {
    text: Text,
    answer: Body,
}

#[derive(Debug)]
enum Text {
    /// The whole request.
    Constant(Vec<u8>),
    Rendered {
        /// Request line and headers, up to the length of a body that varies.
        head: Template,
        body: Content,
    },
}

#[derive(Debug)]
enum Content {
    /// Follows the head, which ends with an empty line.
    Constant(String),
    /// The head ends where its length belongs.
    Template(Template),
}

impl HttpRequest {
    pub(crate) fn new(
        authority: &str,
        method: &str,
        path: &str,
        headers: &[(String, String)],
        body: Option<&str>,
    ) -> Result<Self, RequestTextError> {
        let head = head(authority, method, path, headers)?;
        let content = match body {
            Some(body) => Some(template("the body", body)?),
            None => None,
        };
        let text = Text::of(&head, content, wants_length(method));
        Ok(HttpRequest {
            text,
            answer: match method {
                "HEAD" => Body::Absent,
                _ => Body::AsStated,
            },
        })
    }

    /// Whether its answer has a body.
    pub(crate) fn answer(&self) -> Body {
        self.answer
    }

    /// The request as it goes over the wire; `text` is where it is made, if it
    /// differs from the one before.
    pub(crate) fn bytes<'a>(&'a self, values: &mut Values, text: &'a mut String) -> &'a [u8] {
        match &self.text {
            Text::Constant(bytes) => bytes,
            Text::Rendered { head, body } => {
                text.clear();
                head.render(values, text);
                body.render(values, text);
                text.as_bytes()
            }
        }
    }
}

impl Text {
    /// Joins the source of the head, which every part of was tried as a template,
    /// and the body.
    fn of(head: &str, body: Option<Template>, wants_length: bool) -> Text {
        let (head, body) = match body {
            Some(body) if !body.is_constant() => {
                (format!("{head}Content-Length: "), Content::Template(body))
            }
            Some(body) => {
                let body = constant(&body);
                let head = format!("{head}Content-Length: {}\r\n\r\n", body.len());
                (head, Content::Constant(body))
            }
            None if wants_length => {
                let head = format!("{head}Content-Length: 0\r\n\r\n");
                (head, Content::Constant(String::new()))
            }
            None => (format!("{head}\r\n"), Content::Constant(String::new())),
        };
        let head = Template::parse(&head).expect("each of its parts is a template");
        match body {
            Content::Constant(body) if head.is_constant() => {
                Text::Constant((constant(&head) + &body).into_bytes())
            }
            body => Text::Rendered { head, body },
        }
    }
}

impl Content {
    fn render(&self, values: &mut Values, text: &mut String) {
        match self {
            Content::Constant(body) => text.push_str(body),
            Content::Template(body) => {
                let mut content = std::mem::take(&mut values.scratch);
                content.clear();
                body.render(values, &mut content);
                text.push_str(itoa::Buffer::new().format(content.len()));
                text.push_str("\r\n\r\n");
                text.push_str(&content);
                values.scratch = content;
            }
        }
    }
}

/// The source of the request line and the headers, each line ended.
fn head(
    authority: &str,
    method: &str,
    path: &str,
    headers: &[(String, String)],
) -> Result<String, RequestTextError> {
    if authority.parse::<Authority>().is_err() || authority.contains('@') {
        return Err(RequestTextError::Authority(authority.to_owned()));
    }
    // CONNECT has no path, and its answer no end.
    if Method::from_bytes(method.as_bytes()).is_err() || method == "CONNECT" {
        return Err(RequestTextError::Method(method.to_owned()));
    }
    for path in template("the path", path)?.samples() {
        let printable = path.bytes().all(|byte| byte.is_ascii_graphic());
        if !path.starts_with('/') || !printable {
            return Err(RequestTextError::Path(path));
        }
    }
    let mut head = format!("{method} {path} HTTP/1.1\r\n");
    let mut missing = vec![
        (header::HOST, "Host", authority),
        (header::USER_AGENT, "User-Agent", USER_AGENT),
        (header::ACCEPT, "Accept", ACCEPT),
    ];
    for (name, value) in headers {
        let parsed = check_header(name, value)?;
        missing.retain(|(missing, ..)| *missing != parsed);
    }
    let missing = missing.iter().map(|(_, name, value)| (*name, *value));
    let given = headers.iter().map(|(name, value)| (&**name, &**value));
    for (name, value) in missing.chain(given) {
        head.extend([name, ": ", value, "\r\n"]);
    }
    Ok(head)
}

fn check_header(name: &str, value: &str) -> Result<HeaderName, RequestTextError> {
    let parsed = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| RequestTextError::HeaderName(name.to_owned()))?;
    if parsed == header::CONTENT_LENGTH || parsed == header::TRANSFER_ENCODING {
        return Err(RequestTextError::Framing(name.to_owned()));
    }
    for value in template(&format!("the header {name}"), value)?.samples() {
        if HeaderValue::from_bytes(value.as_bytes()).is_err() {
            return Err(RequestTextError::HeaderValue {
                name: name.to_owned(),
                value,
            });
        }
    }
    Ok(parsed)
}

/// Methods whose requests are expected to say that they have no body.
fn wants_length(method: &str) -> bool {
    ["POST", "PUT", "PATCH"].contains(&method)
}

fn template(part: &str, text: &str) -> Result<Template, RequestTextError> {
    Template::parse(text).map_err(|reason| RequestTextError::Template {
        part: part.to_owned(),
        reason,
    })
}

/// The rendering of a template that has only one.
fn constant(template: &Template) -> String {
    let mut text = String::new();
    template.render(&mut Values::new(0, 0), &mut text);
    text
}

#[cfg(test)]
mod tests;
