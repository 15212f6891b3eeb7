//! What calls need, by their method.

use std::collections::BTreeMap;

/// What calls need: by method, or one for all.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Rules {
    /// For all methods that no rule names; without it these are refused.
    usual: Option<Vec<String>>,
    by_method: BTreeMap<String, Vec<String>>,
}

impl Rules {
    /// Reads `WARDKEY_SCOPES` and `WARDKEY_SCOPES_METHOD`.
    ///
    /// # Errors
    /// Which one is missing or wrong: what is nearly one would leave its method to the rule for all.
    pub(crate) fn of(environment: &[(String, String)]) -> Result<Self, String> {
        let mut rules = Self::default();
        for (name, value) in environment {
            let Some(method) = name.strip_prefix("WARDKEY_SCOPE") else { continue };
            let scopes: Vec<_> = value.split_whitespace().map(str::to_owned).collect();
            if scopes.is_empty() {
                return Err(format!("{name} names no scope"));
            }
            match (method, method.strip_prefix("S_")) {
                ("S", _) => rules.usual = Some(scopes),
                (_, Some(method)) if may_be_named(method) => {
                    rules.by_method.insert(method.to_owned(), scopes);
                }
                _ => {
                    return Err(format!(
                        "{name} is no rule: it is WARDKEY_SCOPES or WARDKEY_SCOPES_METHOD, in capitals, and neither CONNECT nor TRACE"
                    ));
                }
            }
        }
        if rules.usual.is_none() && rules.by_method.is_empty() {
            return Err("WARDKEY_SCOPES is not set".to_owned());
        }
        Ok(rules)
    }

    /// What a method needs, all of it; nothing if it is not for anybody.
    pub(crate) fn needed(&self, method: &str) -> Option<&[String]> {
        let own = may_be_named(method).then(|| self.by_method.get(method).or(self.usual.as_ref()));
        own.flatten().map(Vec::as_slice)
    }

    /// What each of them needs.
    pub(crate) fn all(&self) -> impl Iterator<Item = &[String]> {
        self.usual.iter().chain(self.by_method.values()).map(Vec::as_slice)
    }

    /// The methods that have a rule, for `Allow`; with a rule for all, the usual ones and those.
    pub(crate) fn allowed(&self) -> String {
        let usual = if self.usual.is_some() { USUAL.as_slice() } else { &[] };
        let own = self.by_method.keys().map(String::as_str).filter(|name| !usual.contains(name));
        usual.iter().copied().chain(own).collect::<Vec<_>>().join(", ")
    }
}

/// Whether a rule can be about a method: capitals only, and not one that makes a tunnel or sends a request back.
///
/// Methods are case-sensitive (RFC 9110, section 9.1), and services are found that take `delete` for `DELETE`: what is not
/// written in capitals would pass by one method's rule and be done by another's.
fn may_be_named(method: &str) -> bool {
    let is_capital = |byte: u8| byte.is_ascii_uppercase() || byte == b'-';
    !method.is_empty() && method.bytes().all(is_capital) && !matches!(method, "CONNECT" | "TRACE")
}

const USUAL: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(environment: &[(&str, &str)]) -> Result<Rules, String> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Rules::of(&environment.iter().map(owned).collect::<Vec<_>>())
    }

    #[test]
    fn no_spelling_of_a_method_leads_around_its_rule() {
        let rules =
            rules(&[("WARDKEY_SCOPES", "a:read"), ("WARDKEY_SCOPES_DELETE", "a:read  a:purge")]);
        let rules = rules.unwrap();
        let needed = |method: &str| rules.needed(method).map(|scopes| scopes.join(" "));
        assert_eq!(needed("DELETE").as_deref(), Some("a:read a:purge"));
        assert_eq!(
            (needed("GET"), needed("M-SEARCH")),
            (Some("a:read".into()), Some("a:read".into()))
        );
        for odd in ["delete", "Delete", "DELETE!", "DELETE_", "CONNECT", "TRACE", "get", ""] {
            assert_eq!(needed(odd), None, "{odd}");
        }
        assert_eq!(rules.allowed(), "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
        assert_eq!(rules.all().count(), 2);
    }

    #[test]
    fn without_a_rule_for_all_others_are_refused() {
        let rules = rules(&[("WARDKEY_SCOPES_GET", "a:read"), ("PATH", "/bin")]).unwrap();
        assert_eq!((rules.needed("POST"), rules.allowed().as_str()), (None, "GET"));
    }

    #[test]
    fn what_is_nearly_a_rule_is_none() {
        for wrong in
            ["S_delete", "S_Delete", "S_", "SDELETE", "", "_DELETE", "S_CONNECT", "S_TRACE"]
        {
            let name = format!("WARDKEY_SCOPE{wrong}");
            let said = rules(&[("WARDKEY_SCOPES", "a:read"), (&name, "a:purge")]).unwrap_err();
            assert!(said.starts_with(&format!("{name} ")), "{said}");
        }
        assert!(rules(&[("WARDKEY_SCOPES", " ")]).unwrap_err().contains("WARDKEY_SCOPES"));
        assert!(rules(&[]).unwrap_err().contains("WARDKEY_SCOPES"));
    }
}
