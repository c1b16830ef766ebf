//! The table of what can be called: kind of node, edge and method to an operation, and what each operation asks of a token
//! and of its body. It is the one list of operations; documentation and metrics are made from it.

use super::download;
use super::path::Path;
use crate::identity::ID_DIGITS;
use hyper::Method;

/// What an id stands for, told by the id alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node {
    /// A business phone number: `1…`.
    Number,
    /// A WhatsApp Business Account: `2…`.
    Account,
    /// An app: `3…`.
    App,
    /// Something that was uploaded, or that a contact sent: `4…`.
    Media,
    /// A template: `5…`.
    Template,
    /// A business portfolio: `6…`.
    Business,
    /// An upload session: `upload:…`.
    Upload,
    /// A path that names no object.
    Word(&'static str),
    /// Anything else.
    Unknown,
}

/// Words that stand in place of an id.
const WORDS: [&str; 7] = [download::WORD, "me", "app", "debug_token", "oauth", "message_template_library", ""];

impl Node {
    /// What a node's name can only be, by [`Identity::id`]'s rule. Whether the tenant has it, the operation finds out.
    ///
    /// [`Identity::id`]: crate::identity::Identity::id
    pub fn of(name: &str) -> Self {
        if let Some(word) = WORDS.iter().find(|word| **word == name) {
            return Self::Word(word);
        }
        if name.starts_with("upload:") {
            return Self::Upload;
        }
        if name.len() != ID_DIGITS || !name.bytes().all(|byte| byte.is_ascii_digit()) {
            return Self::Unknown;
        }
        match name.as_bytes()[0] {
            b'1' => Self::Number,
            b'2' => Self::Account,
            b'3' => Self::App,
            b'4' => Self::Media,
            b'5' => Self::Template,
            b'6' => Self::Business,
            _ => Self::Unknown,
        }
    }

    /// As documentation writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Number => "{phone-number-id}",
            Self::Account => "{waba-id}",
            Self::App => "{app-id}",
            Self::Media => "{media-id}",
            Self::Template => "{template-id}",
            Self::Business => "{business-id}",
            Self::Upload => "{upload-session-id}",
            Self::Word(word) => word,
            Self::Unknown => "{id}",
        }
    }
}

/// A method that the Graph API knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Reads.
    Get,
    /// Makes and changes.
    Post,
    /// Deletes.
    Delete,
}

impl Verb {
    /// A method; `None` if the Graph API has no such.
    pub fn of(method: &Method) -> Option<Self> {
        match *method {
            Method::GET | Method::HEAD => Some(Self::Get),
            Method::POST => Some(Self::Post),
            Method::DELETE => Some(Self::Delete),
            _ => None,
        }
    }

    /// As requests spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

/// What a token must be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// `whatsapp_business_messaging`: 10 without it.
    Messaging,
    /// `whatsapp_business_management`: 200 without it.
    Management,
    /// Nothing in particular.
    Any,
}

