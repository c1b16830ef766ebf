//! Who a tenant is: its token, its ids and its secrets, all of them functions of its name.
//!
//! So a connection knows a caller by its token without asking anyone, and a test worker's id is enough to have a WhatsApp
//! of its own.

use mock_whatsapp_model::fate::{digest, join};
use std::sync::{Arc, LazyLock};

/// The name of the tenant that is there from the start.
pub const DEFAULT: &str = "default";

const TOKEN: &str = "mock-token";

/// The same of letters and digits alone, for clients that want a token to look like a real one.
const PLAIN_TOKEN: &str = "EAAmocktoken";

const APP_SECRET: &str = "mock-app-secret";

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
    /// A system user.
    User = 7,
    /// A catalogue of products.
    Catalog = 8,
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
                app_secret: APP_SECRET.to_owned(),
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
            app_secret: format!("{APP_SECRET}-{name}"),
            verify_token: format!("mock-verify-token-{name}"),
        })
    }

    /// The same, to be handed around. Most calls are the default tenant's, which is made once.
    fn shared(name: &str) -> Option<Arc<Self>> {
        static DEFAULT_TENANT: LazyLock<Option<Arc<Identity>>> = LazyLock::new(|| Identity::of(DEFAULT).map(Arc::new));
        if name == DEFAULT { DEFAULT_TENANT.clone() } else { Self::of(name).map(Arc::new) }
    }

    /// The tenant of an app's own token, `app-id|app-secret`.
    fn by_app_token(token: &str) -> Option<Arc<Self>> {
        let (app_id, secret) = token.split_once('|')?;
        let name = match secret.strip_prefix(APP_SECRET)? {
            "" => DEFAULT,
            name => name.strip_prefix('-')?,
        };
        Self::shared(name).filter(|identity| identity.app_id == app_id && identity.app_secret == secret)
    }

    /// The tenant whose bearer token this is.
    pub fn by_token(token: &str) -> Option<Arc<Self>> {
        let name = match token.strip_prefix(TOKEN) {
            Some("") => DEFAULT,
            // The default tenant has one token of each kind.
            Some(name) => name.strip_prefix('-').filter(|name| *name != DEFAULT)?,
            None => match token.strip_prefix(PLAIN_TOKEN)? {
                "" => DEFAULT,
                name => Some(name).filter(|name| *name != DEFAULT)?,
            },
        };
        Self::shared(name)
    }

    /// The id of an object of this tenant, by its place among those of its kind. Other tenants have others.
    pub fn id(&self, kind: Kind, place: u64) -> String {
        id(kind, join(join(digest(self.name.as_bytes()), kind as u64), place + 1))
    }

    /// The id of the portfolio that its account belongs to.
    pub fn business_id(&self) -> String {
        self.id(Kind::Business, 0)
    }

    /// The id of the system user whose tokens these are.
    pub fn user_id(&self) -> String {
        self.id(Kind::User, 0)
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

/// What a token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Everything.
    Valid,
    /// Nothing any more: 190 with 463.
    Expired,
    /// Nothing any more: 190 with 460.
    Revoked,
    /// All but messages, media and profiles: 10.
    NoMessaging,
    /// Only messages, media and profiles: 200.
    NoManagement,
    /// It is the app's own: it may do what apps may, and no more.
    App,
}

impl Standing {
    /// Those that can be had from the control API, by their names there.
    pub const KINDS: [(&'static str, Self); 4] = [
        ("expired", Self::Expired),
        ("revoked", Self::Revoked),
        ("no_messaging", Self::NoMessaging),
        ("no_management", Self::NoManagement),
    ];
}

/// Who a call is from: a tenant, with what its token is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearer {
    /// The tenant.
    pub identity: Arc<Identity>,
    /// What the token is good for.
    pub standing: Standing,
}

impl Bearer {
    /// Reads a token. Tokens of a kind are the tenant's own with `~` and the kind's name behind it, which no tenant's name can
    /// have, so that they need not be remembered.
    pub fn read(token: &str) -> Option<Self> {
        if let Some(identity) = Identity::by_app_token(token) {
            return Some(Self { identity, standing: Standing::App });
        }
        let (token, standing) = match token.rsplit_once('~') {
            Some((token, kind)) => (token, Standing::KINDS.iter().find(|(name, _)| *name == kind)?.1),
            None => (token, Standing::Valid),
        };
        Some(Self { identity: Identity::by_token(token)?, standing })
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
        assert_eq!(Identity::by_token("mock-token").as_deref(), Identity::of("default").as_ref());
        assert_eq!(Identity::by_token("mock-token-w1").as_deref(), Identity::of("w1").as_ref());
        assert_eq!(Identity::by_token("EAAmocktoken").as_deref(), Identity::of("default").as_ref());
        assert_eq!(Identity::by_token("EAAmocktokenw1").as_deref(), Identity::of("w1").as_ref());
        for token in [
            "",
            "EAAmocktokendefault",
            "mock-token-",
            "mock-token-default",
            "mock-tokenx",
            "EAAB",
            "mock-token-a b",
            "mock-token-é",
        ] {
            assert_eq!(Identity::by_token(token), None, "{token}");
        }
    }

    #[test]
    fn a_token_tells_what_it_is_good_for() {
        let read = |token: &str| Bearer::read(token).map(|bearer| (bearer.identity.name.clone(), bearer.standing));
        assert_eq!(read("mock-token"), Some(("default".to_owned(), Standing::Valid)));
        for (kind, standing) in Standing::KINDS {
            assert_eq!(read(&format!("mock-token-w1~{kind}")), Some(("w1".to_owned(), standing)));
        }
        assert_eq!(read("300000000000001|mock-app-secret"), Some(("default".to_owned(), Standing::App)));
        let other = Identity::of("w1").unwrap();
        assert_eq!(read(&format!("{}|{}", other.app_id, other.app_secret)), Some(("w1".to_owned(), Standing::App)));
        for token in ["mock-token~", "mock-token~valid", "300000000000001|mock-app-secret-w1", "|", "x~expired"] {
            assert_eq!(read(token), None, "{token}");
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
