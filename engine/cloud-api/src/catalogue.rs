//! The error catalogue: every documented code, once, with what it means for a sender.
//!
//! The class decides what the engine does; it is that of the promise on states, not of the API. Sources: `[K]` a mirror of
//! the documentation of late 2025, `[S26]` pages of April to September 2026, `[OAS]` the published OpenAPI file v23,
//! `[PW]` a widely used client, `[OBS]` field reports, `[GK]` general knowledge of the Graph API. `?` marks what sources
//! contradict.

mod table;

use std::num::NonZeroU8;

/// What an error asks of a sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Class {
    /// Try again soon.
    Transient,
    /// The sender is too fast.
    Throttled,
    /// Too many messages to this contact.
    Pair,
    /// The portfolio's messaging limit, or its spam restriction.
    MessagingLimit,
    /// The contact got enough marketing for now.
    MarketingCap,
    /// Not a valid WhatsApp user.
    InvalidContact,
    /// The contact blocked the business or opted out.
    Blocked,
    /// The request or the content is wrong; sending it again would be refused again.
    Refused,
    /// The template cannot be sent by anyone for now.
    TemplateWide,
    /// The business number cannot send for now.
    NumberWide,
    /// The account cannot send for now.
    AccountWide,
    /// Not known what it is.
    Generic,
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 12] = {
        use Class::*;
        [
            Transient,
            Throttled,
            Pair,
            MessagingLimit,
            MarketingCap,
            InvalidContact,
            Blocked,
            Refused,
            TemplateWide,
            NumberWide,
            AccountWide,
            Generic,
        ]
    };

    /// The stable name, in snake case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Throttled => "throttled",
            Self::Pair => "pair",
            Self::MessagingLimit => "messaging_limit",
            Self::MarketingCap => "marketing_cap",
            Self::InvalidContact => "invalid_contact",
            Self::Blocked => "blocked",
            Self::Refused => "refused",
            Self::TemplateWide => "template_wide",
            Self::NumberWide => "number_wide",
            Self::AccountWide => "account_wide",
            Self::Generic => "generic",
        }
    }
}

/// Where an error shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// In the HTTP response.
    Synchronous,
    /// 200 and a wamid first, then a `failed` webhook.
    Webhook,
    /// Either.
    Either,
}

/// One row of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The number of this row, which never changes: what [`CodeIndex`] holds and stores keep.
    pub id: u8,
    /// The code; of a range, the first.
    pub code: u32,
    /// The last code of a range; the same as `code` otherwise.
    pub last: u32,
    /// The subcode that this row is for, where it has one.
    pub subcode: Option<u32>,
    /// The title, as documented or observed.
    pub title: &'static str,
    /// Whether the message begins with the code, as in `(#131009) Parameter value is not valid`.
    pub numbered: bool,
    /// `error_data.details`, where observed.
    pub details: Option<&'static str>,
    /// The HTTP status of the documentation's table of November 2025.
    pub http: u16,
    /// Where it shows.
    pub mode: Mode,
    /// What it asks of a sender.
    pub class: Class,
    /// Where this row is from.
    pub source: &'static str,
}

impl Entry {
    /// The HTTP status of the reply; of codes that come in webhooks only, the one that the documentation gives them anyway.
    pub fn status_or_default(&self) -> u16 {
        self.http
    }

    /// Whether it is WhatsApp's own and not one of the Graph API's general errors.
    pub fn is_whatsapp(&self) -> bool {
        self.code >= 130_000
    }
}

/// The number of a row of the catalogue: one byte, never zero, so that zero can mean "no error" in packed rows; and never
/// another row's, so that stores can keep it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CodeIndex(NonZeroU8);

impl CodeIndex {
    /// A code that the catalogue does not list. Its class is generic.
    pub const UNLISTED: Self = Self(NonZeroU8::MIN);

    /// From a byte that [`CodeIndex::raw`] gave.
    pub fn from_raw(raw: u8) -> Option<Self> {
        let raw = NonZeroU8::new(raw)?;
        (PLACES[usize::from(raw.get())] != NOWHERE).then_some(Self(raw))
    }

    /// The byte.
    pub fn raw(self) -> u8 {
        self.0.get()
    }

    /// The row.
    pub fn entry(self) -> &'static Entry {
        &table::TABLE[usize::from(PLACES[usize::from(self.0.get())])]
    }

    /// What it asks of a sender.
    pub fn class(self) -> Class {
        self.entry().class
    }

    /// The code; `u32::MAX` with [`CodeIndex::UNLISTED`], which stands for many.
    pub fn code(self) -> u32 {
        self.entry().code
    }
}

