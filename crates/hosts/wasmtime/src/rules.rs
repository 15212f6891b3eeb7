//! What calls need, by their method.

use hyper::Method;
use hyper::header::HeaderValue;

use crate::decision::Required;

/// What calls need: by method, or one for all.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// For all methods that no rule names; without it these are refused.
    pub usual: Option<Required>,
    /// For the methods that have a rule of their own.
    pub by_method: Vec<(Method, Required)>,
}

impl Rules {
    /// Whether a rule can be about a method: capitals only, and not one that makes a tunnel or sends a request back.
    ///
    /// Methods are case-sensitive (RFC 9110, section 9.1), and services are found that take `delete` for `DELETE`: what is not
    /// written in capitals would pass by one method's rule and be done by another's.
    pub fn may_name(method: &Method) -> bool {
        let is_capital = |byte: u8| byte.is_ascii_uppercase() || byte == b'-';
        method.as_str().bytes().all(is_capital)
            && *method != Method::CONNECT
            && *method != Method::TRACE
    }

    /// What each of them needs.
    pub(crate) fn all(&self) -> Vec<Required> {
        let own = self.by_method.iter().map(|(_, required)| required);
        self.usual.iter().chain(own).cloned().collect()
    }

    pub(crate) fn of(&self, method: &Method) -> Option<&Required> {
        if !Self::may_name(method) {
            return None;
        }
        let own = self.by_method.iter().find(|(named, _)| named == method);
        own.map(|(_, required)| required).or(self.usual.as_ref())
    }

    /// The methods that have a rule, for `Allow`; with a rule for all, the usual ones and those.
    pub(crate) fn allowed(&self) -> HeaderValue {
        let usual = if self.usual.is_some() { USUAL.as_slice() } else { &[] };
        let own = self.by_method.iter().map(|(method, _)| method.as_str());
        let own = own.filter(|name| !usual.contains(name));
        let names: Vec<&str> = usual.iter().copied().chain(own).collect();
        HeaderValue::from_str(&names.join(", ")).unwrap_or(HeaderValue::from_static(""))
    }
}

const USUAL: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(scope: &str) -> Required {
        Required { scopes: vec![scope.to_owned()], any: false, strict: false }
    }

    #[test]
    fn no_spelling_of_a_method_leads_around_its_rule() {
        let rules = Rules {
            usual: Some(needs("a:read")),
            by_method: vec![(Method::DELETE, needs("a:purge"))],
        };
        let of = |method: &str| rules.of(&method.parse().unwrap());
        assert_eq!(of("DELETE"), Some(&needs("a:purge")));
        assert_eq!((of("GET"), of("M-SEARCH")), (Some(&needs("a:read")), Some(&needs("a:read"))));
        for odd in ["delete", "Delete", "dELETE", "DELETE!", "DELETE_", "CONNECT", "TRACE", "get"] {
            assert_eq!(of(odd), None, "{odd}");
        }
        assert_eq!(rules.allowed(), "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
        let only = Rules { usual: None, ..rules };
        assert_eq!(only.allowed(), "DELETE");
    }
}
