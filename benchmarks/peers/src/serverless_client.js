// A gate check by @statsig/serverless-client, the spec from the linked KV store (its own helper asks the KV API over
// HTTP, which is slower). Exposures go to the backend `events` after the reply.
import { KVStore } from "fastly:kv-store";
import { StatsigFastlyClient } from "@statsig/serverless-client/fastly";

const send = (url, request) => fetch("http://events.test/v1/rgstr", { ...request, backend: "events" });

async function answer(event) {
  const url = new URL(event.request.url);
  const userID = url.searchParams.get("userID");
  const client = new StatsigFastlyClient("client-local", {
    loggingEnabled: "always",
    networkConfig: { networkOverrideFunc: send },
  });
  const entry = await new KVStore("specs").get("spec");
  client.dataAdapter.setData(await entry.text());
  client.initializeSync();
  const gateResult = client.checkGate(url.searchParams.get("name"), { userID });
  event.waitUntil(client.flush());
  return Response.json({ userID, gateResult });
}

addEventListener("fetch", (event) => event.respondWith(answer(event)));
