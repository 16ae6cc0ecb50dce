// Payments under way. What somebody goes to pay for is kept in this browser until its order has a verdict, over reloads and
// nodes that do not answer. Of what the way back from the payment window says only the imp_uid is used, and what that is
// worth the provider tells the server.

// @ts-check

import { become } from "./shopper.js";
import { text } from "./words.js";

/** What somebody goes to pay for; refused counts how often the payment was said to have an order already.
 * @typedef {{user: string, salePostId: string, count: number, amount: number, at: number, refused?: number}} Wanted */

export const DAY = 86_400_000;
const WINDOW = "/fakepay/_fake/window"; // where the demo's payers pay

/** The address of the window for a payment; from there the way leads back here. @param {Record<string, string>} payment */
export const windowFor = (payment) => `${WINDOW}?${new URLSearchParams({ ...payment, redirect: here() })}`;
const here = () => location.origin + location.pathname;

const prepared = (/** @type {string} */ merchantUID) => `onsale.prepared ${merchantUID}`;
const paid = (/** @type {string} */ impUID) => `onsale.paid ${impUID}`;

/** @param {string} merchantUID @param {Wanted} wanted */
export const keepPrepared = (merchantUID, wanted) => localStorage.setItem(prepared(merchantUID), JSON.stringify(wanted));
/** @param {string} impUID @param {Wanted} wanted */
export const keepPaid = (impUID, wanted) => localStorage.setItem(paid(impUID), JSON.stringify(wanted));
/** @param {string} impUID */
export const isKept = (impUID) => localStorage.getItem(paid(impUID)) !== null;
/** @param {string} impUID */
export const forget = (impUID) => localStorage.removeItem(paid(impUID));

/** Takes down which payment was made, where somebody comes back from the window. @returns what there is to say about it */
export function comeBack() {
  const query = new URLSearchParams(location.search), merchantUID = query.get("merchant_uid"), impUID = query.get("imp_uid");
  if (!merchantUID) return "";
  const wanted = localStorage.getItem(prepared(merchantUID));
  if (wanted && impUID) {
    localStorage.setItem(paid(impUID), wanted);
    become(JSON.parse(wanted).user);
  }
  history.replaceState(null, "", here());
  if (!impUID) return text().notPaid;
  return wanted ? "" : text().notBegun(impUID);
}

/** What a user came back with and whose verdict was not heard here, the oldest first. @param {string} user
 * @returns {[impUID: string, wanted: Wanted][]} */
export function unheard(user) {
  /** @type {[string, Wanted][]} */
  const found = [];
  for (const [slot, value] of Object.entries(localStorage)) {
    const [what, id] = slot.split(" ");
    if (!["onsale.prepared", "onsale.paid"].includes(what)) continue;
    /** @type {Wanted} */
    const wanted = JSON.parse(value);
    if (what === "onsale.paid" && wanted.user === user) found.push([id, wanted]);
    if (what === "onsale.prepared" && wanted.at < Date.now() - DAY) localStorage.removeItem(slot); // nobody came back from there
  }
  return found.sort(([, a], [, b]) => a.at - b.at);
}
