// Orders: of what was paid, until they have a verdict, and those that there are.

// @ts-check

import { element, note, say } from "./page.js";
import { DAY, forget, isKept, keepPaid, unheard, windowFor } from "./payments.js";
import { command, decided, introduce, user } from "./shopper.js";
import { language, reason, text } from "./words.js";

/** @typedef {import("./words.js").Words} Words */
/** @typedef {import("./payments.js").Wanted} Wanted */
/** @typedef {{imp_uid: string, count: number, amount: number, orderStatus: keyof Words["stands"],
 *             reason?: keyof Words["why"]}} Order */

const USED = "payment_already_used", TRIES = 5; // after such a refusal, within half a minute

const orderAt = (/** @type {string} */ impUID) => `/api/v1/orders/${encodeURIComponent(impUID)}`;

let ordering = 0, later = 0;
/** @type {EventSource | undefined} */
let verdict;
/** The payment whose verdict is waited for. @type {string | undefined} */
let awaited;

/** Orders what this user came back with and whose verdict was not heard here. With the same key it is the same order. */
export async function orderWhatIsPaid() {
  const turn = ++ordering, pauses = [];
  clearTimeout(later);
  verdict?.close();
  verdict = awaited = undefined;
  for (const [impUID, wanted] of unheard(user)) {
    say("order-state", "wait", text().ordering);
    const answer = await order(impUID, wanted);
    if (turn !== ordering) return; // it is begun anew, perhaps by somebody else
    if (answer.ok) {
      awaitVerdict(impUID);
      continue;
    }
    const pause = again(impUID, wanted, answer);
    if (pause) pauses.push(pause);
    if (!pause || answer.body.code !== USED) say("order-state", "bad", reason(answer.body));
  }
  if (pauses.length) later = setTimeout(orderWhatIsPaid, Math.min(...pauses));
}

/** Where the payment has an order already, that may be the buyer's own: then all is well.
 * @param {string} impUID @param {Wanted} wanted */
async function order(impUID, { user: buyer, salePostId, count, amount, refused }) {
  const key = `order-${impUID}${refused ? `.${refused}` : ""}`, headers = { Prefer: "wait=5" };
  const body = { imp_uid: impUID, salePostId, count, amount };
  const answer = await decided(await command("/api/v1/orders", { body, headers, key }), buyer);
  if (answer.body.code !== USED) return answer;
  const own = await fetch(orderAt(impUID), { headers: { "X-User-Id": buyer } }).catch(() => undefined);
  return { ...answer, ok: own?.ok ?? false };
}

/** Somebody else may have named our payment first. Their order fails when the provider is asked, and then the payment is
 * ours; but under its key a refusal stays what it is. @param {string} impUID @param {Wanted} wanted
 * @param {{status: number, body: any}} refusal @returns after how many milliseconds it is ordered again; 0: not by itself */
function again(impUID, wanted, { status, body }) {
  if (body.code === USED && wanted.at > Date.now() - DAY) {
    const refused = (wanted.refused ?? 0) + 1;
    keepPaid(impUID, { ...wanted, refused });
    return refused <= TRIES ? 500 * 2 ** refused : 0;
  }
  if (body.eventId || status === 400) forget(impUID); // refused for good
  return !status || status === 429 || status >= 500 ? 5000 : 0;
}

/** Listens until the order of a payment is decided. @param {string} impUID */
function awaitVerdict(impUID) {
  verdict?.close();
  introduce();
  const stream = new EventSource(`${orderAt(impUID)}/sse?lang=${language}`);
  [verdict, awaited] = [stream, impUID];
  stream.addEventListener("connect", (event) => {
    note("connect", event.lastEventId, event.data);
    const unpaid = JSON.parse(event.data).order?.orderStatus === "PENDING_PAYMENT";
    say("order-state", "wait", unpaid ? text().stands.PENDING_PAYMENT : text().verifying);
  });
  for (const name of ["success", "failure"]) stream.addEventListener(name, (event) => {
    stream.close();
    awaited = undefined;
    forget(impUID);
    note(name, event.lastEventId, event.data);
    say("order-state", name === "success" ? "good" : "bad", JSON.parse(event.data).message);
  });
  stream.onerror = () => {
    if (stream.readyState === EventSource.CLOSED) setTimeout(() => { if (stream === verdict) awaitVerdict(impUID); }, 3000);
  };
}

/** An order has no verdict yet, and waits for money, to come or to go. @param {any} data */
export function orderWaits(data) {
  if (data.imp_uid === awaited) say("order-state", "wait", data.message);
}

/** @type {Order[]} */
let orders = [];
let loading = 0;

export async function loadOrders() {
  const turn = ++loading;
  const response = await fetch("/api/v1/me/orders?limit=10", { headers: { "X-User-Id": user } }).catch(() => undefined);
  const found = response?.ok ? await response.json().catch(() => undefined) : undefined;
  if (turn !== loading) return; // somebody asked again meanwhile
  if (!found) return void setTimeout(() => { if (turn === loading) loadOrders(); }, 3000);
  if (JSON.stringify(found.items) === JSON.stringify(orders)) return; // nothing moves under somebody's pointer
  orders = found.items;
  showOrders();
}

export function showOrders() {
  const t = text();
  element("orders").replaceChildren(...orders.map(({ imp_uid, count, amount, orderStatus, reason: why }) => {
    const item = document.createElement("li"), stands = document.createElement("b"), pay = document.createElement("a");
    Object.assign(item.dataset, { impUid: imp_uid, status: orderStatus });
    stands.textContent = t.stands[orderStatus] ?? orderStatus;
    item.append(stands, ` ${t.units(count, t.won(amount))} `, why ? t.why[why] ?? why : "");
    pay.textContent = t.deposit;
    pay.href = windowFor({ imp_uid });
    if (orderStatus === "PENDING_PAYMENT" && isKept(imp_uid)) item.append(pay);
    return item;
  }));
}
