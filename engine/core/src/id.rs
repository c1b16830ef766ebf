//! The numbers by which the core knows things. Text (phone numbers, names, wamids) stays with the shells.

/// A message of a campaign: one per contact. Ids are dense across all campaigns of one store, so that a table by id is an
/// array; a store therefore holds at most 2^32 messages over its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub u32);

/// A contact, as the store numbers them: dense, and the same in every campaign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContactId(pub u32);

/// A campaign of one sender: it owns a contiguous range of [`MessageId`]s. What a user calls a campaign with several senders
/// is several of these, of one [`GroupId`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CampaignId(pub u16);

/// A business phone number that sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SenderId(pub u16);

/// What a user calls a campaign: one [`CampaignId`] for each of its senders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(pub u16);

/// A business portfolio: its numbers share one messaging limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortfolioId(pub u16);

/// A webhook POST that waits for its 200. Given out and reused by the driver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AckToken(pub u32);
