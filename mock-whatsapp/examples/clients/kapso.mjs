// Every call that @kapso/whatsapp-cloud-api offers, made against the mock. Each is `pass`, `FAIL`, or `out of scope`, which the
// mock must then refuse as the real API refuses what it does not know, and not answer with something made up.
//
//   node kapso.mjs      with the package installed beside it, and MOCK_WHATSAPP_BIN or MOCK_WHATSAPP_URL set
import { createRequire } from "node:module";
import { WhatsAppClient } from "@kapso/whatsapp-cloud-api";
import { verifySignature } from "@kapso/whatsapp-cloud-api/server";

const start = createRequire(import.meta.url)("./mock-whatsapp.js");
await start();
const whatsapp = await start.tenant(`kapso-${process.pid}`);
const { WHATSAPP_BASE_URL: baseUrl, WHATSAPP_TOKEN: accessToken } = whatsapp.env;
const { WHATSAPP_PHONE_NUMBER_ID: phoneNumberId, WHATSAPP_BUSINESS_ACCOUNT_ID: businessAccountId } = whatsapp.env;
const client = new WhatsAppClient({ baseUrl, accessToken });

const to = "+4915112345678";
const contact = "4915112345678";
const counts = { pass: 0, FAIL: 0, "out of scope": 0 };

function tell(result, name, why = "") {
  counts[result] += 1;
  console.log(`${result.padEnd(12)} ${name}${why && `: ${why}`}`);
}

async function check(name, call, right = () => true) {
  try {
    const answer = await call();
    if (right(answer)) return tell("pass", name), answer;
    tell("FAIL", name, `answered ${JSON.stringify(answer)}`);
  } catch (error) {
    tell("FAIL", name, error.message);
  }
}

/** What the mock does not play: calls, flows, groups, and what only the vendor's own proxy has. */
async function beyond(name, call) {
  try {
    tell("FAIL", name, `it is out of scope and answered ${JSON.stringify(await call())}`);
  } catch (error) {
    tell("out of scope", name, error.message.slice(0, 60));
  }
}

const sent = (answer) => answer.messages[0].id.startsWith("wamid.");
const done = (answer) => answer.success === true;
const send = (name, input) => check(`messages.${name}`, () => client.messages[name]({ phoneNumberId, to, ...input }), sent);

// Free text needs a conversation that the contact began.
const written = await whatsapp.call("POST", `/handsets/${contact}/messages`, { type: "text", text: "hi" });

const upload = (type, fileName) => client.media.upload({ phoneNumberId, type, fileName, file: new Blob([new Uint8Array(64)], { type }) });
const image = await check("media.upload", () => upload("image/png", "a.png"), (answer) => /^\d+$/.test(answer.id));
const [audio, video, document, sticker] = await Promise.all(
  [["audio/ogg", "a.ogg"], ["video/mp4", "a.mp4"], ["application/pdf", "a.pdf"], ["image/webp", "a.webp"]].map((file) => upload(...file)),
);
await check("media.get", () => client.media.get({ mediaId: image.id, phoneNumberId }), (answer) => answer.mimeType === "image/png");
await check("media.download", () => client.media.download({ mediaId: image.id, phoneNumberId, auth: "always" }), (bytes) => bytes.byteLength === 64);

