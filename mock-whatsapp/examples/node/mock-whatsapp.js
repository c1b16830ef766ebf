// One file to copy: a mock WhatsApp for Jest. It needs Node 18 or later, no packages, and the program `mock-whatsapp`
// (on the PATH, or named by MOCK_WHATSAPP_BIN).
//
//   // jest.config.js: one server for all workers
//   module.exports = { globalSetup: "./mock-whatsapp.js" };
//
//   // a test: a tenant for each worker, so that tests in parallel do not see each other
//   const { tenant } = require("./mock-whatsapp");
//   const whatsapp = await tenant();
const { spawn } = require("node:child_process");
const { createHmac, timingSafeEqual } = require("node:crypto");
const { createServer } = require("node:http");

/** Jest's globalSetup: starts a server on a free port, unless MOCK_WHATSAPP_URL names one. It ends with Jest. */
module.exports = async function start() {
  if (process.env.MOCK_WHATSAPP_URL) return;
  const program = process.env.MOCK_WHATSAPP_BIN || "mock-whatsapp";
  const server = spawn(program, ["--listen", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "ignore"] });
  process.once("exit", () => server.kill());
  const line = await new Promise((resolve, reject) => {
    server.once("error", (error) => reject(new Error(`${program} cannot be started: ${error.message}`)));
    server.once("exit", (code) => reject(new Error(`${program} ended with ${code}`)));
    server.stdout.once("data", (data) => resolve(String(data)));
  });
  process.env.MOCK_WHATSAPP_URL = line.match(/http:\/\/\S+/)[0];
  server.unref();
  server.stdout.destroy();
};

/** A tenant of this worker's own, as new. Its time stands still unless `settings` say otherwise. */
module.exports.tenant = async function tenant(name = `jest-${process.env.JEST_WORKER_ID || 1}`, settings = {}) {
  const made = await call("POST", "/tenants", { name, clock: "frozen", ...settings });
  await call("POST", "/reset", { tenant: name });
  return new Tenant(name, made.env);
};

class Tenant {
  constructor(name, env) {
    this.name = name;
    this.env = env; // WHATSAPP_BASE_URL, WHATSAPP_TOKEN, WHATSAPP_PHONE_NUMBER_ID, …: for your service
    this.webhooks = []; // what came, oldest first
  }

  /** Any call of the control API about this tenant, as in `call("POST", "/faults", { kind: "error", code: 131000 })`. */
  call(method, path, body) {
    return call(method, path + (path.includes("?") ? "&" : "?") + `tenant=${this.name}`, body);
  }

  /** Moves the tenant's time; webhooks that fall due have been answered when this ends. */
  advance(by) {
    return this.call("POST", "/clock/advance", { by });
  }

  /** Lets everything happen that is due, and what that provokes. */
  settle() {
    return this.call("POST", "/clock/settle");
  }

  /** Whether so many sends match: `expect(await whatsapp.verify({ to: "+49…" }, 1)).toMatchObject({ pass: true })`. */
  async verify(match, count, within = "5s") {
    const response = await request("POST", `/verify?tenant=${this.name}`, { match, count, within });
    return response.json();
  }

  /** Receives webhooks from now on: checks their signatures, keeps them and hands their bodies to `handle`. */
  async receive(handle = async () => {}) {
    this.receiver = createServer((incoming, outgoing) => {
      const url = new URL(incoming.url, "http://localhost");
      if (incoming.method === "GET") {
        const right = url.searchParams.get("hub.verify_token") === this.env.WHATSAPP_VERIFY_TOKEN;
        return outgoing.writeHead(right ? 200 : 403).end(url.searchParams.get("hub.challenge"));
      }
      const chunks = [];
      incoming.on("data", (chunk) => chunks.push(chunk));
      incoming.on("end", async () => {
        const raw = Buffer.concat(chunks);
        if (!this.signed(raw, incoming.headers["x-hub-signature-256"])) return outgoing.writeHead(401).end();
        const body = JSON.parse(raw);
        this.webhooks.push(body);
        await handle(body);
        outgoing.writeHead(200).end();
      });
    });
    await new Promise((resolve) => this.receiver.listen(0, "127.0.0.1", resolve));
    await this.call("PUT", "/webhook", { url: `http://127.0.0.1:${this.receiver.address().port}/` });
  }

  /** Whether a webhook's body, byte for byte, is signed with the app's secret. */
  signed(raw, signature = "") {
    const wanted = "sha256=" + createHmac("sha256", this.env.WHATSAPP_APP_SECRET).update(raw).digest("hex");
    return signature.length === wanted.length && timingSafeEqual(Buffer.from(signature), Buffer.from(wanted));
  }

  /** Ends the receiver. */
  async close() {
    this.receiver?.closeAllConnections();
    await new Promise((resolve) => (this.receiver ? this.receiver.close(resolve) : resolve()));
  }
}

function request(method, path, body) {
  const token = process.env.MOCK_WHATSAPP_CONTROL_TOKEN;
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  return fetch(`${process.env.MOCK_WHATSAPP_URL}/_mock${path}`, { method, headers, body: body && JSON.stringify(body) });
}

async function call(method, path, body) {
  const response = await request(method, path, body);
  const answer = await response.json();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
  return answer;
}
