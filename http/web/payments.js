// Payments in progress. What a user goes to pay for is stored in this browser until its order has a result, across reloads and
// nodes that do not respond. Of the payment window's redirect only the imp_uid is used, and the server verifies that at the
// provider.

// @ts-check

import { text } from "./i18n.js";
import { setUser } from "./session.js";

/** What a user pays for; refused counts how often the payment was said to have an order already.
 * @typedef {{user: string, salePostId: string, count: number, amount: number, at: number, refused?: number}} Purchase */

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

/** @param {string} merchantUID @param {Purchase} purchase */
export const storePrepared = (merchantUID, purchase) => localStorage.setItem(prepared(merchantUID), JSON.stringify(purchase));
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
  history.replaceState(null, "", pageURL());
  if (!impUID) return text().notPaid;
  return purchase ? "" : text().notStartedHere(impUID);
}

/**
 * The payments of a user whose orders have no result yet, the oldest first.
 * @param {string} user
 * @returns {[impUID: string, purchase: Purchase][]}
 */
export function unfinished(user) {
  /** @type {[string, Purchase][]} */
  const found = [];
  for (const [slot, value] of Object.entries(localStorage)) {
    const [kind, id] = slot.split(" ");
    if (!["onsale.prepared", "onsale.paid"].includes(kind)) continue;
    /** @type {Purchase} */
    const purchase = JSON.parse(value);
    if (kind === "onsale.paid" && purchase.user === user) found.push([id, purchase]);
    if (kind === "onsale.prepared" && purchase.at < Date.now() - DAY) localStorage.removeItem(slot); // abandoned
  }
  return found.sort(([, a], [, b]) => a.at - b.at);
}
