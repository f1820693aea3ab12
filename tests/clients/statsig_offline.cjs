// Boot @statsig/js-client from a reply, as a page that a server rendered does. Job: {key, user, reply, gate}.
"use strict";

const { readJob, report, requests } = require("./browser.cjs");
const { StatsigClient } = require("@statsig/js-client");

const warnings = [];
for (const level of ["warn", "error"]) {
  console[level] = (...parts) => void warnings.push(parts.map(String).join(" "));
}

async function main() {
  const job = await readJob();
  const client = new StatsigClient(job.key, job.user, {
    networkConfig: { preventAllNetworkTraffic: true },
    loggingEnabled: "disabled",
  });
  client.dataAdapter.setData(job.reply);
  client.initializeSync();
  const gate = client.getFeatureGate(job.gate);
  report({ value: gate.value, reason: gate.details.reason, warnings, requests: requests.length });
}

main();
