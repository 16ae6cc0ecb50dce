// Orders: those of new payments, until they have a result, and the list of all.

// @ts-check

import { language, reason, text } from "./i18n.js";
import { element, logEvent, showState } from "./page.js";
import { DAY, isPaidFor, isStored, orderBody, remove, storePaid, unfinished, windowURL } from "./payments.js";
import { pageSchedule, readMine } from "./sale.js";
import { seatName } from "./seats.js";
import { command, decided, setUserCookie, user } from "./session.js";

/** @typedef {import("./i18n.js").Text} Text */
/** @typedef {import("./payments.js").Purchase} Purchase */
/** @typedef {{imp_uid: string, amount: number, orderStatus: keyof Text["statuses"], reason?: keyof Text["reasons"], refunded?: number,
 *             late?: boolean, count?: number, holdId?: string, scheduleId?: string, scheduleSeatIds?: number[], reservationId?: string,
 *             payBy?: string}} Order */

const USED = "payment_already_used", MAX_REFUSED = 5; // retries of that, within half a minute
const TOO_MANY = "too_many_open_orders"; // until another order has its result
const SHOWN = 10; // orders in the list

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
    if (!delay || answer.body.code !== USED) showState("order-state", "bad", refusal(answer.body, purchase));
  }
  if (delays.length) retry = setTimeout(orderPaid, Math.min(...delays));
}

/** Where the payment has an order already, it may be the buyer's own, which is fine.
 * @param {string} impUID @param {Purchase} purchase */
async function order(impUID, purchase) {
  const { user: buyer, refused } = purchase, key = `order-${impUID}${refused ? `.${refused}` : ""}`, headers = { Prefer: "wait=5" };
  const answer = await decided(await command("/api/v1/orders", { body: orderBody(impUID, purchase), headers, key }), buyer);
  if (answer.body.code !== USED) return answer;
  const own = await fetch(orderURL(impUID), { headers: { "X-User-Id": buyer } }).catch(() => undefined);
  return { ...answer, ok: own?.ok ?? false };
}

/**
 * Orders what costs nothing: there is no payment to name.
 * @param {{holdId: string, couponId?: string}} purchase
 * @returns what went wrong
 */
export async function orderFree(purchase) {
  const buyer = user, headers = { Prefer: "wait=5" };
  showState("order-state", "wait", text().ordering);
  const answer = await decided(await command("/api/v1/orders", { body: { ...purchase, amount: 0 }, headers }), buyer);
  if (!answer.ok) return reason(answer.body);
  showState("order-state", "good", text().orderedFree);
  return "";
}

/** A refused order on a hold is kept, so that what was paid is refunded.
 * @param {any} problem @param {Purchase} purchase */
function refusal(problem, { holdId }) {
  const kept = holdId && problem.eventId && ![USED, TOO_MANY].includes(problem.code);
  return kept ? text().refusedAfterPayment(reason(problem)) : reason(problem);
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
  if (body.eventId || status === 400) finish(impUID); // refused permanently
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
    if (name === "success") remove(impUID); // and the hold is over: it is not drawn again
    else finish(impUID);
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

/** The order of a payment has failed or was refused: what it was for can be paid again.
 * @param {string} impUID */
function finish(impUID) {
  remove(impUID);
  listeners.forEach((listener) => listener());
}

/** @type {Order[]} */
let orders = [];
let loading = 0;

/** @type {(() => void)[]} called when the orders are others */
const listeners = [];
/** @param {() => void} listener */
export const onOrders = (listener) => listeners.push(listener);

/** Reads the orders that belong to the page: those of its schedule, or those of products. */
export async function loadOrders() {
  const load = ++loading, all = await readMine("/api/v1/me/orders?limit=100");
  if (load !== loading) return; // a newer one is under way
  if (!all) return void setTimeout(() => { if (load === loading) loadOrders(); }, 3000);
  const found = all.filter(({ scheduleId }) => scheduleId === pageSchedule);
  if (JSON.stringify(found) === JSON.stringify(orders)) return; // do not redraw under the pointer
  orders = found;
  showOrders();
  listeners.forEach((listener) => listener());
}

export const countOrders = () => orders.length;
/** @param {string} hold @param {string[]} statuses */
const orderOn = (hold, statuses) => orders.find(({ holdId, orderStatus }) => holdId === hold && statuses.includes(orderStatus));
/** The order on a hold that has no result.
 * @param {string} hold */
export const openOrderOf = (hold) => orderOn(hold, ["VERIFYING", "PENDING_PAYMENT"]);
/** Whether a payment of this browser for a hold is being ordered, or is ordered without a result.
 * @param {string} hold */
export const isOrdering = (hold) => Boolean(openOrderOf(hold)) || isPaidFor(hold);
/** @param {string} hold */
export const failedOrderOf = (hold) => orderOn(hold, ["FAILED", "REFUNDED"]);
/** @param {string | undefined} impUID */
export const orderOf = (impUID) => orders.find(({ imp_uid }) => imp_uid === impUID);

export function showOrders() {
  const t = text();
  element("orders").replaceChildren(...orders.slice(0, SHOWN).map((order) => {
    const { imp_uid, count, amount, orderStatus, reason: code, scheduleSeatIds, late, refunded } = order;
    const item = document.createElement("li"), status = document.createElement("b"), pay = document.createElement("a");
    Object.assign(item.dataset, { impUid: imp_uid, status: orderStatus });
    status.textContent = orderStatus === "REFUNDED" && refunded === 0 ? t.endedUnrefunded : t.statuses[orderStatus] ?? orderStatus;
    const bought = scheduleSeatIds ? `${scheduleSeatIds.map(seatName).join(", ")} · ${t.won(amount)}` : t.units(count ?? 0, t.won(amount));
    item.append(status, ` ${bought} `, code ? t.reasons[code] ?? code : "");
    if (refunded && refunded !== amount) item.append(` ${t.refundedAmount(refunded)}`);
    if (late && orderStatus === "PAID") item.append(` ${t.lateNote}`);
    pay.textContent = t.makeTransfer;
    pay.href = windowURL({ imp_uid });
    if (orderStatus === "PENDING_PAYMENT" && isStored(imp_uid)) item.append(pay);
    return item;
  }));
}