/// Where a code stands. A subcode that has no row of its own is passed over.
pub fn find(code: u32, subcode: Option<u32>) -> CodeIndex {
    // The first row is the one for codes that are not listed; the rest is sorted by code, a subcode's row behind.
    let listed = &table::TABLE[1..];
    let from = listed.partition_point(|entry| entry.last < code);
    let rows = listed[from..].iter().take_while(|entry| entry.code <= code);
    let own = rows.clone().position(|entry| entry.subcode.is_some() && entry.subcode == subcode);
    let plain = rows.clone().position(|entry| entry.subcode.is_none());
    own.or(plain).map_or(CodeIndex::UNLISTED, |place| at(from + 1 + place))
}

fn at(place: usize) -> CodeIndex {
    CodeIndex::from_raw(table::TABLE[place].id).unwrap_or(CodeIndex::UNLISTED)
}

/// Where in the table the row with each number stands.
const PLACES: [u8; 256] = {
    let mut places = [NOWHERE; 256];
    let mut place = 0;
    while place < table::TABLE.len() {
        places[table::TABLE[place].id as usize] = place as u8;
        place += 1;
    }
    places
};

const NOWHERE: u8 = u8::MAX;

/// Every listed code, in order.
pub fn entries() -> impl Iterator<Item = (CodeIndex, &'static Entry)> {
    table::TABLE.iter().enumerate().skip(1).map(|(place, entry)| (at(place), entry))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_fits_a_byte_and_every_row_finds_itself() {
        assert!(table::TABLE.len() < 256);
        let listed = &table::TABLE[1..];
        for pair in listed.windows(2) {
            assert!(
                pair[0].last < pair[1].code || pair[0].code == pair[1].code,
                "{} and {}",
                pair[0].code,
                pair[1].code
            );
        }
        for (index, entry) in entries() {
            assert_eq!(find(entry.code, entry.subcode), index, "{}", entry.code);
            assert_eq!(find(entry.last, entry.subcode), index, "{}", entry.last);
            assert_eq!(CodeIndex::from_raw(index.raw()), Some(index));
        }
    }

    #[test]
    fn classes_are_those_of_the_promise() {
        use Class::*;
        let promise: [(Class, &[u32]); 11] = [
            (Transient, &[1, 2, 131_000, 131_016, 133_004, 134_101]),
            (Throttled, &[130_429, 4, 80_007, 131_057]),
            (Pair, &[131_056]),
            (MessagingLimit, &[131_048, 131_064]),
            (MarketingCap, &[131_049]),
            (InvalidContact, &[131_026, 131_021, 131_030]),
            (Blocked, &[130_403, 131_050]),
            (
                Refused,
                &[
                    100, 131_008, 131_009, 131_047, 131_051, 131_053, 130_472, 130_497, 132_000, 132_005, 132_007,
                    132_012, 132_018, 135_000, 137_000,
                ],
            ),
            (TemplateWide, &[132_001, 132_015, 132_016]),
            (NumberWide, &[33, 131_031, 131_037, 131_045, 133_010]),
            (AccountWide, &[0, 3, 10, 104, 190, 200, 250, 299, 368, 131_005, 131_042, 131_063]),
        ];
        let named: Vec<u32> = promise.iter().flat_map(|(_, codes)| codes.iter().copied()).collect();
        for (class, codes) in promise {
            for code in codes {
                assert_eq!(find(*code, None).class(), class, "{code}");
            }
        }
        for (_, entry) in entries().filter(|(_, entry)| entry.subcode.is_none() && !named.contains(&entry.code)) {
            assert_eq!(entry.class, Generic, "{}: the promise does not name it", entry.code);
        }
        assert_eq!(find(100, Some(33)).class(), AccountWide);
        assert_eq!(find(100, Some(2_494_010)).class(), Refused, "a subcode without a row");
    }

    #[test]
    fn numbers_are_unique_and_pinned_since_stores_keep_them() {
        let mut numbers: Vec<u8> = table::TABLE.iter().map(|entry| entry.id).collect();
        numbers.sort_unstable();
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
        assert!(numbers[0] == 1 && numbers.len() < usize::from(NOWHERE));
        for (code, number) in [(190, 12), (131_026, 27), (131_049, 36), (1_752_041, 79)] {
            assert_eq!(find(code, None).raw(), number, "{code}");
        }
        assert_eq!(CodeIndex::from_raw(255), None);
    }

    #[test]
    fn a_code_that_is_not_listed_is_generic() {
        for code in [5, 300, 199, 131_999, 999_999_999] {
            assert_eq!(find(code, None), CodeIndex::UNLISTED, "{code}");
        }
        assert_eq!(CodeIndex::UNLISTED.class(), Class::Generic);
    }
}
