// Ask @statsig/js-client for every value of many users. Job: {url, key, users, gates, configs, experiments, layers}.
"use strict";

const { readJob, report } = require("./browser.cjs");
const { StatsigClient } = require("@statsig/js-client");

// The client refuses to send more than about 50 requests a second, and its bucket leaks only what whole pauses of
// 20 ms let out: a quick host would meet that limit of the client's own.
const PAUSE_MS = 25;

async function main() {
  const job = await readJob();
  const client = new StatsigClient(job.key, job.users[0], {
    networkConfig: { api: `${job.url}/v1` },
    loggingEnabled: "disabled",
  });
  await client.initializeAsync();
  const answers = [];
  for (const user of job.users) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    const updated = await client.updateUserAsync(user);
    const quiet = { disableExposureLog: true };
    const ask = (names, read) => Object.fromEntries(names.map((name) => [name, read(name)]));
    answers.push({
      success: updated.success,
      gates: ask(job.gates, (name) => client.getFeatureGate(name, quiet).value),
      configs: ask(job.configs, (name) => client.getDynamicConfig(name, quiet).value),
      experiments: ask(job.experiments, (name) => client.getExperiment(name, quiet).value),
      layers: ask(Object.keys(job.layers), (name) => {
        const layer = client.getLayer(name, quiet);
        return Object.fromEntries(job.layers[name].map((key) => [key, layer.get(key, null)]));
      }),
    });
  }
  report(answers);
}

main();