/// What can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Sends a message, or marks one as read.
    SendMessage,
    /// Sends a marketing template.
    SendMarketing,
    /// Lists templates.
    ListTemplates,
    /// Creates a template.
    CreateTemplate,
    /// Creates or edits an authentication template in several languages.
    UpsertTemplates,
    /// Deletes templates.
    DeleteTemplates,
    /// Shows a template.
    GetTemplate,
    /// Edits a template.
    EditTemplate,
    /// Lets a paused template be sent again.
    UnpauseTemplate,
    /// Puts templates away, or takes them back.
    ArchiveTemplates,
    /// Compares templates.
    CompareTemplates,
    /// Lists ready-made templates.
    ListLibrary,
    /// Counts what became of templates' messages, day by day.
    CountTemplates,
    /// Subscribes the app to an account, and overrides where its webhooks go.
    Subscribe,
    /// Takes in a file.
    UploadMedia,
    /// Tells where a file is.
    GetMedia,
    /// Deletes a file.
    DeleteMedia,
    /// Gives the bytes of a file.
    DownloadMedia,
    /// Opens an upload that can be resumed.
    OpenUpload,
    /// Tells how far an upload came.
    GetUpload,
    /// Goes on with an upload.
    SendUpload,
    /// Shows a number.
    GetNumber,
    /// Changes a number's PIN, name or webhook.
    ChangeNumber,
    /// Sends a number its code.
    RequestCode,
    /// Takes a number's code.
    VerifyCode,
    /// Registers a number.
    Register,
    /// Takes a number off Cloud API.
    Deregister,
    /// Shows a number's business profile.
    GetProfile,
    /// Changes a number's business profile.
    SetProfile,
    /// Shows a number's settings.
    GetSettings,
    /// Changes a number's settings.
    SetSettings,
    /// Shows a number's commerce settings.
    GetCommerce,
    /// Changes a number's commerce settings.
    SetCommerce,
    /// Shows what a number says by itself.
    GetAutomation,
    /// Changes what a number says by itself.
    SetAutomation,
    /// Shows a number's user name.
    GetUsername,
    /// Gives a number a user name.
    SetUsername,
    /// Takes a number's user name away.
    DeleteUsername,
    /// Shows user names that can be had.
    SuggestUsernames,
    /// Shows the key of a number's flows.
    GetKey,
    /// Sets the key of a number's flows.
    SetKey,
    /// Lists whom a number blocked.
    ListBlocked,
    /// Blocks contacts.
    Block,
    /// Unblocks contacts.
    Unblock,
    /// Lists a number's links.
    ListCodes,
    /// Makes or changes a link.
    SetCode,
    /// Shows a link.
    GetCode,
    /// Deletes a link.
    DeleteCode,
    /// Shows an account.
    GetAccount,
    /// Changes an account's settings.
    ChangeAccount,
    /// Lists an account's numbers.
    ListNumbers,
    /// Adds a number to an account.
    AddNumber,
    /// Lists the apps that are subscribed to an account.
    ListSubscriptions,
    /// Unsubscribes the app from an account.
    Unsubscribe,
    /// Shows the app.
    GetApp,
    /// Shows where the app's webhooks go.
    ListAppSubscriptions,
    /// Sends the app's webhooks to a URL.
    SubscribeApp,
    /// Sends the app's webhooks nowhere.
    UnsubscribeApp,
    /// Shows a portfolio.
    GetBusiness,
    /// Lists a portfolio's accounts.
    ListOwnedAccounts,
    /// Lists the accounts that are shared with a portfolio.
    ListSharedAccounts,
    /// Shows the token's user.
    GetMe,
    /// Shows the token's app.
    GetOwnApp,
    /// Tells what a token is worth.
    DebugToken,
    /// Gives the app's own token.
    GetAccessToken,
    /// Carries out several calls.
    Batch,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// Of which kind of node.
    pub node: Node,
    /// Which edge; empty for the node itself.
    pub edge: &'static str,
    /// Whether there is another segment behind the edge.
    pub item: bool,
    /// With which method.
    pub verb: Verb,
    /// What it does.
    pub operation: Operation,
    /// What the token must be allowed to do.
    pub permission: Permission,
}

const fn row(node: Node, edge: &'static str, verb: Verb, operation: Operation, permission: Permission) -> Route {
    Route { node, edge, item: false, verb, operation, permission }
}

const fn item(node: Node, edge: &'static str, verb: Verb, operation: Operation, permission: Permission) -> Route {
    Route { node, edge, item: true, verb, operation, permission }
}

