// Two workers, each with a tenant of its own on one server.
module.exports = { globalSetup: "./mock-whatsapp.js", maxWorkers: 2, testTimeout: 20_000 };
