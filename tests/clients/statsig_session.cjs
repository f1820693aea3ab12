// One visit with @statsig/js-client: initialize, events in every way of sending, a second initialize, offline bootstrap.
// Job: {url, key, user, gate, experiment, layer, parameter}.
"use strict";

const { beacons, readJob, report, requests } = require("./browser.cjs");
const { Log, LogLevel } = require("@statsig/client-core");
const { StatsigClient } = require("@statsig/js-client");

const warnings = [];
for (const level of ["warn", "error"]) {
  console[level] = (...parts) => void warnings.push(parts.map(String).join(" "));
}
Log.level = LogLevel.Warn;

function makeClient(job, more = {}) {
  const options = { networkConfig: { api: `${job.url}/v1` }, loggingEnabled: "always", ...more };
  return new StatsigClient(job.key, job.user, options);
}

// Log one exposure of each kind and an event of the page's own, marked by how they are to be sent.
function visit(client, job, way) {
  client.checkGate(job.gate);
  client.getExperiment(job.experiment);
  client.getLayer(job.layer).get(job.parameter);
  client.logEvent(`bought_${way}`, 42, { way });
}

async function main() {
  const job = await readJob();
  const first = makeClient(job);
  await first.initializeAsync();
  const context = first.getContext();
  visit(first, job, "plain");
  await first.flush();

  const again = makeClient(job);
  const second = await again.initializeAsync();
  const source = again.getFeatureGate(job.gate).details.reason;

  const squeezed = makeClient(job, { logEventCompressionMode: "f" });
  await squeezed.initializeAsync();
  visit(squeezed, job, "gzip");
  await squeezed.flush();

  const leaving = makeClient(job);
  await leaving.initializeAsync();
  visit(leaving, job, "beacon");
  await leaving.shutdown();
  const answers = await Promise.all(beacons);

  // What a server would render into the page: the same reply, then a client that may not use the network.
  const body = { user: { ...job.user, customIDs: { stableID: context.stableID } } };
  const rendered = await fetch(`${job.url}/v1/initialize?k=${job.key}`, { method: "POST", body: JSON.stringify(body) });
  const text = await rendered.text();
  const asked = requests.length;
  warnings.length = 0;
  const offline = makeClient(
    { ...job, user: body.user },
    { networkConfig: { preventAllNetworkTraffic: true }, loggingEnabled: "disabled" },
  );
  offline.dataAdapter.setData(text);
  offline.initializeSync();
  const gate = offline.getFeatureGate(job.gate);

  report({
    stableID: context.stableID,
    second: { success: second.success, source },
    beacons: answers.map((reply) => reply.status),
    offline: { value: gate.value, reason: gate.details.reason, warnings, requests: requests.length - asked },
    requests: requests.map(({ url, method, status, headers, reply }) => ({ url, method, status, headers, reply })),
  });
}

main();
