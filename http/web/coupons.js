// The coupons of the sale's promotion. The request is only accepted at first. Its outcome comes by the user's stream, perhaps
// before the response; if it does not come, it is polled.

// @ts-check

import { reason, text } from "./i18n.js";
import { outcome } from "./onsale.js";
import { element, showState } from "./page.js";
import { sale } from "./sale.js";
import { command, user } from "./session.js";

const PROMOTION = `/api/v1/promotions/${sale}`;

/** @type {string | undefined} the request whose outcome the button waits for */
let pending;
/**
 * Requests whose outcome came by the stream.
 * @type {Set<string>}
 */
const outcomes = new Set();

export async function issue() {
  const requester = user;
  element("issue").disabled = true;
  const answer = await command(`${PROMOTION}/coupons`);
  element("issue").disabled = false;
  if (requester !== user) return;
  if (answer.status === 202) {
    if (outcomes.has(answer.body.requestId)) return; // the stream was faster
    pending = answer.body.requestId;
    showState("coupon-state", "wait", text().accepted);
    setTimeout(() => lookUp(answer.body, requester), 5000);
  } else if (answer.ok) {
    showState("coupon-state", "good", text().issued(answer.body.result.number));
  } else {
    showState("coupon-state", "bad", reason(answer.body));
  }
}

/**
 * Polls an outcome that the stream has not delivered.
 * @param {any} accepted the body of the 202 @param {string} requester
 */
async function lookUp(accepted, requester) {
  const isPending = () => pending === accepted.requestId && requester === user;
  if (!isPending()) return;
  const found = await outcome(accepted, { user: requester });
  if (isPending()) couponOutcome({ ...found, ...found.result }, found.status === "SUCCEEDED");
}

/** @param {any} data @param {boolean} good */
export function couponOutcome(data, good) {
  outcomes.add(data.requestId);
  if (pending && pending !== data.requestId) return;
  pending = undefined;
  showState("coupon-state", good ? "good" : "bad", good ? (data.message ?? text().issued(data.number)) : reason(data));
  loadPromotion();
}

export async function loadPromotion() {
  const response = await fetch(PROMOTION).catch(() => undefined);
  if (!response?.ok) {
    if (response?.status === 404) element("of").textContent = text().noPromotion;
    if (response?.status === 404 && element("coupon-name")) element("coupon").hidden = true; // a schedule may have no promotion
    return;
  }
  const promotion = await response.json();
  if (element("coupon-name")) element("coupon-name").textContent = promotion.name;
  element("remaining").textContent = promotion.remaining.toLocaleString();
  element("of").textContent = text().of(promotion.stock);
  element("stock").max = promotion.stock || 1;
  element("stock").value = promotion.remaining;
}
