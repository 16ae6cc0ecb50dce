// The demo page: one promotion, one schedule, one product, all named "demo".

// @ts-check

import { startPage } from "./app.js";
import { element } from "./page.js";
import { couponPart, ordersPart, seatsPart } from "./parts.js";
import { buy, loadProduct, showProduct } from "./product.js";

element("shop").addEventListener("submit", buy);
element("count").addEventListener("input", showProduct);
element("clear").addEventListener("click", () => element("log").replaceChildren());
window.addEventListener("focus", loadProduct);

startPage([couponPart(), seatsPart(), { show: loadProduct }, ordersPart(loadProduct)]);
