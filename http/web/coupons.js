// The coupon of the promotion "demo". Asking for one is only accepted at first. The outcome comes by the user's stream, which
// may be faster than the answer; where it does not come, it is asked for.

// @ts-check

import { outcome } from "./onsale.js";
import { element, say } from "./page.js";
import { command, user } from "./shopper.js";
import { reason, text } from "./words.js";

const PROMOTION = "/api/v1/promotions/demo";

/** @type {string | undefined} the request whose outcome the button waits for */
let asked;
/** Outcomes that the stream has told, by request. @type {Set<string>} */
const outcomes = new Set();

export async function issue() {
  const asker = user;
  element("issue").disabled = true;
  const answer = await command(`${PROMOTION}/coupons`);
  element("issue").disabled = false;
  if (asker !== user) return;
  if (answer.status === 202) {
    if (outcomes.has(answer.body.requestId)) return; // the stream was faster
    asked = answer.body.requestId;
    say("coupon-state", "wait", text().accepted(answer.body.sequence));
    setTimeout(() => lookUp(answer.body, asker), 5000);
  } else if (answer.ok) {
    say("coupon-state", "good", text().issued(answer.body.result.number));
  } else {
    say("coupon-state", "bad", reason(answer.body));
  }
}

/** Asks for an outcome that the stream has not told. @param {any} accepted the body of the 202 @param {string} asker */
async function lookUp(accepted, asker) {
  const awaited = () => asked === accepted.requestId && asker === user;
  if (!awaited()) return;
  const found = await outcome(accepted, { user: asker });
  if (awaited()) couponOutcome({ ...found, ...found.result }, found.status === "SUCCEEDED");
}

/** @param {any} data @param {boolean} good */
export function couponOutcome(data, good) {
  outcomes.add(data.requestId);
  if (asked && asked !== data.requestId) return;
  asked = undefined;
  say("coupon-state", good ? "good" : "bad", good ? (data.message ?? text().issued(data.number)) : reason(data));
  loadPromotion();
}

export async function loadPromotion() {
  const response = await fetch(PROMOTION).catch(() => undefined);
  if (!response?.ok) {
    element("of").textContent = response?.status === 404 ? text().noPromotion : "";
    return;
  }
  const promotion = await response.json();
  element("remaining").textContent = promotion.remaining.toLocaleString();
  element("of").textContent = text().of(promotion.stock);
  element("stock").max = promotion.stock || 1;
  element("stock").value = promotion.remaining;
}
