// The product "demo", and paying for it.

// @ts-check

import { reason, text } from "./i18n.js";
import { element, showState } from "./page.js";
import { goToWindow } from "./payments.js";
import { command, decided, user } from "./session.js";

/** @typedef {{salePostId: string, name: string, price: number, stock: number, remaining: number, status: string}} Product */

const PRODUCT = "demo";

/** @type {Product | undefined} */
let product;
let retry = 0;

export async function loadProduct() {
  clearTimeout(retry);
  const response = await fetch(`/api/v1/products/${PRODUCT}`).catch(() => undefined);
  const found = response?.ok ? await response.json().catch(() => undefined) : undefined;
  product = found ?? product;
  showProduct();
  if (product) return;
  if (response?.status === 404) element("units-of").textContent = text().noProduct;
  retry = setTimeout(loadProduct, 3000);
}

export function showProduct() {
  element("buy").disabled = product?.status !== "OPEN";
  if (!product) return;
  const { name, price, stock, remaining, status } = product, t = text();
  const unavailable = { OPEN: "", SOLD_OUT: t.reasons.sold_out, CLOSED: t.reasons.product_closed }[status] ?? status;
  element("product").textContent = `${name} · ${t.won(price)} ${unavailable}`;
  element("units").textContent = remaining.toLocaleString();
  element("units-of").textContent = t.unitsOf(stock);
  element("buy").textContent = t.pay(t.won(price * (element("count").valueAsNumber || 0)));
}

/**
 * Prepares a payment of this user and this amount, and goes to the payment window.
 * @param {Event} event
 */
export async function buy(event) {
  event.preventDefault();
  const buyer = user, count = element("count").valueAsNumber;
  element("buy").disabled = true;
  showState("order-state", "wait", text().openingWindow);
  const answer = await decided(await command("/api/v1/orders/prepare", { body: { salePostId: PRODUCT, count } }), buyer);
  const { merchant_uid, amount } = answer.body.result ?? {};
  const purchase = { user: buyer, salePostId: PRODUCT, count, amount, at: Date.now() };
  const problem = answer.ok ? await goToWindow({ merchant_uid, amount }, purchase) : reason(answer.body);
  showProduct();
  if (problem) showState("order-state", "bad", problem);
}
