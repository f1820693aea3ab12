// Client responses of the official core in Node, which can write every format: one JSON job on stdin, answers on stdout.
const { Statsig, StatsigUser } = require("@statsig/statsig-node-core");

async function answer(job) {
  const never = 3_600_000;
  const statsig = new Statsig("secret-loopback", {
    specsUrl: `${job.url}/v2/download_config_specs`,
    idListsUrl: `${job.url}/v1/get_id_lists`,
    logEventUrl: `${job.url}/v1/log_event`,
    proxyConfig: { proxyHost: "127.0.0.1", proxyPort: job.port, proxyProtocol: "http" },
    specsSyncIntervalMs: never,
    eventLoggingFlushIntervalMs: never,
    disableAllLogging: true,
    waitForCountryLookupInit: true,
    waitForUserAgentInit: true,
    outputLogLevel: "none",
  });
  const started = await statsig.initialize();
  if (!started.isSuccess) throw new Error(started.error);
  const answers = job.cases.map(({ user, options }) => {
    const filters = Object.entries(options).map(([key, value]) => [key, Array.isArray(value) ? new Set(value) : value]);
    return JSON.parse(statsig.getClientInitializeResponse(new StatsigUser(user), Object.fromEntries(filters)));
  });
  await statsig.shutdown();
  return answers;
}

let text = "";
process.stdin.on("data", (piece) => (text += piece));
process.stdin.on("end", () => answer(JSON.parse(text)).then((answers) => console.log(JSON.stringify(answers))));
