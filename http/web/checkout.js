// What a hold costs and how it is paid: its seats, a coupon, the amount that is left. The server decides the amount; what is shown
// before is counted from the coupon, and where both differ the user sees the server's and is asked again.

// @ts-check

import { reason, text } from "./i18n.js";
import { failedOrderOf, loadOrders, orderFree } from "./orders.js";
import { create, showState } from "./page.js";
import { goToWindow, isAtWindow } from "./payments.js";
import { readMine, sale } from "./sale.js";
import { hasSeats, seatName, seatPrice } from "./seats.js";
import { command, decided, user } from "./session.js";

/** @typedef {import("./holds.js").Hold} Hold */
/** @typedef {{kind: "fixed" | "percent", amount?: number, percent?: number, maxAmount?: number}} Discount */
/** @typedef {{couponId: string, status: string, discount?: Discount, minAmount?: number, appliesTo?: {scheduleIds?: string[]}}} Coupon */
/** @typedef {{listAmount: number, discount: number, amount: number}} Price */

/** @type {Coupon[]} */
let coupons = [];
/**
 * The coupon chosen for each hold; "" is none.
 * @type {Map<string, string>}
 */
const choice = new Map();
/**
 * What the server asked for a hold with a coupon.
 * @type {Map<string, Price>}
 */
const quotes = new Map();
/**
 * Holds that are being prepared or ordered.
 * @type {Set<string>}
 */
const paying = new Set();
let loading = 0, draw = () => {}, reload = () => {};

/** @param {string} holdId */
export const isPaying = (holdId) => paying.has(holdId);
/** @param {() => void} drawHolds @param {() => void} loadHolds */
export const onCheckout = (drawHolds, loadHolds) => { [draw, reload] = [drawHolds, loadHolds]; };

/** Forgets what the user was about to pay. */
export function leaveCheckout() {
  paying.clear();
  coupons = [];
}

/** Reads the user's coupons that take something off here. */
export async function loadCoupons() {
  const load = ++loading, items = await readMine("/api/v1/me/coupons?limit=100");
  if (load !== loading) return; // a newer one is under way
  if (!items) return void setTimeout(() => { if (load === loading) loadCoupons(); }, 3000);
  const applies = (/** @type {Coupon} */ { discount, appliesTo }) => discount && (!appliesTo || appliesTo.scheduleIds?.includes(sale));
  const found = items.filter(applies);
  if (JSON.stringify(found) === JSON.stringify(coupons)) return; // do not redraw under the pointer
  coupons = found;
  draw();
}

/** @param {Coupon} coupon @param {number} amount */
function discountOf({ discount, minAmount = 0 }, amount) {
  if (!discount || amount < minAmount) return 0;
  if (discount.kind === "fixed") return Math.min(discount.amount ?? 0, amount);
  return Math.min(Math.floor((amount * (discount.percent ?? 0)) / 100), discount.maxAmount || Infinity);
}

/** The coupons that can be chosen, the one that takes most off first.
 * @param {Hold} hold */
const usable = ({ totalPrice }) => coupons
  .filter((coupon) => coupon.status === "ISSUED" && discountOf(coupon, totalPrice) > 0)
  .sort((a, b) => discountOf(b, totalPrice) - discountOf(a, totalPrice));

/** The chosen coupon, the best one at first.
 * @param {Hold} hold */
function chosenCoupon(hold) {
  const can = usable(hold), id = choice.get(hold.holdId);
  return id === "" ? undefined : can.find(({ couponId }) => couponId === id) ?? can[0];
}

/** @param {Hold} hold @param {Coupon | undefined} coupon @returns {Price} */
function priceOf({ holdId, totalPrice }, coupon) {
  const discount = coupon ? discountOf(coupon, totalPrice) : 0;
  return quotes.get(`${holdId} ${coupon?.couponId ?? ""}`) ?? { listAmount: totalPrice, discount, amount: totalPrice - discount };
}

/**
 * The price list of a hold, the choice of a coupon and the button that pays.
 * @param {Hold} hold @param {boolean} busy nothing can be changed now
 * @returns {HTMLElement[]}
 */
export function checkout(hold, busy) {
  const t = text(), coupon = chosenCoupon(hold), { listAmount, discount, amount } = priceOf(hold, coupon);
  const row = (/** @type {string} */ name, /** @type {string} */ value, className = "") =>
    create("div", { className }, create("dt", {}, name), create("dd", {}, value));
  const select = create("select", { id: `coupon-${hold.holdId}`, disabled: busy, dataset: { verb: "coupon" } },
    create("option", { value: "" }, t.noCoupon),
    ...usable(hold).map((c) => create("option", { value: c.couponId }, t.couponOption(t.won(discountOf(c, hold.totalPrice)), c.couponId))));
  select.value = coupon?.couponId ?? "";
  select.onchange = () => { choice.set(hold.holdId, select.value); draw(); };
  const seats = hasSeats() ? hold.scheduleSeatIds.map((id) => row(seatName(id), t.won(seatPrice(id)))) : []; // drawn again with them
  const prices = create("dl", { className: "prices" }, ...seats,
    ...(discount ? [row(t.listAmount, t.won(listAmount)), row(t.discount, `−${t.won(discount)}`)] : []), row(t.amount, t.won(amount), "sum"));
  const label = amount ? t.pay(t.won(amount)) : t.getFree;
  const pay = create("button", { type: "button", className: "big pay", disabled: busy, dataset: { verb: "pay" } }, label);
  pay.onclick = () => payFor(hold);
  const failed = busy ? undefined : failedOrderOf(hold.holdId);
  return [
    ...(failed ? [create("p", { className: "why" }, t.tryAnother)] : []),
    ...(!busy && isAtWindow(hold.holdId) && !failed ? [create("p", { className: "why" }, t.windowLeft)] : []),
    create("p", { className: "coupons" }, create("label", { htmlFor: select.id }, t.useCoupon), " ", select), prices, pay,
  ];
}

/** @param {Hold} hold */
async function payFor(hold) {
  const buyer = user, coupon = chosenCoupon(hold), price = priceOf(hold, coupon);
  const order = { holdId: hold.holdId, ...(coupon && { couponId: coupon.couponId }) };
  paying.add(hold.holdId);
  draw();
  const problem = price.amount ? await prepare(buyer, order, price) : await orderFree(order);
  if (!price.amount || problem) paying.delete(hold.holdId); // else the page is about to be left
  if (problem) showState("order-state", "bad", problem);
  if (buyer !== user) return;
  draw();
  loadCoupons();
  loadOrders();
  reload(); // a prepared payment has moved the end of the hold
}

/**
 * Prepares the payment, and goes to the payment window.
 * @param {string} buyer @param {{holdId: string, couponId?: string}} order @param {Price} shown
 * @returns what went wrong
 */
async function prepare(buyer, order, shown) {
  showState("order-state", "wait", text().openingWindow);
  const answer = await decided(await command("/api/v1/orders/prepare", { body: order }), buyer);
  if (!answer.ok) return reason(answer.body);
  const { merchant_uid, amount, listAmount, discount } = answer.body.result;
  if (amount !== shown.amount) {
    quotes.set(`${order.holdId} ${order.couponId ?? ""}`, { amount, listAmount, discount });
    return text().priceChanged(text().won(amount));
  }
  return goToWindow({ merchant_uid, amount }, { user: buyer, ...order, amount, at: Date.now() });
}
