// One visit with @statsig/js-client: initialize, events in every way of sending, a second initialize.
// Job: {url, key, user, gate, experiment, layer, parameter}.
"use strict";

const { beacons, leavePage, readJob, report, requests, settle } = require("./browser.cjs");
const { StatsigClient } = require("@statsig/js-client");

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
  leavePage();
  await settle();
  const answers = await Promise.all(beacons);

  report({
    stableID: context.stableID,
    second: { success: second.success, source },
    beacons: answers.map((reply) => reply.status),
    requests: requests.map(({ url, method, status, headers, reply }) => ({ url, method, status, headers, reply })),
  });
}

main();
