const { WhatsAppClient } = require("@kapso/whatsapp-cloud-api");
const { tenant } = require("./mock-whatsapp");
const Reminders = require("./reminders");

let whatsapp, reminders;

beforeEach(async () => {
  whatsapp = await tenant();
  const { WHATSAPP_BASE_URL: baseUrl, WHATSAPP_TOKEN: accessToken, WHATSAPP_PHONE_NUMBER_ID: id } = whatsapp.env;
  reminders = new Reminders(new WhatsAppClient({ baseUrl, accessToken }), id);
  await whatsapp.receive((body) => reminders.webhook(body));
  // The service's own timers are Jest's from here on; sockets go on as they are.
  jest.useFakeTimers({ doNotFake: ["nextTick", "setImmediate", "clearImmediate", "queueMicrotask", "performance"] });
});

afterEach(async () => {
  jest.useRealTimers();
  await whatsapp.close();
});

/** Twelve hours for both: first WhatsApp's, so that its webhooks have arrived, and then the service's own timers. */
async function twelveHours() {
  await whatsapp.advance("12h");
  await jest.advanceTimersByTimeAsync(12 * 60 * 60 * 1000);
  await reminders.second;
}

test("whoever does not answer is reminded again after twelve hours", async () => {
  await reminders.remind("+4915112345678");
  expect(await whatsapp.verify({ to: "+4915112345678" }, 1)).toMatchObject({ pass: true });
  await twelveHours();
  expect(await whatsapp.verify({ to: "+4915112345678", template: "hello_world" }, 2)).toMatchObject({ pass: true });
});

test("whoever answers is left in peace", async () => {
  await reminders.remind("+4915112345678");
  await whatsapp.call("POST", "/handsets/4915112345678/messages", { type: "text", text: "I will be there" });
  await twelveHours();
  expect(await whatsapp.verify({ to: "+4915112345678" }, 1, "0s")).toMatchObject({ pass: true });
});
