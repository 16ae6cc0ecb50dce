// A small client for onsale's event streams and commands. Plain EventSource and fetch work without it; this adds what they lack:
//
//   const stream = connect({ path: "/subscribe/kim", onEvent: ({ name, data, id }) => …, onReset: (snapshot) => … });
//   const answer = await issue("demo", { user: "kim" });         // or request(path, { user, body })
//   if (answer.status === 202) await outcome(answer.body);       // unless the stream delivers it first
//
// Every event is delivered once and in order: across a reload (the last id is in sessionStorage), a dead connection (heartbeats
// are watched), a browser that gave up (Firefox does after one refused connection), and in all tabs. The tabs share one stream:
// the tab that holds a Web Lock is the leader and connects, the others follow by BroadcastChannel. Without a secure context each
// tab connects by itself. What a slow watcher of seats missed comes as one conflated update, the latest state of each seat, and
// is delivered when it is complete, or not at all. A command keeps its Idempotency-Key until there is a response, also across a
// reload, so that a retry never runs it twice.

// @ts-check
/** @typedef {{name: string, id: string, data: any}} StreamEvent data is parsed JSON, or the text if it is not JSON */
/** @typedef {{name: string, id: string, texts: string[], time: number}} Frame has several texts if it was conflated */
/** @typedef {object} Options
 * @property {string} path of the stream, with its query
 * @property {(event: StreamEvent) => void} onEvent gets each event; unnamed frames have the name "message"
 * @property {string[]} [names] of the frames to receive besides unnamed ones; all by default
 * @property {string} [storageKey] tabs with the same key share a stream; the path by default. It must differ between users
 * @property {string} [from] the position of what the page shows (Last-Event-ID of a GET): older events are skipped
 * @property {number} [heartbeat] interval of the stream in milliseconds; after 2.5 without a frame the client reconnects
 * @property {(snapshot: string) => void} [onReset] missed events cannot be delivered: fetch the present state from this path
 * @property {(state: "live" | "beat" | "connecting", frame?: StreamEvent) => void} [onState] "live" is the connect frame
 * @property {() => any} [poll] fetches the present state; called while no stream gets through
 * @property {() => string | Promise<string>} [ticket] gets a one-time ticket for each connection, as from ticket(token). Without it
 *   a browser identifies itself by its cookie only
 * @property {(state: "expiring" | "expired") => any} [renew] the login ends in a minute, or has ended and the stream with it: renews
 *   the cookie or the token. The stream is opened again when what it returns has resolved; without it, after half a minute */
const NAMES = `issue-complete issue-failed coupon-used use-failed coupon-revoked hold-complete hold-failed hold-extended extend-failed
  hold-released release-failed hold-expired reserve-complete reserve-failed reservation-cancelled cancel-failed waiting waiting-failed
  offer offer-expired order-accepted order-refused order-pending order-success order-failure order-refunding order-refunded success
  failure alarm alarm-read command-complete command-failed seatStatusChange progress status`.split(/\s+/);
// The state of a promotion. The newest counts, whatever its id; it comes with every connection and is delivered if it differs.
const STATES = ["progress", "status"];
// The result of an order ends its stream, for all tabs. It is not stored: opening the stream again delivers it again.
const RESULTS = ["success", "failure"];
const CONNECT_TIMEOUT = 15_000; // until the "connect" frame
const RECENT = 256;             // events that the leader keeps for tabs that open later

/**
 * Opens a stream until close() is called.
 * @param {Options} options
 */