await send("sendText", { body: "hello" });
const first = await client.messages.sendText({ phoneNumberId, to, body: "look", previewUrl: true, contextMessageId: written.wamid, bizOpaqueCallbackData: "x" });
await send("sendImage", { image: { id: image.id, caption: "c" } });
await send("sendAudio", { audio: { id: audio.id } });
await send("sendVideo", { video: { id: video.id, caption: "c" } });
await send("sendDocument", { document: { id: document.id, filename: "a.pdf" } });
await send("sendSticker", { sticker: { id: sticker.id } });
await send("sendLocation", { location: { latitude: 52.5, longitude: 13.4, name: "n", address: "a" } });
await send("sendContacts", { contacts: [{ name: { formattedName: "Ada L", firstName: "Ada" }, phones: [{ phone: to, type: "WORK" }] }] });
await send("sendReaction", { reaction: { messageId: written.wamid, emoji: "👍" } });
await send("sendTemplate", { template: { name: "spring_sale", language: { code: "en_US" }, components: [{ type: "body", parameters: [{ type: "text", text: "Ada" }] }] } });
await send("sendInteractiveButtons", { bodyText: "b", buttons: [{ id: "1", title: "One" }, { id: "2", title: "Two" }], footerText: "f" });
await send("sendInteractiveList", { bodyText: "b", buttonText: "open", sections: [{ title: "s", rows: [{ id: "1", title: "One", description: "d" }] }] });
await send("sendInteractiveProduct", { bodyText: "b", catalogId: "1", productRetailerId: "p" });
await send("sendInteractiveProductList", { bodyText: "b", header: { type: "text", text: "h" }, catalogId: "1", sections: [{ title: "s", productItems: [{ productRetailerId: "p" }] }] });
await send("sendInteractiveCatalogMessage", { bodyText: "b", parameters: { thumbnailProductRetailerId: "p" } });
await send("sendInteractiveFlow", { bodyText: "b", parameters: { flowId: "1", flowCta: "open", flowToken: "t", flowMessageVersion: "3", flowAction: "data_exchange" } });
await send("sendInteractiveAddress", { bodyText: "b", parameters: { country: "IN" } });
await send("sendInteractiveLocationRequest", { bodyText: "b", parameters: { requestMessage: "r" } });
await send("sendInteractiveCtaUrl", { bodyText: "b", parameters: { displayText: "d", url: "https://example.com/" } });
await send("sendInteractiveCarousel", {
  bodyText: "b",
  cards: [0, 1].map((cardIndex) => ({ cardIndex, header: { type: "image", image: { id: image.id } }, bodyText: "c", action: { displayText: "d", url: "https://example.com/" } })),
});
await send("sendInteractiveRaw", { interactive: { type: "button", body: { text: "b" }, action: { buttons: [{ type: "reply", reply: { id: "1", title: "One" } }] } } });
await send("sendInteractiveCallPermission", { bodyText: "b", parameters: { phoneNumber: to } });
await check("messages.sendRaw", () => client.messages.sendRaw({ phoneNumberId, payload: { messagingProduct: "whatsapp", to, type: "text", text: { body: "raw" } } }), sent);
await check("messages.markRead", () => client.messages.markRead({ phoneNumberId, messageId: written.wamid }), done);
await check("messages.markRead, typing", () => client.messages.markRead({ phoneNumberId, messageId: written.wamid, typingIndicator: { type: "text" } }), done);
await check("media.delete", () => client.media.delete({ mediaId: image.id, phoneNumberId }), done);

const name = "order_update";
const body = { type: "BODY", text: "Hello {{1}}!", example: { body_text: [["Ada"]] } };
const made = await check("templates.create", () => client.templates.create({ businessAccountId, name, language: "en_US", category: "UTILITY", components: [body] }), (answer) => answer.id && answer.status);
await check("templates.list", () => client.templates.list({ businessAccountId, name, limit: 10 }), (answer) => answer.data.some((template) => template.name === name));
await check("templates.list, paged", () => client.templates.list({ businessAccountId, limit: 1 }), (answer) => answer.data.length === 1 && answer.paging.cursors.after);
await check("templates.get", () => client.templates.get({ businessAccountId, templateId: made?.id }), (answer) => answer.name === name);
await check("templates.delete", () => client.templates.delete({ businessAccountId, name }), done);

