const { tenant } = require("./mock-whatsapp");

let whatsapp;

beforeEach(async () => {
  whatsapp = await tenant();
  await whatsapp.receive();
});

afterEach(() => whatsapp.close());

/** A client of one's own is enough. */
function send(to, body) {
  const { WHATSAPP_BASE_URL: url, WHATSAPP_TOKEN: token, WHATSAPP_PHONE_NUMBER_ID: id } = whatsapp.env;
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const message = { messaging_product: "whatsapp", to, type: "template", ...body };
  return fetch(`${url}/v25.0/${id}/messages`, { method: "POST", headers, body: JSON.stringify(message) });
}

const hello = { template: { name: "hello_world", language: { code: "en_US" } } };

test("statuses come by signed webhooks, in order", async () => {
  expect((await send("+4915112345678", hello)).status).toBe(200);
  await whatsapp.settle();
  const statuses = whatsapp.webhooks.map((body) => body.entry[0].changes[0].value.statuses[0].status);
  expect(statuses).toEqual(["sent", "delivered", "read"]);
});

test("an error on demand comes once", async () => {
  await whatsapp.call("POST", "/faults", { kind: "error", code: 131000, first: 1 });
  const refused = await send("+4915112345678", hello);
  expect([refused.status, (await refused.json()).error.code]).toEqual([500, 131000]);
  expect((await send("+4915112345678", hello)).status).toBe(200);
});

test("the referee objects to a message that is sent twice", async () => {
  for (let time = 0; time < 2; time++) await send("+4915112345678", { ...hello, biz_opaque_callback_data: "order-1" });
  expect(await whatsapp.call("GET", "/referee")).toMatchObject({ verdict: "guilty" });
});