export function connect({ path, onEvent, names = NAMES, storageKey = path, from = "", heartbeat = 30_000, onReset, onState, poll, ticket, renew }) {
  const slot = "onsale.last " + storageKey, self = randomID();
  const leaderTimeout = Math.max(4 * heartbeat, 60_000); // a leader reconnects after 2.5
  const shared = "locks" in navigator && "BroadcastChannel" in globalThis;
  let last = load(slot); // this tab has delivered everything up to here
  if (from && isAfter(from, last)) last = from;
  /** @type {EventSource | undefined} */ let stream;
  /** @type {BroadcastChannel | undefined} */ let channel;
  /** @type {AbortController | undefined} */ let lockRequest;
  /** @type {(() => void) | undefined} */ let releaseLock;
  /** @type {Promise<void> | undefined} */ let polling;
  /** @type {Frame[]} */ let recent = [];
  /** @type {string[]} */ let conflated = [];         // so far: only the last frame has a new id
  /** @type {Map<string, Frame>} */ const shown = new Map(); // the newest of STATES
  let at = "", floor = "";                               // the leader's position; recent begins after floor
  let leader = "", leading = false, connected = false, attempts = 0, failures = 0, watchdog = 0, opening = 0, opened = 0;

  /**
   * Delivers a frame, from the stream or from the leader.
   * @param {Frame} frame
   */
  function onFrame(frame) {
    const { name, id, texts } = frame, events = texts.map((text) => ({ name, id, data: parse(text) }));
    const [event] = events, { data } = event, isNew = isAfter(id, last), state = STATES.includes(name);
    if (name === "connect") {
      failures = 0;
      if (data?.status === "reset" || !last) last = id;
      call(onState, "live", event);
      if (data?.status === "reset") call(onReset, data.snapshot);
    } else {
      if (name === "heartbeat" || data?.isHeartbeat) call(onState, "beat", event);
      else if (state ? shown.get(name)?.texts[0] !== texts[0] : isNew) events.forEach((each) => call(onEvent, each));
      if (state) shown.set(name, frame);
      if (isNew) last = id;
    }
    const final = RESULTS.includes(name);
    store(slot, final ? "" : last);
    if (final) close();
  }
  /**
   * Reports a lost connection, and polls once streams keep failing.
   * @param {number} inARow
   */
  function onFailure(inARow) {
    failures = inARow;
    call(onState, "connecting");
    if (failures >= 3) polling ??= Promise.resolve().then(poll).catch(reportError).finally(() => { polling = undefined; });
  }
  async function open() {
    const url = new URL(path, location.href), attempt = ++opened;
    if (at) url.searchParams.set("lastEventId", at); // the header, which the browser sends when it reconnects, wins
    watch(CONNECT_TIMEOUT);
    if (ticket) {
      const value = await Promise.resolve().then(ticket).catch(console.warn);
      if (attempt !== opened) return;
      if (!value) return onBroken(true);
      url.searchParams.set("ticket", value);
    }
    const source = stream = new EventSource(url, { withCredentials: true }), all = new Set(["connect", "heartbeat", "message", "auth-expiring", "auth-expired", ...names]);
    all.forEach((name) => source.addEventListener(name, (event) => onMessage(name, event)));
    source.onerror = () => onBroken(source.readyState === EventSource.CLOSED || ticket !== undefined); // a ticket is spent
  }
  function onExpired() {
    stop();
    connected = false;
    channel?.postMessage({ leader: self, broken: true, failures });
    onFailure(failures);
    const wait = renew || ticket ? Math.random() * Math.min(30_000, 500 * 2 ** attempts++) : 30_000, stopped = opened;
    Promise.resolve().then(() => renew?.("expired")).catch(reportError).finally(() => { if (leading && stopped === opened) reopen(wait); });
  }
  /** @param {string} name @param {MessageEvent} event */
  function onMessage(name, event) {
    const { lastEventId: id, data: text } = event;
    watch(2.5 * heartbeat);
    if (name === "auth-expired") return onExpired();
    if (name === "auth-expiring") return call(renew, "expiring");
    if (name === "connect") [connected, attempts, conflated] = [true, 0, []]; // an update that broke off comes again, unconflated
    else if (id === at && parse(text)?.scheduleSeatId >= 0) {
      conflated.push(text);
      channel?.postMessage({ leader: self }); // a sign of life, however long the update takes
      return;
    }
    const frame = { name, id, texts: [...conflated, text], time: Date.now() };
    [at, conflated] = [id, []];
    if (name === "connect" && (!floor || parse(text)?.status === "reset")) [floor, recent] = [at, []];
    if (name !== "connect" && !STATES.includes(name)) recent.push(frame);
    while (recent.length > 1 && recent.flatMap(({ texts }) => texts).length > RECENT) floor = recent.shift()?.id ?? at;
    channel?.postMessage({ leader: self, frame });
    onFrame(frame);
  }
  /** @param {boolean} gone the browser will not reconnect, or hangs */
  function onBroken(gone) {
    if (!connected) failures++;
    connected = false;
    if (gone) reopen(Math.random() * Math.min(30_000, 500 * 2 ** attempts++));
    else watch(CONNECT_TIMEOUT);
    channel?.postMessage({ leader: self, broken: true, failures });
    onFailure(failures);
  }

  function stop() {
    opened++;
    stream?.close();
    for (const timer of [watchdog, opening]) clearTimeout(timer);
  }
  /** @param {number} ms until a new stream is opened */
  function reopen(ms) {
    stop();
    opening = setTimeout(open, ms);
  }
  /**
   * Sends a tab what it has missed.
   * @param {string} tab @param {string} theirs its last id
   */
  function acceptFollower(tab, theirs) {
    if (theirs && theirs !== floor && (!floor || !sameLog(theirs, floor) || !isAfter(theirs, floor))) {
      [at, floor, recent, connected] = [theirs, theirs, [], false];
      reopen(50); // it is behind recent: the stream restarts there, and tabs skip what they have
    }
    const missed = recent.filter((frame) => (theirs ? isAfter(frame.id, theirs) : frame.time > Date.now() - 5000));
    channel?.postMessage({ leader: self, tab, missed: [...shown.values(), ...missed], at, greeted: connected });
  }
  /** @param {boolean} [steal] from a leader that is silent */
  function requestLock(steal = false) {
    lockRequest?.abort();
    const attempt = lockRequest = new AbortController();
    navigator.locks.request("onsale " + storageKey, steal ? { steal } : { signal: attempt.signal }, () => {
      if (attempt.signal.aborted) return;
      becomeLeader();
      return new Promise((resolve) => { releaseLock = () => resolve(undefined); });
    }).catch(() => {
      if (attempt !== lockRequest || attempt.signal.aborted) return;
      leading = false; // it was stolen
      stop();
      requestLock();
      join();
    });
  }
  function becomeLeader() {
    leading = true;
    [at, floor, recent, connected] = [last, last, [], false];
    channel?.postMessage({ leader: self, leads: true });
    reopen(shared ? 50 : 0); // until then followers can say that they are behind
  }
  function join() {
    leader = "";
    channel?.postMessage({ tab: self, last });
    watch(leaderTimeout);
  }
  /** @param {MessageEvent} event */
  function onPeer({ data: message }) {
    if (leading && !message.leader) acceptFollower(message.tab, message.last);
    if (leading && !RESULTS.includes(message.frame?.name)) return; // the lock may arrive before the old leader's last frame
    if (message.leads) join();
    if (message.tab === self) {
      leader = message.leader;
      message.missed.forEach(onFrame);
      last ||= message.at;
      if (message.greeted) call(onState, "live");
    } else if (message.leader === leader) {
      watch(leaderTimeout);
      if (message.frame) onFrame(message.frame);
      if (message.broken) onFailure(message.failures);
    }
  }
  /** @param {number} ms without a frame or message until the watchdog acts */
  function watch(ms) {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => (leading ? onBroken(true) : requestLock(true)), ms);
  }
  function start() {
    if (!shared) return becomeLeader();
    channel = new BroadcastChannel("onsale " + storageKey);
    channel.onmessage = onPeer;
    join();
    requestLock();
  }
  function leave() {
    leading = false;
    lockRequest?.abort();
    stop();
    channel?.close();
    releaseLock?.();
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

/**
 * Who asks: user in auth.mode demo, token in mode jwt without the cookie; it is asked for each attempt, so it may renew.
 * @typedef {{user?: string, token?: () => string | Promise<string>}} Asker
 */

/**
 * Sends a command. Its key is stored until there is a response: until then, the same command is the same request. A key that is
 * passed in is not stored.
 * @param {string} path
 * @param {Asker & {body?: any, headers?: Record<string, string>, attempts?: number, key?: string}} options
 * @returns {Promise<{ok: boolean, status: number, body: any}>} status 0: no response
 */
export async function request(path, { body, user = "", token, headers = {}, attempts = 5, key: ownKey = "" } = {}) {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const slot = `onsale.key ${user} ${path} ${text ?? ""}`, key = ownKey || load(slot) || randomID();
  if (!ownKey) store(slot, key); // before it is sent
  headers = { ...headers, "Idempotency-Key": key, ...(text && { "Content-Type": "application/json" }) };
  for (let attempt = 1; ; attempt++) {
    let seconds = attempt / 2, answer = { ok: false, status: 0, body: /** @type {any} */ ({}) };
    try {
      const identified = { ...headers, ...await identity({ user, token }) };
      const response = await fetch(path, { method: "POST", headers: identified, body: text, credentials: "include", redirect: "error" });
      answer = { ok: response.ok, status: response.status, body: parse(await response.text()) };
      seconds = Math.min(Number(response.headers.get("Retry-After")) || seconds, 30);
    } catch { /* it may have arrived */ }
    const answered = ![0, 429, 502, 503, 504].includes(answer.status);
    if (answered) store(slot, "");
    if (answered || attempt >= attempts) return answer;
    await pause(seconds * (1 + Math.random() / 4));
  }
}
/**
 * Requests a coupon.
 * @param {string} promotion @param {Parameters<typeof request>[1]} [options]
 */
export const issue = (promotion, options) => request(`/api/v1/promotions/${encodeURIComponent(promotion)}/coupons`, options);

/**
 * Waits by long polls for the outcome of an accepted command, as GET /api/v1/requests/… shows it. A problem that waiting does not
 * mend (401, 403, 404) is returned as it is.
 * @param {any} accepted the body of a 202
 * @param {Asker & {signal?: AbortSignal}} options
 */
export async function outcome(accepted, { user, token, signal } = {}) {
  for (;;) {
    const began = Date.now(), response = await identity({ user, token })
      .then((headers) => fetch(accepted.links.request + "&wait=20s", { headers, credentials: "include", redirect: "error", signal }))
      .catch(() => signal?.throwIfAborted());
    const found = await response?.json().catch(() => undefined);
    if (response && found && (response.ok ? found.status !== "PENDING" : [401, 403, 404].includes(response.status))) return found;
    if (!response?.ok || Date.now() - began < 1000) await pause(1 + 2 * Math.random()); // it failed, or did not wait
  }
}

/**
 * Gets a one-time ticket for a stream: connect({ ticket: () => ticket(token) }).
 * @param {() => string | Promise<string>} token
 * @returns {Promise<string>}
 */
export async function ticket(token) {
  const response = await fetch("/api/v1/me/tickets", { method: "POST", headers: await identity({ token }), credentials: "include", redirect: "error" });
  if (!response.ok) throw new Error(`no ticket: ${response.status}`);
  return (await response.json()).ticket;
}

/**
 * @param {Asker} asker
 * @returns {Promise<Record<string, string>>} the headers
 */
async function identity({ user, token }) {
  return { ...(user && { "X-User-Id": user }), ...(token && { Authorization: "Bearer " + await token() }) };
}

const pause = (/** @type {number} */ seconds) => new Promise((resume) => setTimeout(resume, seconds * 1000));
const randomID = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
/**
 * Is position a after b? Positions are <epoch>-<n>, or <epoch>-<n>.<k> within event n.
 * @param {string} a @param {string} b
 */
function isAfter(a, b) {
  if (!b || !sameLog(a, b)) return a !== b;
  const [n, k] = parts(a), [m, l] = parts(b);
  return n > m || (n === m && k > l);
}
const sameLog = (/** @type {string} */ a, /** @type {string} */ b) => a.split("-")[0] === b.split("-")[0];
const parts = (/** @type {string} */ id) => (id.split("-")[1] ?? "").split(".").concat("Infinity").map(Number);
/** @param {string} text */
function parse(text) {
  try { return JSON.parse(text); } catch { return text; }
}
/**
 * An error of the page's callback is reported and does not stop the stream.
 * @param {((...args: any[]) => void) | undefined} f @param {...any} args
 */
function call(f, ...args) {
  try { f?.(...args); } catch (error) { reportError(error); }
}
/** @param {string} slot */
function load(slot) {
  try { return sessionStorage.getItem(slot) ?? ""; } catch { return ""; }
}
/**
 * Where storage is blocked, nothing survives a reload.
 * @param {string} slot @param {string} value
 */
function store(slot, value) {
  try { value ? sessionStorage.setItem(slot, value) : sessionStorage.removeItem(slot); } catch { /* blocked, or full */ }
}