const numbers = client.phoneNumbers;
await check("phoneNumbers.businessProfile.update", () => numbers.businessProfile.update({ phoneNumberId, about: "hello", websites: ["https://example.com/"] }), done);
await check("phoneNumbers.businessProfile.get", () => numbers.businessProfile.get({ phoneNumberId, fields: "about,websites" }), (answer) => answer.data[0].about === "hello");
await check("phoneNumbers.settings.get", () => numbers.settings.get({ phoneNumberId }));
await check("phoneNumbers.settings.update", () => numbers.settings.update({ phoneNumberId, fallbackLanguage: "en_US" }), done);
await check("phoneNumbers.deregister", () => numbers.deregister({ phoneNumberId }), done);
await check("phoneNumbers.register", () => numbers.register({ phoneNumberId, pin: "123456" }), done);
// Of a number that is verified, a code is refused; what is checked is that the client is understood.
const orRefused = (call) => call().catch((error) => ({ refused: error.code ?? error.error?.code }));
await check("phoneNumbers.requestCode", () => orRefused(() => numbers.requestCode({ phoneNumberId, codeMethod: "SMS", language: "en_US" })), (answer) => answer.success || answer.refused);
await check("phoneNumbers.verifyCode", () => orRefused(() => numbers.verifyCode({ phoneNumberId, code: "123456" })), (answer) => answer.success || answer.refused);

await check("request", async () => (await client.request("GET", phoneNumberId, { responseType: "json", query: { fields: "display_phone_number" } })), (answer) => answer.displayPhoneNumber);
await check("an error is the client's own", () => client.messages.sendText({ phoneNumberId, to: "1", body: "x" }).then(() => "no error", (error) => error), (error) => error.code === 131009 || error.httpStatus === 400);

await whatsapp.receive();
await whatsapp.call("POST", `/handsets/${contact}/messages`, { type: "text", text: "ü/hello" });
await whatsapp.settle();
const log = await whatsapp.call("GET", "/webhooks?limit=10000");
const last = log.items.at(-1);
const signature = Object.entries(last.headers).find(([header]) => header.toLowerCase() === "x-hub-signature-256")[1];
await check("verifySignature", async () => verifySignature({ appSecret: whatsapp.env.WHATSAPP_APP_SECRET, rawBody: last.body_raw, signatureHeader: signature }), Boolean);
await whatsapp.close();

await beyond("messages.query", () => client.messages.query({ phoneNumberId }));
await beyond("messages.get", () => client.messages.get({ phoneNumberId, messageId: first.messages[0].id }));
await beyond("messages.listByConversation", () => client.messages.listByConversation({ phoneNumberId, conversationId: "1" }));
await beyond("conversations.list", () => client.conversations.list({ phoneNumberId }));
await beyond("conversations.get", () => client.conversations.get({ conversationId: "1" }));
await beyond("conversations.updateStatus", () => client.conversations.updateStatus({ conversationId: "1", status: "ended" }));
await beyond("contacts.list", () => client.contacts.list({ phoneNumberId }));
await beyond("contacts.get", () => client.contacts.get({ phoneNumberId, waId: contact }));
await beyond("contacts.update", () => client.contacts.update({ phoneNumberId, waId: contact, profileName: "Ada" }));
const session = { sdpType: "offer", sdp: "v=0" };
await beyond("calls.connect", () => client.calls.connect({ phoneNumberId, to, session }));
for (const verb of ["preAccept", "accept"]) await beyond(`calls.${verb}`, () => client.calls[verb]({ phoneNumberId, callId: "1", session }));
for (const verb of ["reject", "terminate"]) await beyond(`calls.${verb}`, () => client.calls[verb]({ phoneNumberId, callId: "1" }));
await beyond("calls.permissions.get", () => client.calls.permissions.get({ phoneNumberId, userWaId: contact }));
await beyond("calls.list", () => client.calls.list({ phoneNumberId }));
await beyond("calls.get", () => client.calls.get({ phoneNumberId, callId: "1" }));
await beyond("flows.create", () => client.flows.create({ wabaId: businessAccountId, name: "f", categories: ["OTHER"], flowJson: { version: "7.2", screens: [] } }));
await beyond("flows.publish", () => client.flows.publish({ flowId: "1" }));

console.log(`${counts.pass} pass, ${counts.FAIL} fail, ${counts["out of scope"]} out of scope`);
process.exit(counts.FAIL ? 1 : 0);
