// The product "demo", and the way to its payment window.

// @ts-check

import { element, say } from "./page.js";
import { keepPrepared, windowFor } from "./payments.js";
import { command, decided, user } from "./shopper.js";
import { reason, text } from "./words.js";

/** @typedef {{salePostId: string, name: string, price: number, stock: number, remaining: number, status: string}} Product */

const PRODUCT = "demo";

/** @type {Product | undefined} */
let product;
let later = 0;

export async function loadProduct() {
  clearTimeout(later);
  const response = await fetch(`/api/v1/products/${PRODUCT}`).catch(() => undefined);
  const found = response?.ok ? await response.json().catch(() => undefined) : undefined;
  product = found ?? product;
  showProduct();
  if (product) return;
  if (response?.status === 404) element("units-of").textContent = text().noProduct;
  later = setTimeout(loadProduct, 3000);
}

export function showProduct() {
  element("buy").disabled = product?.status !== "OPEN";
  if (!product) return;
  const { name, price, stock, remaining, status } = product, t = text();
  const over = { OPEN: "", SOLD_OUT: t.why.sold_out, CLOSED: t.why.product_closed }[status] ?? status;
  element("product").textContent = `${name} · ${t.won(price)} ${over}`;
  element("units").textContent = remaining.toLocaleString();
  element("units-of").textContent = t.unitsOf(stock);
  element("buy").textContent = t.pay(t.won(price * (element("count").valueAsNumber || 0)));
}

/** Has the payment prepared for this user and this amount, and goes to the payment window. @param {Event} event */
export async function buy(event) {
  event.preventDefault();
  const buyer = user, count = element("count").valueAsNumber;
  element("buy").disabled = true;
  say("order-state", "wait", text().opening);
  const answer = await decided(await command("/api/v1/orders/prepare", { body: { salePostId: PRODUCT, count } }), buyer);
  const { merchant_uid, amount } = answer.body.result ?? {}, there = windowFor({ merchant_uid, amount });
  const open = answer.ok ? await fetch(there).catch(() => undefined) : undefined;
  showProduct();
  if (!answer.ok) return say("order-state", "bad", reason(answer.body));
  if (!open?.ok) return say("order-state", "bad", open ? text().noWindow : text().trouble);
  keepPrepared(merchant_uid, { user: buyer, salePostId: PRODUCT, count, amount, at: Date.now() });
  location.assign(there);
}
