// A gate check and a client initialize response by statsig-node-lite, the spec from the linked KV store through the
// SDK's own data adapter interface. Exposures go to the backend `events` after the reply.
import "./fetch_by_backend.js"; // before the SDK, which keeps the fetch it finds
import { KVStore } from "fastly:kv-store";
import statsig from "statsig-node-lite";

const EVENTS = "http://events.test/v1"; // the backend `events`, whatever the name

class LinkedStore {
  async initialize() {
    this.store = new KVStore("specs");
  }
  async get(key) {
    if (key.includes("id_list")) return { error: new Error("no ID lists here") };
    const entry = await this.store.get("spec");
    return entry === null ? { error: new Error("no spec") } : { result: await entry.text(), time: Date.now() };
  }
  async set() {}
  async shutdown() {}
  supportsPollingUpdatesFor() {
    return false;
  }
}

const OPTIONS = {
  dataAdapter: new LinkedStore(),
  api: EVENTS,
  apiForDownloadConfigSpecs: EVENTS,
  disableRulesetsSync: true,
  disableIdListsSync: true,
  initStrategyForIDLists: "none",
  disableDiagnostics: true,
};

async function answer(event) {
  const url = new URL(event.request.url);
  const user = { userID: url.searchParams.get("userID") };
  await statsig.initialize("secret-local", OPTIONS);
  if (url.pathname === "/initialize") return Response.json(statsig.getClientInitializeResponse(user, { hash: "djb2" }));
  const gateResult = statsig.checkGateSync(user, url.searchParams.get("name"));
  event.waitUntil(statsig.flush());
  return Response.json({ userID: user.userID, gateResult });
}

addEventListener("fetch", (event) => event.respondWith(answer(event)));
