// Reads streams with one of other people's clients: node clients.js CLIENT URL CUTS LAST. It opens URL/cut/CLIENT-n for each n below
// CUTS, many at a time, until the event with id LAST comes, and URL/full for a second. It prints, in JSON, the events of each, the last
// being those of URL/full: name, id and data.
"use strict";
const [, , name, base, cuts, last] = process.argv;
const NAMES = ["message", "connect", "heartbeat", "issue-complete", "issue-failed", "hold-complete", "hold-released"];

// Each calls onEvent for every event, reconnects by itself, and returns what closes it.
const clients = {
  eventsource2: (url, onEvent) => viaEventSource(require("eventsource2"), url, onEvent),
  eventsource4: (url, onEvent) => viaEventSource(require("eventsource4").EventSource, url, onEvent),
  fetchEventSource(url, onEvent) {
    globalThis.window = globalThis;
    globalThis.document = { addEventListener() {}, removeEventListener() {} };
    const { fetchEventSource } = require("@microsoft/fetch-event-source");
    const stop = new AbortController();
    void fetchEventSource(url, {
      signal: stop.signal, openWhenHidden: true,
      onmessage: ({ event, id, data }) => onEvent({ name: event, id, data }),
      onclose() { throw new Error("ended"); }, // it reconnects after errors only
      onerror() {},
    });
    return () => stop.abort();
  },
};

function viaEventSource(EventSource, url, onEvent) {
  const source = new EventSource(url);
  for (const name of NAMES) source.addEventListener(name, ({ lastEventId, data }) => onEvent({ name, id: lastEventId, data }));
  return () => source.close();
}

/** Reads one stream, for at most so long. */
const read = (path, ms) => new Promise((resolve) => {
  const events = [];
  const end = () => { close(); clearTimeout(timer); resolve(events); };
  const timer = setTimeout(end, ms);
  const close = clients[name](base + path, (event) => {
    events.push(event);
    if (event.id === last && event.name !== "connect") end();
  });
});

(async () => {
  const results = [];
  let next = 0;
  const worker = async () => {
    for (let n = next++; n < Number(cuts); n = next++) results[n] = await read(`/cut/${name}-${n}`, 20_000);
  };
  await Promise.all(Array.from({ length: 50 }, worker));
  results.push(await read("/full", 1000));
  process.stdout.write(JSON.stringify(results), () => process.exit(0)); // some clients leave timers
})();
