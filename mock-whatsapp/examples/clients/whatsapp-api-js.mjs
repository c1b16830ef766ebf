// Every call that whatsapp-api-js offers, made against the mock. This client writes some objects as a text of JSON, and some
// words in small letters, as the Graph API lets it.
//
//   node whatsapp-api-js.mjs      with the package installed beside it, and MOCK_WHATSAPP_BIN or MOCK_WHATSAPP_URL set
import { createRequire } from "node:module";
import { WhatsAppAPI } from "whatsapp-api-js";
import * as as from "whatsapp-api-js/messages";

const start = createRequire(import.meta.url)("./mock-whatsapp.js");
await start();
const whatsapp = await start.tenant(`api-js-${process.pid}`);
const { WHATSAPP_BASE_URL: base, WHATSAPP_TOKEN: token, WHATSAPP_PHONE_NUMBER_ID: from } = whatsapp.env;
// The address is not to be set, so the request is led elsewhere.
const elsewhere = (url, options) => fetch(String(url).replace(/^https:\/\/[^/]+/, base), options);
const client = new WhatsAppAPI({ token, appSecret: whatsapp.env.WHATSAPP_APP_SECRET, v: "v23.0", ponyfill: { fetch: elsewhere } });

const to = { phone: "+4915112345678" };
const counts = { pass: 0, FAIL: 0, "out of scope": 0 };

function tell(result, name, why = "") {
  counts[result] += 1;
  console.log(`${result.padEnd(12)} ${name}${why && `: ${why}`}`);
}

async function check(name, call, right = (answer) => answer.success === true) {
  const answer = await call().catch((error) => ({ error: error.message }));
  tell(right(answer) ? "pass" : "FAIL", name, right(answer) ? "" : JSON.stringify(answer));
  return answer;
}

// This client throws nothing: it hands on what the API answered.
async function beyond(name, call) {
  const answer = await call();
  tell(answer.error?.code === 100 ? "out of scope" : "FAIL", name, answer.error?.message.slice(0, 60) ?? JSON.stringify(answer));
}

// Free text needs a conversation that the contact began.
const written = await whatsapp.call("POST", "/handsets/4915112345678/messages", { type: "text", text: "hi" });

const form = new FormData();
form.set("file", new Blob([new Uint8Array(64)], { type: "image/png" }), "a.png");
const image = await check("uploadMedia", () => client.uploadMedia(from, form), (answer) => /^\d+$/.test(answer.id));
const found = await check("retrieveMedia", () => client.retrieveMedia(image.id), (answer) => answer.mime_type === "image/png");
await check("fetchMedia", () => client.fetchMedia(found.url), (answer) => answer.status === 200);

const { Body, Header, Footer, Interactive, Product } = as;
const link = (file) => `https://shop.example/${file}`;
const messages = {
  Text: new as.Text("hello", true),
  Image: new as.Image(image.id, true, "c"),
  Document: new as.Document(link("a.pdf"), false, "c", "a.pdf"),
  Audio: new as.Audio(link("a.ogg"), false, true),
  Video: new as.Video(link("a.mp4"), false, "c"),
  Sticker: new as.Sticker(link("a.webp")),
  Location: new as.Location(13.4, 52.5, "n", "a"),
  Contacts: new as.Contacts([new as.Name("Ada L", "Ada"), new as.Phone(to.phone, "WORK"), new as.Birthday("1990", "12", "31")]),
  Reaction: new as.Reaction(written.wamid, "👍"),
  ActionButtons: new Interactive(new as.ActionButtons(new as.Button("1", "One")), new Body("b"), new Header(new as.Image(image.id, true)), new Footer("f")),
  ActionList: new Interactive(new as.ActionList("open", new as.ListSection("s", new as.Row("1", "One", "d"))), new Body("b"), new Header("h")),
  ActionCTA: new Interactive(new as.ActionCTA("d", link("")), new Body("b")),
  ActionCatalog: new Interactive(new as.ActionCatalog(new Product("p")), new Body("b")),
  ActionProduct: new Interactive(new as.ActionProduct(new as.CatalogProduct("p", "1"))),
  ActionProductList: new Interactive(new as.ActionProductList("1", new as.ProductSection("s", new Product("p"))), new Body("b"), new Header("h")),
  ActionLocation: new Interactive(new as.ActionLocation(), new Body("b")),
  ActionCallPermission: new Interactive(new as.ActionCallPermission(), new Body("b")),
  ActionContactRequest: new Interactive(new as.ActionContactRequest(), new Body("b")),
  ActionNavigateFlow: new Interactive(new as.ActionNavigateFlow("t", "1", "open", "FIRST", { a: 1 }), new Body("b")),
  ActionDataExchangeFlow: new Interactive(new as.ActionDataExchangeFlow("t", "1", "open"), new Body("b")),
  Template: new as.Template("spring_sale", new as.Language("en_US", "deterministic"), new as.BodyComponent(new as.BodyParameter("Ada"))),
};
const sent = (answer) => answer.messages?.[0].id.startsWith("wamid.");
for (const [name, message] of Object.entries(messages)) await check(`sendMessage, ${name}`, () => client.sendMessage(from, to, message), sent);
await check("sendMessage, an answer", () => client.sendMessage(from, to, messages.Text, written.wamid, "data"), sent);
await check("broadcastMessage", () => Promise.all(client.broadcastMessage(from, [to, to], messages.Template)), (answers) => answers.every(sent));
await check("markAsRead", () => client.markAsRead(from, written.wamid));
await check("markAsRead, typing", () => client.markAsRead(from, written.wamid, "text"));

const code = await check("createQR", () => client.createQR(from, "Hello"), (answer) => answer.qr_image_url.endsWith(".png"));
await check("retrieveQR", () => client.retrieveQR(from, code.code), (answer) => answer.data[0].prefilled_message === "Hello");
await check("updateQR", () => client.updateQR(from, code.code, "Hi"), (answer) => answer.prefilled_message === "Hi");
await check("deleteQR", () => client.deleteQR(from, code.code));
await check("deleteMedia", () => client.deleteMedia(image.id, from));
await check("blockUser", () => client.blockUser(from, to.phone), (answer) => answer.block_users?.added_users.length === 1);
await check("unblockUser", () => client.unblockUser(from, to.phone), (answer) => answer.block_users?.removed_users.length === 1);

await whatsapp.receive();
await whatsapp.call("POST", "/handsets/4915112345678/messages", { type: "text", text: "ü/hello" });
await whatsapp.settle();
const last = (await whatsapp.call("GET", "/webhooks?limit=10000")).items.at(-1);
const signature = Object.entries(last.headers).find(([header]) => header.toLowerCase() === "x-hub-signature-256")[1];
await check("verifyRequestSignature", () => client.verifyRequestSignature(last.body_raw, signature), Boolean);
await whatsapp.close();

await beyond("initiateCall", () => client.initiateCall(from, to, "v=0"));
await beyond("preacceptCall", () => client.preacceptCall(from, "1", "v=0"));
await beyond("acceptCall", () => client.acceptCall(from, "1", "v=0"));
await beyond("rejectCall", () => client.rejectCall(from, "1"));
await beyond("terminateCall", () => client.terminateCall(from, "1"));

console.log(`${counts.pass} pass, ${counts.FAIL} fail, ${counts["out of scope"]} out of scope`);
process.exit(counts.FAIL ? 1 : 0);