/// Everything that can be called.
pub const ROUTES: &[Route] = &[
    row(Node::Number, "messages", Verb::Post, Operation::SendMessage, Permission::Messaging),
    row(Node::Number, "marketing_messages", Verb::Post, Operation::SendMarketing, Permission::Messaging),
    row(Node::Account, "message_templates", Verb::Get, Operation::ListTemplates, Permission::Management),
    row(Node::Account, "message_templates", Verb::Post, Operation::CreateTemplate, Permission::Management),
    row(Node::Account, "message_templates", Verb::Delete, Operation::DeleteTemplates, Permission::Management),
    row(Node::Account, "upsert_message_templates", Verb::Post, Operation::UpsertTemplates, Permission::Management),
    Route {
        item: true,
        ..row(Node::Account, "message_templates", Verb::Get, Operation::GetTemplate, Permission::Management)
    },
    row(Node::Template, "", Verb::Get, Operation::GetTemplate, Permission::Management),
    row(Node::Template, "", Verb::Post, Operation::EditTemplate, Permission::Management),
    Route {
        item: true,
        ..row(Node::Account, "message_templates", Verb::Post, Operation::ArchiveTemplates, Permission::Management)
    },
    row(Node::Template, "compare", Verb::Get, Operation::CompareTemplates, Permission::Management),
    row(Node::Word("message_template_library"), "", Verb::Get, Operation::ListLibrary, Permission::Management),
    row(Node::Account, "template_analytics", Verb::Get, Operation::CountTemplates, Permission::Management),
    row(Node::Template, "unpause", Verb::Post, Operation::UnpauseTemplate, Permission::Management),
    row(Node::Account, "subscribed_apps", Verb::Post, Operation::Subscribe, Permission::Management),
    row(Node::Number, "media", Verb::Post, Operation::UploadMedia, Permission::Messaging),
    row(Node::Media, "", Verb::Get, Operation::GetMedia, Permission::Messaging),
    row(Node::Media, "", Verb::Delete, Operation::DeleteMedia, Permission::Messaging),
    row(Node::Word(download::WORD), "attachments", Verb::Get, Operation::DownloadMedia, Permission::Messaging),
    row(Node::App, "uploads", Verb::Post, Operation::OpenUpload, Permission::Any),
    row(Node::Upload, "", Verb::Get, Operation::GetUpload, Permission::Any),
    row(Node::Upload, "", Verb::Post, Operation::SendUpload, Permission::Any),
    row(Node::Number, "", Verb::Get, Operation::GetNumber, Permission::Management),
    row(Node::Number, "", Verb::Post, Operation::ChangeNumber, Permission::Management),
    row(Node::Number, "request_code", Verb::Post, Operation::RequestCode, Permission::Management),
    row(Node::Number, "verify_code", Verb::Post, Operation::VerifyCode, Permission::Management),
    row(Node::Number, "register", Verb::Post, Operation::Register, Permission::Management),
    row(Node::Number, "deregister", Verb::Post, Operation::Deregister, Permission::Management),
    row(Node::Number, "whatsapp_business_profile", Verb::Get, Operation::GetProfile, Permission::Messaging),
    row(Node::Number, "whatsapp_business_profile", Verb::Post, Operation::SetProfile, Permission::Messaging),
    row(Node::Number, "settings", Verb::Get, Operation::GetSettings, Permission::Management),
    row(Node::Number, "settings", Verb::Post, Operation::SetSettings, Permission::Management),
    row(Node::Number, "whatsapp_commerce_settings", Verb::Get, Operation::GetCommerce, Permission::Management),
    row(Node::Number, "whatsapp_commerce_settings", Verb::Post, Operation::SetCommerce, Permission::Management),
    row(Node::Number, "conversational_automation", Verb::Get, Operation::GetAutomation, Permission::Management),
    row(Node::Number, "conversational_automation", Verb::Post, Operation::SetAutomation, Permission::Management),
    row(Node::Number, "username", Verb::Get, Operation::GetUsername, Permission::Management),
    row(Node::Number, "username", Verb::Post, Operation::SetUsername, Permission::Management),
    row(Node::Number, "username", Verb::Delete, Operation::DeleteUsername, Permission::Management),
    row(Node::Number, "username_suggestions", Verb::Get, Operation::SuggestUsernames, Permission::Management),
    row(Node::Number, "whatsapp_business_encryption", Verb::Get, Operation::GetKey, Permission::Messaging),
    row(Node::Number, "whatsapp_business_encryption", Verb::Post, Operation::SetKey, Permission::Messaging),
    row(Node::Number, "block_users", Verb::Get, Operation::ListBlocked, Permission::Messaging),
    row(Node::Number, "block_users", Verb::Post, Operation::Block, Permission::Messaging),
    row(Node::Number, "block_users", Verb::Delete, Operation::Unblock, Permission::Messaging),
    row(Node::Number, "message_qrdls", Verb::Get, Operation::ListCodes, Permission::Management),
    row(Node::Number, "message_qrdls", Verb::Post, Operation::SetCode, Permission::Management),
    item(Node::Number, "message_qrdls", Verb::Post, Operation::SetCode, Permission::Management),
    item(Node::Number, "message_qrdls", Verb::Get, Operation::GetCode, Permission::Management),
    item(Node::Number, "message_qrdls", Verb::Delete, Operation::DeleteCode, Permission::Management),
    row(Node::Account, "", Verb::Get, Operation::GetAccount, Permission::Management),
    row(Node::Account, "", Verb::Post, Operation::ChangeAccount, Permission::Management),
    row(Node::Account, "phone_numbers", Verb::Get, Operation::ListNumbers, Permission::Management),
    row(Node::Account, "phone_numbers", Verb::Post, Operation::AddNumber, Permission::Management),
    row(Node::Account, "subscribed_apps", Verb::Get, Operation::ListSubscriptions, Permission::Management),
    row(Node::Account, "subscribed_apps", Verb::Delete, Operation::Unsubscribe, Permission::Management),
    row(Node::App, "", Verb::Get, Operation::GetApp, Permission::Any),
    row(Node::App, "subscriptions", Verb::Get, Operation::ListAppSubscriptions, Permission::Any),
    row(Node::App, "subscriptions", Verb::Post, Operation::SubscribeApp, Permission::Any),
    row(Node::App, "subscriptions", Verb::Delete, Operation::UnsubscribeApp, Permission::Any),
    row(Node::Business, "", Verb::Get, Operation::GetBusiness, Permission::Management),
    row(
        Node::Business,
        "owned_whatsapp_business_accounts",
        Verb::Get,
        Operation::ListOwnedAccounts,
        Permission::Management,
    ),
    row(
        Node::Business,
        "client_whatsapp_business_accounts",
        Verb::Get,
        Operation::ListSharedAccounts,
        Permission::Management,
    ),
    row(Node::Word("me"), "", Verb::Get, Operation::GetMe, Permission::Any),
    row(Node::Word("app"), "", Verb::Get, Operation::GetOwnApp, Permission::Any),
    row(Node::Word("debug_token"), "", Verb::Get, Operation::DebugToken, Permission::Any),
    row(Node::Word("oauth"), "access_token", Verb::Get, Operation::GetAccessToken, Permission::Any),
    row(Node::Word("oauth"), "access_token", Verb::Post, Operation::GetAccessToken, Permission::Any),
    row(Node::Word(""), "", Verb::Post, Operation::Batch, Permission::Any),
    row(Node::Word("me"), "", Verb::Post, Operation::Batch, Permission::Any),
];

