// A small client for onsale's event streams and commands. Plain EventSource and fetch work without it; this adds what they lack:
//
//   const stream = connect({ path: "/subscribe/kim", onEvent: ({ name, data, id }) => …, onReset: (snapshot) => … });
//   const answer = await issue("demo", { user: "kim" });         // or request(path, { user, body })
//   if (answer.status === 202) await outcome(answer.body);       // when the stream has not told it
//
// Every event comes once and in order: over a reload (the last id is in sessionStorage), a dead line (heartbeats are watched),
// a browser that gave up (Firefox does after one refused connection), and in all tabs, which share one stream: the tab that
// holds a Web Lock listens, the others hear it by BroadcastChannel. Without a secure context each tab listens for itself.
// What a slow watcher of seats missed comes as one burst, the latest of each seat: it is told when it is whole, or not at all.
// Wishes keep their Idempotency-Key until they are answered, over a reload too, so that asking again never asks twice.

// @ts-check
/** @typedef {{name: string, id: string, data: any}} Heard data is what the JSON says, or the text where it is none */
/** @typedef {{name: string, id: string, texts: string[], time: number}} Frame texts are more than one where it was a burst */
/** @typedef {object} Options
 * @property {string} path of the stream, with its query
 * @property {(event: Heard) => void} onEvent hears what happened; unnamed frames have the name "message"
 * @property {string[]} [names] of the frames to hear beside unnamed ones; by default all that there are
 * @property {string} [storageKey] tabs with the same one share a stream; the path by default. It must tell users apart
 * @property {string} [from] the position of what the page shows (Last-Event-ID of a GET), to hear nothing older
 * @property {number} [heartbeat] of the stream in milliseconds; after 2.5 of silence the connection is made anew
 * @property {(snapshot: string) => void} [onReset] what was missed cannot be told: fetch the present state, from this path
 * @property {(state: "live" | "beat" | "connecting", frame?: Heard) => void} [onState] "live" is the connect frame
 * @property {() => any} [poll] asks for the present state; called while streams do not get through at all */
const NAMES = `issue-complete issue-failed coupon-used use-failed coupon-revoked hold-complete hold-failed hold-extended extend-failed
  hold-released release-failed hold-expired reserve-complete reserve-failed reservation-cancelled cancel-failed waiting waiting-failed
  offer offer-expired order-accepted order-refused order-pending order-success order-failure order-refunding order-refunded success
  failure alarm alarm-read command-complete command-failed seatStatusChange progress status`.split(/\s+/);
// How a promotion stands. The newest counts, whatever its id; it comes with every connection, and is told when it says
// something else.
const STATES = ["progress", "status"];
// The verdict on an order ends its stream, for all tabs. It is not remembered: who opens the stream again hears it again.
const VERDICTS = ["success", "failure"];
const GREETING = 15_000; // a connection must say "connect" or end within this time
const RECENT = 256;      // events that the listening tab keeps for tabs that open later

