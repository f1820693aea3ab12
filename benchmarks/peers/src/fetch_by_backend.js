// Sends what an SDK fetches by its address to the one backend that the service has, as Fastly asks for.
const fetchFrom = globalThis.fetch;

globalThis.fetch = (url, request) => fetchFrom(url, { ...request, backend: "events" });
