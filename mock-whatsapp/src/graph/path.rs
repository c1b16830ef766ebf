//! The path of a Graph call, taken apart: the version, the node and its edge. Nothing here knows which nodes there are.

/// The version that a call without one gets.
pub const DEFAULT_VERSION: &str = "v25.0";

/// A call's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Path<'a> {
    /// As in `v25.0`.
    pub version: &'a str,
    /// The first segment, percent-encoded as it came.
    pub node: &'a str,
    /// The second one; empty where there is none.
    pub edge: &'a str,
    /// Whatever follows.
    pub rest: &'a str,
}

impl<'a> Path<'a> {
    /// The number of the version before its point.
    pub fn major(&self) -> u32 {
        let digits = self.version.trim_start_matches('v').split('.').next().unwrap_or_default();
        digits.parse().unwrap_or(u32::MAX)
    }

    /// Takes a path apart. Any version will do, and none.
    pub fn of(path: &'a str) -> Self {
        let path = path.trim_start_matches('/').trim_end_matches('/');
        let (first, behind) = path.split_once('/').unwrap_or((path, ""));
        let (version, path) = if is_version(first) { (first, behind) } else { (DEFAULT_VERSION, path) };
        let (node, path) = path.split_once('/').unwrap_or((path, ""));
        let (edge, rest) = path.split_once('/').unwrap_or((path, ""));
        Self { version, node, edge, rest }
    }
}

fn is_version(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.len() <= 3 && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts = text.strip_prefix('v').and_then(|text| text.split_once('.'));
    parts.is_some_and(|(major, minor)| digits(major) && digits(minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str) -> [&str; 4] {
        let path = Path::of(path);
        [path.version, path.node, path.edge, path.rest]
    }

    #[test]
    fn the_version_may_be_left_out() {
        assert_eq!(of("/v23.0/1/messages"), ["v23.0", "1", "messages", ""]);
        assert_eq!(of("/1/messages/"), [DEFAULT_VERSION, "1", "messages", ""]);
        assert_eq!(of("/v23.0"), ["v23.0", "", "", ""]);
        assert_eq!(of("/v23/1"), [DEFAULT_VERSION, "v23", "1", ""]);
        assert_eq!(of("/v1.0/1/message_qrdls/A/b"), ["v1.0", "1", "message_qrdls", "A/b"]);
    }
}