/** Listens until close() is called. @param {Options} options */
export function connect({ path, onEvent, names = NAMES, storageKey = path, from = "", heartbeat = 30_000, onReset, onState, poll }) {
  const slot = "onsale.last " + storageKey, self = word();
  const patience = Math.max(4 * heartbeat, 60_000); // with a silent leader, which mends its stream after 2.5
  const shared = "locks" in navigator && "BroadcastChannel" in globalThis;
  let last = recall(slot); // this tab has heard everything up to here
  if (from && isAfter(from, last)) last = from;
  /** @type {EventSource | undefined} */ let stream;
  /** @type {BroadcastChannel | undefined} */ let channel;
  /** @type {AbortController | undefined} */ let waiting; // for the lock
  /** @type {(() => void) | undefined} */ let resign;     // gives the lock back
  /** @type {Promise<void> | undefined} */ let polling;
  /** @type {Frame[]} */ let recent = [];
  /** @type {string[]} */ let burst = [];                 // what has come of it: its id comes with the last frame
  /** @type {Map<string, Frame>} */ const shown = new Map(); // the newest of STATES
  let at = "", floor = "";                                // the leader's stream stands at; recent begins after floor
  let leader = "", leading = false, greeted = false, tries = 0, failures = 0, watchdog = 0, opening = 0;

  /** Takes a frame, from the stream or from the leader. @param {Frame} frame */
  function hear(frame) {
    const { name, id, texts } = frame, events = texts.map((text) => ({ name, id, data: parse(text) }));
    const [event] = events, { data } = event, news = isAfter(id, last), state = STATES.includes(name);
    if (name === "connect") {
      failures = 0;
      if (data?.status === "reset" || !last) last = id;
      call(onState, "live", event);
      if (data?.status === "reset") call(onReset, data.snapshot);
    } else {
      if (name === "heartbeat" || data?.isHeartbeat) call(onState, "beat", event);
      else if (state ? shown.get(name)?.texts[0] !== texts[0] : news) events.forEach((each) => call(onEvent, each));
      if (state) shown.set(name, frame);
      if (news) last = id;
    }
    const over = VERDICTS.includes(name);
    keep(slot, over ? "" : last);
    if (over) close();
  }
  /** Nothing comes: says so, and when streams do not get through at all, asks. @param {number} inARow */
  function trouble(inARow) {
    failures = inARow;
    call(onState, "connecting");
    if (failures >= 3) polling ??= Promise.resolve().then(poll).catch(reportError).finally(() => { polling = undefined; });
  }
  function open() {
    const url = new URL(path, location.href);
    if (at) url.searchParams.set("lastEventId", at); // the header, which the browser sends when it comes back, wins
    const mine = stream = new EventSource(url, { withCredentials: true }), all = new Set(["connect", "heartbeat", "message", ...names]);
    all.forEach((name) => mine.addEventListener(name, (event) => take(name, event)));
    mine.onerror = () => broken(mine.readyState === EventSource.CLOSED);
    watch(GREETING);
  }
  /** @param {string} name @param {MessageEvent} event */
  function take(name, event) {
    const { lastEventId: id, data: text } = event;
    watch(2.5 * heartbeat);
    if (name === "connect") [greeted, tries, burst] = [true, 0, []]; // after one that broke off every step comes
    else if (id === at && parse(text)?.scheduleSeatId >= 0) {
      burst.push(text);
      channel?.postMessage({ leader: self }); // which is not silent, however long this takes
      return;
    }
    const frame = { name, id, texts: [...burst, text], time: Date.now() };
    [at, burst] = [id, []];
    if (name === "connect" && (!floor || parse(text)?.status === "reset")) [floor, recent] = [at, []];
    if (name !== "connect" && !STATES.includes(name)) recent.push(frame);
    while (recent.length > 1 && recent.flatMap(({ texts }) => texts).length > RECENT) floor = recent.shift()?.id ?? at;
    channel?.postMessage({ leader: self, frame });
    hear(frame);
  }
  /** @param {boolean} gone the browser will not come back by itself, or waits in vain */
  function broken(gone) {
    if (!greeted) failures++;
    greeted = false;
    if (gone) again(Math.random() * Math.min(30_000, 500 * 2 ** tries++));
    else watch(GREETING);
    channel?.postMessage({ leader: self, broken: true, failures });
    trouble(failures);
  }

  function quiet() {
    stream?.close();
    for (const timer of [watchdog, opening]) clearTimeout(timer);
  }
  /** @param {number} ms until a new stream is opened */
  function again(ms) {
    quiet();
    opening = setTimeout(open, ms);
  }
  /** Lets another tab in: tells what it has not heard. @param {string} tab @param {string} theirs its last id */
  function admit(tab, theirs) {
    if (theirs && theirs !== floor && (!floor || !sameLog(theirs, floor) || !isAfter(theirs, floor))) {
      [at, floor, recent, greeted] = [theirs, theirs, [], false];
      again(50); // it has heard less than is kept here: all go back there, and who has heard an event passes it over
    }
    const missed = recent.filter((frame) => (theirs ? isAfter(frame.id, theirs) : frame.time > Date.now() - 5000));
    channel?.postMessage({ leader: self, tab, missed: [...shown.values(), ...missed], at, greeted });
  }
  /** @param {boolean} [steal] from a leader that has fallen silent */
  function apply(steal = false) {
    waiting?.abort();
    const turn = waiting = new AbortController();
    navigator.locks.request("onsale " + storageKey, steal ? { steal } : { signal: turn.signal }, () => {
      if (turn.signal.aborted) return;
      lead();
      return new Promise((resolve) => { resign = () => resolve(undefined); });
    }).catch(() => {
      if (turn !== waiting || turn.signal.aborted) return;
      leading = false; // it was stolen
      quiet();
      apply();
      join();
    });
  }
  function lead() {
    leading = true;
    [at, floor, recent, greeted] = [last, last, [], false];
    channel?.postMessage({ leader: self, leads: true });
    again(shared ? 50 : 0); // until then other tabs can say that they have heard less
  }
  function join() {
    leader = "";
    channel?.postMessage({ tab: self, last });
    watch(patience);
  }
  /** @param {MessageEvent} message */
  function receive({ data: said }) {
    if (leading && !said.leader) admit(said.tab, said.last);
    if (leading && !VERDICTS.includes(said.frame?.name)) return; // the lock may be quicker than a leader's last word
    if (said.leads) join();
    if (said.tab === self) {
      leader = said.leader;
      said.missed.forEach(hear);
      last ||= said.at;
      if (said.greeted) call(onState, "live");
    } else if (said.leader === leader) {
      watch(patience);
      if (said.frame) hear(said.frame);
      if (said.broken) trouble(said.failures);
    }
  }
  /** @param {number} ms of silence that are too long */
  function watch(ms) {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => (leading ? broken(true) : apply(true)), ms);
  }
  function start() {
    if (!shared) return lead();
    channel = new BroadcastChannel("onsale " + storageKey);
    channel.onmessage = receive;
    join();
    apply();
  }
  function leave() {
    leading = false;
    waiting?.abort();
    quiet();
    channel?.close();
    resign?.();
  }

  function close() {
    ended.abort();
    leave();
  }

  const ended = new AbortController(), listener = { signal: ended.signal };
  addEventListener("pagehide", leave, listener);
  addEventListener("pageshow", (event) => { if (event.persisted) start(); }, listener);
  start();
  return { get lastEventId() { return last; }, get leading() { return leading; }, close };
}

