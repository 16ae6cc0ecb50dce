// Orders: those of new payments, until they have a result, and the list of all.

// @ts-check

import { language, reason, text } from "./i18n.js";
import { element, logEvent, showState } from "./page.js";
import { DAY, isStored, remove, storePaid, unfinished, windowURL } from "./payments.js";
import { command, decided, setUserCookie, user } from "./session.js";

/** @typedef {import("./i18n.js").Text} Text */
/** @typedef {import("./payments.js").Purchase} Purchase */
/** @typedef {{imp_uid: string, count: number, amount: number, orderStatus: keyof Text["statuses"],
 *             reason?: keyof Text["reasons"]}} Order */

const USED = "payment_already_used", MAX_REFUSED = 5; // retries of that, within half a minute
const TOO_MANY = "too_many_open_orders"; // until another order has its result

const orderURL = (/** @type {string} */ impUID) => `/api/v1/orders/${encodeURIComponent(impUID)}`;

let ordering = 0, retry = 0;
/** @type {EventSource | undefined} */
let resultStream;
/**
 * The payment whose result is awaited.
 * @type {string | undefined}
 */
let awaited;

/** Orders what this user has paid for and has no result of. The key makes each retry the same order. */
export async function orderPaid() {
  const run = ++ordering, delays = [];
  clearTimeout(retry);
  resultStream?.close();
  resultStream = awaited = undefined;
  for (const [impUID, purchase] of unfinished(user)) {
    showState("order-state", "wait", text().ordering);
    const answer = await order(impUID, purchase);
    if (run !== ordering) return; // a newer run, perhaps of another user
    if (answer.ok) {
      awaitResult(impUID);
      continue;
    }
    const delay = retryDelay(impUID, purchase, answer);
    if (delay) delays.push(delay);
    if (!delay || answer.body.code !== USED) showState("order-state", "bad", reason(answer.body));
  }
  if (delays.length) retry = setTimeout(orderPaid, Math.min(...delays));
}

/** Where the payment has an order already, it may be the buyer's own, which is fine.
 * @param {string} impUID @param {Purchase} purchase */
async function order(impUID, { user: buyer, salePostId, count, amount, refused }) {
  const key = `order-${impUID}${refused ? `.${refused}` : ""}`, headers = { Prefer: "wait=5" };
  const body = { imp_uid: impUID, salePostId, count, amount };
  const answer = await decided(await command("/api/v1/orders", { body, headers, key }), buyer);
  if (answer.body.code !== USED) return answer;
  const own = await fetch(orderURL(impUID), { headers: { "X-User-Id": buyer } }).catch(() => undefined);
  return { ...answer, ok: own?.ok ?? false };
}

/**
 * Another user may have ordered with our payment first. That order fails when the payment is verified, and then the payment is
 * ours. Or the buyer has too many orders without a result. A key keeps its refusal, so each retry has a new one.
 * @param {string} impUID @param {Purchase} purchase
 * @param {{status: number, body: any}} refusal @returns milliseconds until the next attempt; 0: none
 */
function retryDelay(impUID, purchase, { status, body }) {
  if ((body.code === USED || body.code === TOO_MANY) && purchase.at > Date.now() - DAY) {
    const refused = (purchase.refused ?? 0) + 1;
    storePaid(impUID, { ...purchase, refused });
    if (body.code === TOO_MANY) return Math.min(500 * 2 ** refused, 60000);
    return refused <= MAX_REFUSED ? 500 * 2 ** refused : 0;
  }
  if (body.eventId || status === 400) remove(impUID); // refused permanently
  return !status || status === 429 || status >= 500 ? 5000 : 0;
}

/**
 * Streams an order until its result.
 * @param {string} impUID
 */
function awaitResult(impUID) {
  resultStream?.close();
  setUserCookie();
  const stream = new EventSource(`${orderURL(impUID)}/sse?lang=${language}`);
  [resultStream, awaited] = [stream, impUID];
  stream.addEventListener("connect", (event) => {
    logEvent("connect", event.lastEventId, event.data);
    const unpaid = JSON.parse(event.data).order?.orderStatus === "PENDING_PAYMENT";
    showState("order-state", "wait", unpaid ? text().statuses.PENDING_PAYMENT : text().verifying);
  });
  for (const name of ["success", "failure"]) stream.addEventListener(name, (event) => {
    stream.close();
    awaited = undefined;
    remove(impUID);
    logEvent(name, event.lastEventId, event.data);
    showState("order-state", name === "success" ? "good" : "bad", JSON.parse(event.data).message);
  });
  stream.onerror = () => {
    if (stream.readyState === EventSource.CLOSED) setTimeout(() => { if (stream === resultStream) awaitResult(impUID); }, 3000);
  };
}

/**
 * An order waits for a payment or a refund.
 * @param {any} data
 */
export function orderPending(data) {
  if (data.imp_uid === awaited) showState("order-state", "wait", data.message);
}

/** @type {Order[]} */
let orders = [];
let loading = 0;

export async function loadOrders() {
  const load = ++loading;
  const response = await fetch("/api/v1/me/orders?limit=10", { headers: { "X-User-Id": user } }).catch(() => undefined);
  const found = response?.ok ? await response.json().catch(() => undefined) : undefined;
  if (load !== loading) return; // a newer one is under way
  if (!found) return void setTimeout(() => { if (load === loading) loadOrders(); }, 3000);
  if (JSON.stringify(found.items) === JSON.stringify(orders)) return; // do not redraw under the pointer
  orders = found.items;
  showOrders();
}

export function showOrders() {
  const t = text();
  element("orders").replaceChildren(...orders.map(({ imp_uid, count, amount, orderStatus, reason: code }) => {
    const item = document.createElement("li"), status = document.createElement("b"), pay = document.createElement("a");
    Object.assign(item.dataset, { impUid: imp_uid, status: orderStatus });
    status.textContent = t.statuses[orderStatus] ?? orderStatus;
    item.append(status, ` ${t.units(count, t.won(amount))} `, code ? t.reasons[code] ?? code : "");
    pay.textContent = t.makeTransfer;
    pay.href = windowURL({ imp_uid });
    if (orderStatus === "PENDING_PAYMENT" && isStored(imp_uid)) item.append(pay);
    return item;
  }));
}