impl Route {
    /// The row of a call, if there is one.
    pub fn find(node: Node, path: &Path<'_>, verb: Verb) -> Option<&'static Self> {
        let item = !path.rest.is_empty();
        ROUTES.iter().find(|row| row.node == node && row.edge == path.edge && row.item == item && row.verb == verb)
    }

    /// As documentation writes it: `POST /{phone-number-id}/messages`.
    pub fn name(&self) -> String {
        let edge = if self.edge.is_empty() { String::new() } else { format!("/{}", self.edge) };
        let item = if self.item { "/{item}" } else { "" };
        format!("{} /{}{edge}{item}", self.verb.name(), self.node.name())
    }
}

impl Operation {
    /// Whether it reads its body by itself, bit by bit, because it can be larger than usual.
    pub fn reads_itself(self) -> bool {
        matches!(self, Self::UploadMedia | Self::SendUpload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_rows_are_for_the_same_call() {
        let mut names: Vec<_> = ROUTES.iter().map(Route::name).collect();
        names.sort_unstable();
        let before = names.len();
        names.dedup();
        assert_eq!(names.len(), before);
    }

    #[test]
    fn a_call_finds_its_row() {
        let find = |path: &str, verb| {
            let path = Path::of(path);
            Route::find(Node::of(path.node), &path, verb).map(Route::name)
        };
        let send = "/v23.0/100000000000001/messages";
        assert_eq!(find(send, Verb::Post).as_deref(), Some("POST /{phone-number-id}/messages"));
        assert_eq!(find(send, Verb::Get), None);
        assert_eq!(find("/100000000000001/messages/1", Verb::Post), None);
        assert_eq!(find("/42/messages", Verb::Post), None);
    }
}