/** Sends a command. Its key is kept until there is an answer: while there is none, the same command is the same request.
 * A user is named in auth.mode demo; a key that is given is kept by who gave it. @param {string} path
 * @param {{body?: any, user?: string, headers?: Record<string, string>, attempts?: number, key?: string}} [options]
 * @returns {Promise<{ok: boolean, status: number, body: any}>} status 0: the server was not reached */
export async function request(path, { body, user = "", headers = {}, attempts = 5, key: given = "" } = {}) {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const slot = `onsale.key ${user} ${path} ${text ?? ""}`, key = given || recall(slot) || word();
  if (!given) keep(slot, key); // before it is sent
  headers = { ...headers, "Idempotency-Key": key, ...(user && { "X-User-Id": user }), ...(text && { "Content-Type": "application/json" }) };
  for (let attempt = 1; ; attempt++) {
    let seconds = attempt / 2, answer = { ok: false, status: 0, body: /** @type {any} */ ({}) };
    try {
      const response = await fetch(path, { method: "POST", headers, body: text, credentials: "include" });
      answer = { ok: response.ok, status: response.status, body: parse(await response.text()) };
      seconds = Math.min(Number(response.headers.get("Retry-After")) || seconds, 30);
    } catch { /* nobody knows whether it arrived */ }
    const answered = ![0, 429, 502, 503, 504].includes(answer.status);
    if (answered) keep(slot, "");
    if (answered || attempt >= attempts) return answer;
    await pause(seconds * (1 + Math.random() / 4));
  }
}
/** Asks for a coupon. @param {string} promotion @param {Parameters<typeof request>[1]} [options] */
export const issue = (promotion, options) => request(`/api/v1/promotions/${encodeURIComponent(promotion)}/coupons`, options);

/** Waits by long polls for the outcome of what was accepted: what GET /api/v1/requests/… says when it is decided.
 * @param {any} accepted the body of a 202 @param {{user?: string, signal?: AbortSignal}} [options] */
export async function outcome(accepted, { user, signal } = {}) {
  const headers = new Headers(user ? { "X-User-Id": user } : {});
  for (;;) {
    const response = await fetch(accepted.links.request + "&wait=20s", { headers, credentials: "include", signal })
      .catch(() => signal?.throwIfAborted());
    const found = response?.ok ? await response.json().catch(() => undefined) : undefined;
    if (found && found.status !== "PENDING") return found;
    if (!found) await pause(1 + 2 * Math.random());
  }
}

const pause = (/** @type {number} */ seconds) => new Promise((resume) => setTimeout(resume, seconds * 1000));
const word = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
/** Is position a later than b? They are <epoch>-<n>, or <epoch>-<n>.<k> within event n. @param {string} a @param {string} b */
function isAfter(a, b) {
  if (!b || !sameLog(a, b)) return a !== b;
  const [n, k] = place(a), [m, l] = place(b);
  return n > m || (n === m && k > l);
}
const sameLog = (/** @type {string} */ a, /** @type {string} */ b) => a.split("-")[0] === b.split("-")[0];
const place = (/** @type {string} */ id) => (id.split("-")[1] ?? "").split(".").concat("Infinity").map(Number);
/** @param {string} text */
function parse(text) {
  try { return JSON.parse(text); } catch { return text; }
}
/** A page's fault is reported, and the next event comes. @param {((...args: any[]) => void) | undefined} f @param {...any} args */
function call(f, ...args) {
  try { f?.(...args); } catch (fault) { reportError(fault); }
}
/** @param {string} slot */
function recall(slot) {
  try { return sessionStorage.getItem(slot) ?? ""; } catch { return ""; }
}
/** Where storage is forbidden, a reload is not survived. @param {string} slot @param {string} value */
function keep(slot, value) {
  try { value ? sessionStorage.setItem(slot, value) : sessionStorage.removeItem(slot); } catch { /* forbidden, or full */ }
}
