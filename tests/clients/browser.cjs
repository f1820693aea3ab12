// As much of a browser as Statsig's and OpenFeature's web clients look for, over Node's own fetch.
"use strict";

const kept = new Map();
const listeners = new Map();

function listen(name, listener) {
  listeners.set(name, [...(listeners.get(name) ?? []), listener]);
}

const beacons = [];
const page = {
  addEventListener: listen,
  removeEventListener() {},
  visibilityState: "visible",
};
const storage = {
  getItem: (key) => kept.get(key) ?? null,
  setItem: (key, value) => void kept.set(key, value),
  removeItem: (key) => void kept.delete(key),
  get length() { return kept.size; },
  key: (index) => [...kept.keys()][index] ?? null,
};

globalThis.document = page;
globalThis.localStorage = storage;
globalThis.navigator = {
  onLine: true,
  // The body of a beacon is text and nothing waits for its answer; the test does, by `beacons`.
  sendBeacon(url, body) {
    beacons.push(fetch(url, { method: "POST", body }));
    return true;
  },
};
globalThis.window = {
  document: page,
  localStorage: storage,
  navigator: globalThis.navigator,
  addEventListener: listen,
  removeEventListener() {},
  btoa: globalThis.btoa,
  location: { href: "https://shop.example/" },
};

// Every request that the client makes, for the test to look at.
const requests = [];
const pending = [];
const plainFetch = globalThis.fetch;
globalThis.fetch = (url, options) => {
  const request = { url: String(url), method: options?.method ?? "GET", headers: options?.headers ?? {} };
  requests.push(request);
  const answered = plainFetch(url, options).then(async (reply) => {
    request.status = reply.status;
    request.reply = reply.headers.get("content-type")?.includes("json") ? await reply.clone().text() : "";
    return reply;
  });
  pending.push(answered);
  return answered;
};

// Wait until everything that was asked is answered.
async function settle() {
  for (let known = -1; known !== pending.length;) {
    known = pending.length;
    await Promise.allSettled(pending);
  }
}

// Leave the page: from now on the clients send what they hold by beacon.
function leavePage() {
  for (const listener of listeners.get("beforeunload") ?? []) listener();
}

async function readJob() {
  const parts = [];
  for await (const part of process.stdin) parts.push(part);
  return JSON.parse(Buffer.concat(parts).toString());
}

function report(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`, () => process.exit(0));
}

module.exports = { beacons, leavePage, readJob, report, requests, settle };
