//! What a template can be, and in which words: status, category, quality, and how its variables are named.

use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$about:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$about])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// Every one, with its word.
            pub const ALL: &'static [(&'static str, Self)] = &[$(($word, Self::$variant)),+];

            /// As the API spells it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The one with this word, in any letter case.
            pub fn named(word: &str) -> Option<Self> {
                Self::ALL.iter().find(|(known, _)| known.eq_ignore_ascii_case(word)).map(|(_, found)| *found)
            }
        }
    };
}

words! {
    /// What a template is for; it decides the price and what an opt-out means.
    Category {
        /// Offers.
        Marketing = "MARKETING",
        /// News about something that the contact did.
        Utility = "UTILITY",
        /// One-time passwords.
        Authentication = "AUTHENTICATION",
    }
}

words! {
    /// Whether a template can be sent, and if not why (section 6.3).
    Status {
        /// It can.
        Approved = "APPROVED",
        /// It is under review.
        Pending = "PENDING",
        /// The review ended badly.
        Rejected = "REJECTED",
        /// Not for some hours.
        Paused = "PAUSED",
        /// Never again.
        Disabled = "DISABLED",
        /// Its rejection is being reconsidered.
        InAppeal = "IN_APPEAL",
        /// It can, but may soon be disabled.
        Flagged = "FLAGGED",
        /// It can again.
        Reinstated = "REINSTATED",
        /// It is about to be deleted.
        PendingDeletion = "PENDING_DELETION",
        /// It is deleted.
        Deleted = "DELETED",
        /// The account has too many.
        LimitExceeded = "LIMIT_EXCEEDED",
        /// It is put away.
        Archived = "ARCHIVED",
    }
}

words! {
    /// What people think of a template.
    Quality {
        /// Much.
        Green = "GREEN",
        /// Something in between.
        Yellow = "YELLOW",
        /// Little.
        Red = "RED",
        /// Nothing yet.
        Unknown = "UNKNOWN",
    }
}

words! {
    /// How variables are named.
    ParameterFormat {
        /// By numbers: `{{1}}`.
        Positional = "POSITIONAL",
        /// By names: `{{first_name}}`.
        Named = "NAMED",
    }
}

impl Category {
    /// As webhooks spell it in prices.
    pub fn price(self) -> &'static str {
        match self {
            Self::Marketing => "marketing",
            Self::Utility => "utility",
            Self::Authentication => "authentication",
        }
    }
}

impl Status {
    /// Whether a template with this status can be sent.
    pub fn sends(self) -> bool {
        match self {
            Self::Approved | Self::Flagged | Self::Reinstated => true,
            Self::Pending
            | Self::Rejected
            | Self::Paused
            | Self::Disabled
            | Self::InAppeal
            | Self::PendingDeletion
            | Self::Deleted
            | Self::LimitExceeded
            | Self::Archived => false,
        }
    }
}
