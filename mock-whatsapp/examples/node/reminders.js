// The service under test: it sends an appointment's reminder, and a second one twelve hours later if nobody answered.
const HOURS = 60 * 60 * 1000;

module.exports = class Reminders {
  constructor(client, phoneNumberId) {
    this.client = client;
    this.phoneNumberId = phoneNumberId;
    this.waiting = new Map();
  }

  /** Reminds a contact, and again after twelve hours without an answer. */
  async remind(to) {
    await this.send(to);
    this.waiting.set(to.replace("+", ""), setTimeout(() => (this.second = this.send(to)), 12 * HOURS));
  }

  send(to) {
    const template = { name: "hello_world", language: { code: "en_US" } };
    return this.client.messages.sendTemplate({ phoneNumberId: this.phoneNumberId, to, template });
  }

  /** Takes in a webhook: whoever answers is not reminded again. */
  async webhook(body) {
    for (const { value } of body.entry.flatMap((entry) => entry.changes)) {
      for (const message of value.messages || []) clearTimeout(this.waiting.get(message.from));
    }
  }
};
