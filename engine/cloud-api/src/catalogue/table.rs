//! The rows of the catalogue, sorted by code; a row for a subcode stands behind the code's own.
//!
//! A row begins with its number, which stores keep: a new row takes the next number, and no number ever changes.

use super::Class::{self, *};
use super::Entry;
use super::Mode::{self, *};

/// The first row stands for every code that is not listed.
pub(super) const TABLE: [Entry; 79] = [
    row(1, u32::MAX, "Unknown error", 500, Either, Generic, "not documented"),
    row(2, 0, "We were unable to authenticate the app user.", 401, Synchronous, AccountWide, "[K] [S26]"),
    row(3, 1, "Invalid request or possible server error.", 400, Synchronous, Transient, "[K] [S26]; 500 seen"),
    row(4, 2, "Service temporarily unavailable.", 503, Synchronous, Transient, "[K] [S26]"),
    row(5, 3, "Capability or permissions issue.", 500, Synchronous, AccountWide, "[K] [S26]"),
    row(6, 4, "Application request limit reached", 400, Synchronous, Throttled, "[K] [S26]; 429 in [OAS] ?"),
    row(7, 10, "Application does not have permission for this action", 403, Synchronous, AccountWide, "[K] [S26]"),
    row(8, 33, "The business phone number has been deleted.", 400, Synchronous, NumberWide, "[K] [S26]"),
    row(9, 100, "Invalid parameter", 400, Synchronous, Refused, "[K] [S26]"),
    Entry {
        subcode: Some(33),
        numbered: false,
        ..row(
            10,
            100,
            "Unsupported post request. The object does not exist, cannot be loaded due to missing permissions, or does not support this operation.",
            400,
            Synchronous,
            AccountWide,
            "[OBS]; [OAS] says 404/803 ?",
        )
    },
    row(11, 104, "An access token is required to request this resource.", 401, Synchronous, AccountWide, "[OAS] ?"),
    row(
        12,
        190,
        "Invalid OAuth access token - Cannot parse access token",
        401,
        Synchronous,
        AccountWide,
        "[K] [S26] [OBS]",
    ),
    Entry {
        last: 299,
        ..row(
            13,
            200,
            "You do not have the necessary permissions to send messages on behalf of this WhatsApp Business Account",
            403,
            Synchronous,
            AccountWide,
            "[K] [S26]",
        )
    },
    row(14, 368, "Temporarily blocked for policies violations", 403, Synchronous, AccountWide, "[K] [S26]"),
    row(15, 2_500, "Unknown path components", 400, Synchronous, Generic, "[GK]"),
    row(16, 80_007, "Rate limit issues", 400, Synchronous, Throttled, "[K] [S26]; 429 in [OAS] ?"),
    row(17, 130_403, "User has blocked the business", 400, Webhook, Blocked, "[OBS] ?"),
    Entry {
        details: Some(
            "Message failed to send because there were too many messages sent from this phone number in a short period of time",
        ),
        ..row(18, 130_429, "Rate limit hit", 400, Synchronous, Throttled, "[K] [S26]; 429 in [OAS] and webhooks seen ?")
    },
    Entry {
        details: Some("Failed to send message because this user's phone number is part of an experiment"),
        ..row(19, 130_472, "User's number is part of an experiment", 400, Webhook, Refused, "[K] [S26]")
    },
    row(
        20,
        130_497,
        "Business account is restricted from messaging users in this country.",
        403,
        Either,
        Refused,
        "[K] [S26]",
    ),
    Entry {
        details: Some("Message failed to send because of an unknown error."),
        ..row(21, 131_000, "Something went wrong", 500, Either, Transient, "[K] [S26] [OBS]")
    },
    row(22, 131_005, "Access denied", 403, Synchronous, AccountWide, "[K] [S26]"),
    row(23, 131_008, "Required parameter is missing", 400, Synchronous, Refused, "[K] [S26]"),
    row(24, 131_009, "Parameter value is not valid", 400, Synchronous, Refused, "[K] [S26]"),
    row(25, 131_016, "Service unavailable", 500, Synchronous, Transient, "[K] [S26]"),
    row(26, 131_021, "Recipient cannot be sender", 400, Synchronous, InvalidContact, "[K] [S26]"),
    Entry {
        details: Some("Message Undeliverable."),
        ..row(27, 131_026, "Message undeliverable", 400, Webhook, InvalidContact, "[K] [S26] [OBS]")
    },
    Entry {
        details: Some(
            "Recipient phone number not in allowed list: Add recipient phone number to recipient list and try again.",
        ),
        ..row(28, 131_030, "Recipient phone number not in allowed list", 400, Synchronous, InvalidContact, "[K] [OBS]")
    },
    row(29, 131_031, "Account has been locked", 403, Either, NumberWide, "[K] [S26]"),
    row(
        30,
        131_037,
        "Display name approval is needed before messages can be sent",
        400,
        Synchronous,
        NumberWide,
        "[K] [S26]",
    ),
    Entry {
        details: Some("Message failed to send because there were one or more errors related to your payment method."),
        ..row(31, 131_042, "Business eligibility payment issue", 400, Webhook, AccountWide, "[K] [S26] [OBS]")
    },
    row(32, 131_044, "Calling billing problem", 400, Synchronous, Generic, "[K]"),
    row(
        33,
        131_045,
        "Message failed to send due to phone number registration error",
        500,
        Synchronous,
        NumberWide,
        "[K] [S26]",
    ),
    Entry {
        details: Some(
            "Message failed to send because more than 24 hours have passed since the customer last replied to this number.",
        ),
        ..row(34, 131_047, "Re-engagement message", 400, Webhook, Refused, "[K] [S26] [OBS]; synchronous seen ?")
    },
    Entry {
        details: Some(
            "Message failed to send because there are restrictions on how many messages can be sent from this phone number. This may be because too many previous messages were blocked or flagged as spam.",
        ),
        ..row(35, 131_048, "Spam rate limit hit", 400, Either, MessagingLimit, "[K] [S26] [OBS] ?")
    },
    Entry {
        details: Some("In order to maintain a healthy ecosystem engagement, the message failed to be delivered."),
        ..row(
            36,
            131_049,
            "This message was not delivered to maintain healthy ecosystem engagement.",
            400,
            Webhook,
            MarketingCap,
            "[K] [S26] [OBS]",
        )
    },
    Entry {
        details: Some(
            "Unable to deliver the message. This recipient has chosen to stop receiving marketing messages on WhatsApp from your business",
        ),
        ..row(
            37,
            131_050,
            "Unable to deliver the message. This recipient has chosen to stop receiving marketing messages on WhatsApp from your business",
            400,
            Webhook,
            Blocked,
            "[S26] [OBS]",
        )
    },
    row(38, 131_051, "Unsupported message type", 400, Synchronous, Refused, "[K] [S26]"),
    row(39, 131_052, "Media download error", 400, Webhook, Generic, "[K] [S26]; inbound media only"),
    Entry {
        details: Some("Downloading media from weblink failed with http code 404, Not Found"),
        ..row(40, 131_053, "Media upload error", 400, Either, Refused, "[K] [S26] [OBS]")
    },
    row(41, 131_055, "Method not allowed", 400, Synchronous, Generic, "[S26]"),
    Entry {
        details: Some(
            "Message failed to send because there were too many messages sent from this phone number to the same phone number in a short period of time.",
        ),
        ..row(
            42,
            131_056,
            "(Business Account, Consumer Account) pair rate limit hit",
            400,
            Synchronous,
            Pair,
            "[K] [S26]; webhooks reported ?",
        )
    },
    row(43, 131_057, "Account in maintenance mode", 500, Synchronous, Throttled, "[K] [S26]"),
    row(44, 131_059, "Invalid or expired pagination cursor", 400, Synchronous, Generic, "[S26]"),
    row(45, 131_062, "Business-scoped user id is not supported for this message", 400, Synchronous, Generic, "[S26]"),
    row(
        46,
        131_063,
        "Marketing templates are disabled on Cloud API for this account",
        400,
        Synchronous,
        AccountWide,
        "[S26]",
    ),
    row(47, 131_064, "Limit reached because of template misclassification", 400, Synchronous, MessagingLimit, "[S26]"),
    row(
        48,
        132_000,
        "Number of parameters does not match the expected number of params",
        400,
        Synchronous,
        Refused,
        "[K] [S26] [OBS]",
    ),
    row(
        49,
        132_001,
        "Template name does not exist in the translation",
        404,
        Either,
        TemplateWide,
        "[K] [S26]; 400 seen ?",
    ),
    row(50, 132_005, "Translated text too long", 400, Synchronous, Refused, "[K] [S26]"),
    row(51, 132_007, "Template format character policy violated", 400, Synchronous, Refused, "[K] [S26]"),
    row(52, 132_008, "Parameter value is not valid for the template", 400, Synchronous, Generic, "[PW]"),
    row(
        53,
        132_012,
        "Parameter format does not match format in the created template",
        400,
        Synchronous,
        Refused,
        "[K] [S26] [OBS]",
    ),
    row(54, 132_015, "Template is paused", 400, Either, TemplateWide, "[K] [S26]"),
    row(55, 132_016, "Template is disabled", 400, Synchronous, TemplateWide, "[K] [S26]"),
    Entry {
        details: Some("Param text cannot have new-line/tab characters or more than 4 consecutive spaces"),
        ..row(
            56,
            132_018,
            "There's an issue with the parameters in your template.",
            400,
            Synchronous,
            Refused,
            "[S26]; 100 before v23 ?",
        )
    },
    row(57, 132_068, "Flow is in blocked state", 400, Synchronous, Generic, "[K]"),
    row(58, 132_069, "Flow is in throttled state", 400, Synchronous, Generic, "[K]"),
    row(59, 133_000, "Incomplete deregistration", 500, Synchronous, Generic, "[K]"),
    row(60, 133_004, "Server is temporarily unavailable", 503, Synchronous, Transient, "[K] [S26]"),
    row(61, 133_005, "Two step verification PIN mismatch", 400, Synchronous, Generic, "[K]"),
    row(62, 133_006, "Phone number re-verification needed", 400, Synchronous, Generic, "[K]"),
    row(63, 133_008, "Too many two step verification PIN guesses", 400, Synchronous, Generic, "[K]"),
    row(64, 133_009, "Two step verification PIN guessed too fast", 400, Synchronous, Generic, "[K]"),
    row(65, 133_010, "Account not registered", 400, Synchronous, NumberWide, "[K] [OBS]"),
    row(
        66,
        133_015,
        "Please wait a few minutes before attempting to register this phone number",
        400,
        Synchronous,
        Generic,
        "[K]",
    ),
    row(67, 133_016, "Account register deregister rate limit exceeded", 400, Synchronous, Generic, "[K]"),
    row(68, 134_011, "WhatsApp payments terms of service have not been accepted", 400, Synchronous, Generic, "[K]"),
    row(69, 134_100, "Only marketing messages are supported", 400, Synchronous, Generic, "[S26]"),
    row(70, 134_101, "Template is still syncing", 400, Synchronous, Transient, "[S26]"),
    row(71, 134_102, "Template is unavailable", 500, Synchronous, Generic, "[S26]"),
    row(72, 135_000, "Generic user error", 400, Synchronous, Refused, "[K] [S26]"),
    row(73, 137_000, "Recipient identity key hash mismatch", 400, Webhook, Refused, "[K]"),
    Entry { last: 138_999, ..row(74, 138_000, "Calling error", 400, Synchronous, Generic, "[K]; a range of codes") },
    row(75, 139_100, "Failed to block or unblock some users", 400, Synchronous, Generic, "[K]"),
    row(76, 139_101, "Block list limit reached", 400, Synchronous, Generic, "[K]"),
    row(77, 139_102, "Block list concurrent update", 400, Synchronous, Generic, "[K]"),
    row(78, 139_103, "Block list internal error", 400, Synchronous, Generic, "[K]"),
    row(79, 1_752_041, "Duplicate onboarding request", 400, Synchronous, Generic, "[K]"),
];

const fn row(
    id: u8,
    code: u32,
    title: &'static str,
    http: u16,
    mode: Mode,
    class: Class,
    source: &'static str,
) -> Entry {
    let numbered = !matches!(code, 0 | 1 | 2 | 104 | 190 | 2_500);
    Entry { id, code, last: code, subcode: None, title, numbered, details: None, http, mode, class, source }
}
