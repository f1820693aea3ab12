// Run Statsig's Node server SDK against a server; see test_server_sdks.py.
"use strict";

const readline = require("node:readline");
const statsig = require("statsig-node").default;

function report(user) {
  const answers = {
    changing: statsig.checkGateSync(user, "changing"),
    listed: statsig.checkGateSync({ userID: "member-7" }, "listed"),
    not_listed: statsig.checkGateSync({ userID: "stranger" }, "listed"),
    config: statsig.getConfigSync(user, "config_a").value,
  };
  process.stdout.write(`${JSON.stringify(answers)}\n`);
}

async function main() {
  const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const job = JSON.parse((await lines.next()).value);
  await statsig.initialize(job.key, {
    api: `${job.url}/v1`,
    rulesetsSyncIntervalMs: 1000,
    idListsSyncIntervalMs: 1000,
    disableDiagnostics: true,
  });
  const user = { userID: "u" };
  report(user);
  await lines.next(); // the test has written another spec
  const deadline = Date.now() + 20_000;
  while (!statsig.checkGateSync(user, "changing") && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  report(user);
  statsig.logEvent(user, "server_bought", 1, { sdk: "node" });
  await statsig.flush();
  await statsig.shutdownAsync();
  process.exit(0);
}

main();
