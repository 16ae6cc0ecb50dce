// Payments in progress. What a user goes to pay for is stored in this browser until its order has a result, across reloads and
// nodes that do not respond. Of the payment window's redirect only the imp_uid is used, and the server verifies that at the
// provider.

// @ts-check

import { text } from "./i18n.js";
import { setUser } from "./session.js";

/** What a user pays for: units of a product, or the seats of a hold. refused counts how often the payment was said to have an order
 * already; returned says that the user has come back from the payment window.
 * @typedef {{user: string, amount: number, at: number, refused?: number, returned?: boolean,
 *            salePostId?: string, count?: number, holdId?: string, couponId?: string}} Purchase */

export const DAY = 86_400_000;
const WINDOW = "/fakepay/_fake/window"; // of the demo's provider

/**
 * The payment window for a payment; it redirects back to this page.
 * @param {Record<string, string>} payment
 */
export const windowURL = (payment) => `${WINDOW}?${new URLSearchParams({ ...payment, redirect: pageURL() })}`;
const pageURL = () => location.origin + location.pathname;

const prepared = (/** @type {string} */ merchantUID) => `onsale.prepared ${merchantUID}`;
const paid = (/** @type {string} */ impUID) => `onsale.paid ${impUID}`;

/**
 * Goes to the payment window of a prepared payment, if there is one.
 * @param {{merchant_uid: string, amount: number}} payment @param {Purchase} purchase
 * @returns {Promise<string>} what went wrong
 */
export async function goToWindow({ merchant_uid, amount }, purchase) {
  const url = windowURL({ merchant_uid, amount: String(amount) }), page = await fetch(url).catch(() => undefined);
  if (!page?.ok) return page ? text().noWindow : text().unreachable;
  localStorage.setItem(prepared(merchant_uid), JSON.stringify(purchase));
  location.assign(url);
  return "";
}

/** The body of the order for a payment.
 * @param {string} impUID @param {Purchase} purchase */
export const orderBody = (impUID, { salePostId, count, holdId, couponId, amount }) =>
  ({ imp_uid: impUID, salePostId, count, holdId, couponId, amount });

/** Whether this browser has opened the payment window for a hold and has not come back from it.
 * @param {string} hold */
export const isAtWindow = (hold) => stored().some(([kind, , { holdId, returned }]) => kind === "onsale.prepared" && holdId === hold && !returned);

/** Whether a user has come back from the payment window with a payment for a hold whose order has no result yet.
 * @param {string} hold */
export const isPaidFor = (hold) => stored().some(([kind, , { holdId }]) => kind === "onsale.paid" && holdId === hold);

/** @param {string} impUID @param {Purchase} purchase */
export const storePaid = (impUID, purchase) => localStorage.setItem(paid(impUID), JSON.stringify(purchase));
/** @param {string} impUID */
export const isStored = (impUID) => localStorage.getItem(paid(impUID)) !== null;
/** @param {string} impUID */
export const remove = (impUID) => localStorage.removeItem(paid(impUID));

/**
 * Stores the payment of a user who returns from the payment window.
 * @returns a message if there is nothing to order
 */
export function returnFromWindow() {
  const query = new URLSearchParams(location.search), merchantUID = query.get("merchant_uid"), impUID = query.get("imp_uid");
  if (!merchantUID) return "";
  const purchase = localStorage.getItem(prepared(merchantUID));
  if (purchase && impUID) {
    localStorage.setItem(paid(impUID), purchase);
    setUser(JSON.parse(purchase).user);
  }
  if (purchase) localStorage.setItem(prepared(merchantUID), JSON.stringify({ ...JSON.parse(purchase), returned: true }));
  history.replaceState(null, "", pageURL());
  if (!impUID) return text().notPaid;
  return purchase ? "" : text().notStartedHere(impUID);
}

/** @returns {[kind: string, id: string, purchase: Purchase][]} */
const stored = () => Object.entries(localStorage)
  .map(([slot, value]) => [...slot.split(" "), value])
  .filter(([kind]) => ["onsale.prepared", "onsale.paid"].includes(kind))
  .map(([kind, id, value]) => [kind, id, JSON.parse(value)]);

/**
 * The payments of a user whose orders have no result yet, the oldest first.
 * @param {string} user
 * @returns {[impUID: string, purchase: Purchase][]}
 */
export function unfinished(user) {
  /** @type {[string, Purchase][]} */
  const found = [];
  for (const [kind, id, purchase] of stored()) {
    if (kind === "onsale.paid" && purchase.user === user) found.push([id, purchase]);
    if (kind === "onsale.prepared" && purchase.at < Date.now() - DAY) localStorage.removeItem(prepared(id)); // abandoned
  }
  return found.sort(([, a], [, b]) => a.at - b.at);
}
