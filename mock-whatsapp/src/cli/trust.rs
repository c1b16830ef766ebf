//! Whom the program's connections over HTTPS trust: the public authorities, and those of files.

use super::Failure;
use crate::net::Connector;
use std::path::Path;

/// A connector that trusts the authorities of two files: one that was asked for by an option, which must be there, and one
/// that may be meant for other programs, of which it is only said if it cannot be read.
#[cfg(feature = "tls")]
pub(super) fn connector(asked: Option<&Path>, usual: Option<&Path>, option: &str) -> Result<Connector, Failure> {
    use crate::trust::Trust;
    let read = |trust: Trust, file: &Path| {
        let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        trust.with(&text).map_err(|why| format!("{}: {why}", file.display()))
    };
    let mut trust = Trust::default();
    if let Some(file) = asked {
        trust = read(trust, file).map_err(|why| Failure::Usage(format!("{option}: {why}")))?;
    }
    if let Some(file) = usual {
        match read(trust.clone(), file) {
            Ok(more) => trust = more,
            Err(why) => tracing::warn!("SSL_CERT_FILE is not used: {why}"),
        }
    }
    Ok(Connector::tcp().trusting(trust))
}

#[cfg(not(feature = "tls"))]
pub(super) fn connector(asked: Option<&Path>, _: Option<&Path>, option: &str) -> Result<Connector, Failure> {
    match asked {
        Some(_) => Err(Failure::Usage(format!(
            "{option}: this program was built without TLS; build it with `--features cli,tls`"
        ))),
        None => Ok(Connector::tcp()),
    }
}
