// Parts that both pages have: the coupon, the seats with the user's holds, and the orders.

// @ts-check

import { couponOutcome, issue, loadPromotion } from "./coupons.js";
import { countDown, holdChosen, holds, loadHolds, removeHold, addHold, showHolds } from "./holds.js";
import { reason, text } from "./i18n.js";
import { loadOrders, onOrders, orderPending, showOrders } from "./orders.js";
import { element, showState } from "./page.js";
import { clearChoice, closeSeats, loadSeats, showSeats, toggleSeat } from "./seats.js";
import { moveFocus } from "./seatmap.js";

/** @typedef {import("./app.js").Part} Part */

/** @returns {Part} */
export function couponPart() {
  element("issue").addEventListener("click", issue);
  setInterval(() => { if (!document.hidden) loadPromotion(); }, 3000);
  return {
    show: loadPromotion,
    handlers: {
      "issue-complete": (data) => couponOutcome(data, true),
      "issue-failed": (data) => couponOutcome(data, false),
    },
  };
}

/** @returns {Part} */
export function seatsPart() {
  element("hold").addEventListener("click", holdChosen);
  element("seats").addEventListener("click", toggleSeat);
  element("seats").addEventListener("keydown", moveFocus);
  window.addEventListener("beforeunload", closeSeats);
  setInterval(countDown, 500);
  const say = (/** @type {any} */ data, /** @type {string} */ otherwise) => showState("seat-state", "good", data.message ?? otherwise);
  const refused = (/** @type {any} */ data) => { showState("seat-state", "bad", reason(data)); loadHolds(); };
  return {
    load: () => Promise.all([loadSeats(), loadHolds()]),
    leave: () => { clearChoice(); holds.clear(); showHolds(); },
    show: () => { showSeats(); showHolds(); },
    handlers: {
      "hold-complete": (data) => { addHold(data); say(data, text().heldByMe); loadHolds(); },
      "hold-extended": (data) => { say(data, text().holdExtended); loadHolds(); },
      "hold-released": (data) => { say(data, text().holdReleased); loadHolds(); },
      "hold-expired": (data) => { removeHold(data.holdId); showState("seat-state", "bad", data.message ?? text().holdExpired); },
      "reserve-complete": (data) => { say(data, text().reservedByMe); loadHolds(); },
      "hold-failed": refused, "extend-failed": refused, "release-failed": refused, "reserve-failed": refused,
      "*": loadHolds,
    },
  };
}

/** @param {() => any} [also] is loaded where an order has changed @returns {Part} */
export function ordersPart(also) {
  const changed = () => { loadOrders(); also?.(); };
  const inProgress = (/** @type {any} */ data) => { orderPending(data); changed(); };
  onOrders(showHolds);
  return {
    load: loadOrders,
    show: showOrders,
    handlers: {
      "order-accepted": changed, "order-refused": changed, "order-success": changed, "order-failure": changed, "order-refunded": changed,
      "reservation-cancelled": changed, "order-pending": inProgress, "order-refunding": inProgress,
    },
  };
}
