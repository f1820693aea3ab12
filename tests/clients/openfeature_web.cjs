// Ask @openfeature/ofrep-web-provider. Job: {url, key, contexts, flags: {name: [type, default]}, missing}.
"use strict";

const { readJob, report, requests, settle } = require("./browser.cjs");
const { OFREPWebProvider } = require("@openfeature/ofrep-web-provider");
const { OpenFeature } = require("@openfeature/web-sdk");

const READERS = { boolean: "getBooleanDetails", string: "getStringDetails", number: "getNumberDetails", object: "getObjectDetails" };
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function main() {
  const job = await readJob();
  const options = { baseUrl: job.url, pollInterval: job.pollInterval, cacheMode: "disabled", headers: [["x-api-key", job.key]] };
  const provider = new OFREPWebProvider(options);
  const client = OpenFeature.getClient();
  await OpenFeature.setContext(job.contexts[0]);
  let failure = "";
  await OpenFeature.setProviderAndWait(provider).catch((error) => void (failure = String(error)));
  const answers = [];
  for (const context of job.contexts) {
    await OpenFeature.setContext(context);
    const read = ([name, [kind, otherwise]]) => {
      const { value, reason, variant, errorCode } = client[READERS[kind]](name, otherwise);
      return [name, { value, reason, variant, errorCode }];
    };
    answers.push(Object.fromEntries(Object.entries(job.flags).map(read)));
  }
  const asked = requests.length;
  await pause(job.pollInterval * 4);
  await settle();
  report({ answers, failure, polls: requests.slice(asked).map((one) => one.status), requests });
}

main();
