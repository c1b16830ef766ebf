//! Who a tenant is: its token, its ids and its secrets, all of them functions of its name.
//!
//! So a connection knows a caller by its token without asking anyone, and a test worker's id is enough to have a WhatsApp
//! of its own.

use mock_whatsapp_model::fate::{digest, join};

/// The name of the tenant that is there from the start.
pub const DEFAULT: &str = "default";

const TOKEN: &str = "mock-token";

/// How long the ids of objects are. The first digit tells the kind of object.
pub const ID_DIGITS: usize = 15;

/// What an object's id begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A business phone number.
    Number = 1,
    /// A WhatsApp Business Account.
    Account = 2,
    /// An app.
    App = 3,
    /// Media.
    Media = 4,
    /// A template.
    Template = 5,
    /// A business portfolio.
    Business = 6,
}

/// A tenant's settings, as a sender needs them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its name.
    pub name: String,
    /// The business phone number's id.
    pub phone_number_id: String,
    /// The business phone number, digits.
    pub display_phone_number: String,
    /// The WhatsApp Business Account's id.
    pub waba_id: String,
    /// The app's id.
    pub app_id: String,
    /// The bearer token.
    pub token: String,
    /// What webhooks are signed with.
    pub app_secret: String,
    /// What the webhook handshake carries, unless told otherwise.
    pub verify_token: String,
}

impl Identity {
    /// The tenant of a name; `None` where the name is not 1 to 64 letters, digits, `-`, `_` or `.`.
    pub fn of(name: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if name.is_empty() || name.len() > 64 || !name.bytes().all(allowed) {
            return None;
        }
        if name == DEFAULT {
            return Some(Self {
                name: name.to_owned(),
                phone_number_id: "100000000000001".to_owned(),
                display_phone_number: "15557650001".to_owned(),
                waba_id: "200000000000001".to_owned(),
                app_id: "300000000000001".to_owned(),
                token: TOKEN.to_owned(),
                app_secret: "mock-app-secret".to_owned(),
                verify_token: "mock-verify-token".to_owned(),
            });
        }
        let key = digest(name.as_bytes());
        let id = |kind: Kind| id(kind, join(key, kind as u64));
        // Exchange 555 would be a number with a meaning.
        let (exchange, line) = (200 + key % 300, key / 300 % 10_000);
        Some(Self {
            name: name.to_owned(),
            phone_number_id: id(Kind::Number),
            display_phone_number: format!("1555{exchange}{line:04}"),
            waba_id: id(Kind::Account),
            app_id: id(Kind::App),
            token: format!("{TOKEN}-{name}"),
            app_secret: format!("mock-app-secret-{name}"),
            verify_token: format!("mock-verify-token-{name}"),
        })
    }

    /// The tenant whose bearer token this is.
    pub fn by_token(token: &str) -> Option<Self> {
        match token.strip_prefix(TOKEN)? {
            "" => Self::of(DEFAULT),
            // The default tenant has one token.
            name => Self::of(name.strip_prefix('-').filter(|name| *name != DEFAULT)?),
        }
    }

    /// The id of an object of this tenant, by its place among those of its kind. Other tenants have others.
    pub fn id(&self, kind: Kind, place: u64) -> String {
        id(kind, join(join(digest(self.name.as_bytes()), kind as u64), place + 1))
    }

    /// The number's id as the keys of draws have it.
    pub fn number_key(&self) -> u64 {
        self.phone_number_id.parse().unwrap_or_else(|_| digest(self.phone_number_id.as_bytes()))
    }

    /// The settings by the names that `campaign-engine` and other senders read.
    pub fn env(&self, base_url: &str) -> Vec<(&'static str, String)> {
        vec![
            ("WHATSAPP_BASE_URL", base_url.to_owned()),
            ("WHATSAPP_TOKEN", self.token.clone()),
            ("WHATSAPP_PHONE_NUMBER_ID", self.phone_number_id.clone()),
            ("WHATSAPP_BUSINESS_ACCOUNT_ID", self.waba_id.clone()),
            ("WHATSAPP_APP_ID", self.app_id.clone()),
            ("WHATSAPP_APP_SECRET", self.app_secret.clone()),
            ("WHATSAPP_VERIFY_TOKEN", self.verify_token.clone()),
        ]
    }
}

fn id(kind: Kind, chance: u64) -> String {
    let most = 10_u64.pow(ID_DIGITS as u32 - 1);
    (kind as u64 * most + chance % most).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_tenant() {
        assert_eq!(Identity::by_token("mock-token"), Identity::of("default"));
        assert_eq!(Identity::by_token("mock-token-w1"), Identity::of("w1"));
        for token in ["", "mock-token-", "mock-token-default", "mock-tokenx", "EAAB", "mock-token-a b", "mock-token-é"]
        {
            assert_eq!(Identity::by_token(token), None, "{token}");
        }
    }

    #[test]
    fn tenants_have_ids_of_their_own() {
        let (one, two) = (Identity::of("w1").unwrap(), Identity::of("w2").unwrap());
        assert_ne!(one.phone_number_id, two.phone_number_id);
        assert_ne!(one.waba_id, two.waba_id);
        assert_eq!(one.phone_number_id.len(), 15);
        assert!(one.phone_number_id.starts_with('1') && one.waba_id.starts_with('2') && one.app_id.starts_with('3'));
        assert_eq!(one.display_phone_number.len(), 11);
    }
}
