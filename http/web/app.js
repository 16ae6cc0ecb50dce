// The demo page: one promotion, one schedule, one product, all named "demo". It starts here. Events of the user come by
// onsale.js, once for all tabs.

// @ts-check

import { couponOutcome, issue, loadPromotion } from "./coupons.js";
import { language, reason, switchLanguage, text } from "./i18n.js";
import { connect } from "./onsale.js";
import { loadOrders, orderPaid, orderPending, showOrders } from "./orders.js";
import { element, logEvent, showState } from "./page.js";
import { returnFromWindow } from "./payments.js";
import { buy, loadProduct, showProduct } from "./product.js";
import { moveFocus } from "./seatmap.js";
import { addHold, clearChoice, closeSeats, countDown, hold, loadSeats, removeHold, showSeats, toggleSeat } from "./seats.js";
import { setUser, user } from "./session.js";

const ordersChanged = () => { loadOrders(); loadProduct(); };
const orderInProgress = (/** @type {any} */ data) => { orderPending(data); ordersChanged(); };

/**
 * What each event of the user changes on this page.
 * @type {Record<string, (data: any) => void>}
 */
const HANDLERS = {
  "issue-complete": (data) => couponOutcome(data, true),
  "issue-failed": (data) => couponOutcome(data, false),
  "hold-complete": (data) => { addHold(data); showState("seat-state", "good", data.message ?? text().heldByMe); },
  "hold-failed": (data) => showState("seat-state", "bad", reason(data)),
  "hold-released": (data) => { loadSeats(); showState("seat-state", "good", data.message ?? text().holdReleased); },
  "release-failed": (data) => showState("seat-state", "bad", reason(data)),
  "hold-expired": (data) => { removeHold(data.holdId); showState("seat-state", "bad", data.message ?? text().holdExpired); },
  "reserve-complete": (data) => { loadSeats(); showState("seat-state", "good", data.message ?? text().reservedByMe); },
  "reserve-failed": (data) => { loadSeats(); showState("seat-state", "bad", reason(data)); },
  "order-accepted": ordersChanged, "order-refused": ordersChanged, "order-success": ordersChanged,
  "order-failure": ordersChanged, "order-refunded": ordersChanged,
  "order-pending": orderInProgress, "order-refunding": orderInProgress,
};

/** @type {ReturnType<typeof connect> | undefined} */
let stream;

/** @param {string} [from] the id of the last event received in the previous language */
function listen(from) {
  stream?.close();
  const log = (/** @type {{name: string, id: string, data: any}} */ { name, id, data }) =>
    logEvent(name, id, typeof data === "string" ? data : JSON.stringify(data));
  stream = connect({
    path: `/subscribe/${encodeURIComponent(user)}?lang=${language}`, from, names: Object.keys(HANDLERS), heartbeat: 25_000,
    onEvent: (event) => { log(event); HANDLERS[event.name]?.(event.data); },
    onState: (state, frame) => {
      if (frame) log(frame);
      if (state === "live") loadOrders(); // the present state; the stream delivers the changes from here on
    },
    onReset: loadSeats,
    poll: () => Promise.all([loadSeats(), loadOrders()]),
  });
}

/**
 * Shows the page to a user.
 * @param {string} name
 */
function showUser(name) {
  setUser(name);
  element("user").value = name;
  clearChoice();
  for (const id of ["coupon-state", "seat-state", "order-state"]) showState(id, "idle", "");
  listen();
  loadSeats();
  loadOrders();
  orderPaid();
}

function showLanguage() {
  document.documentElement.lang = language;
  for (const part of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-text]"))) {
    const translated = text()[/** @type {keyof import("./i18n.js").Text} */ (part.dataset.text)];
    if (typeof translated === "string") part.textContent = translated;
  }
  for (const price of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-price]"))) {
    price.textContent = text().won(Number(price.dataset.price));
  }
  element("language").textContent = text().other;
  element("language").lang = language === "ko" ? "en" : "ko";
  showSeats();
  showOrders();
  loadPromotion();
  loadProduct();
}

element("who").addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault();
  showUser(element("user").value);
});
element("language").addEventListener("click", () => { switchLanguage(); showLanguage(); listen(stream?.lastEventId); });
element("issue").addEventListener("click", issue);
element("hold").addEventListener("click", hold);
element("seats").addEventListener("click", toggleSeat);
element("seats").addEventListener("keydown", moveFocus);
element("shop").addEventListener("submit", buy);
element("count").addEventListener("input", showProduct);
element("clear").addEventListener("click", () => element("log").replaceChildren());
window.addEventListener("beforeunload", closeSeats);
window.addEventListener("pageshow", (event) => { if (event.persisted) showUser(user); }); // back from the payment window
window.addEventListener("focus", loadProduct);
setInterval(countDown, 500);
setInterval(() => { if (!document.hidden) loadPromotion(); }, 3000);

const problem = returnFromWindow();
showLanguage();
showUser(user);
if (problem) showState("order-state", "bad", problem);
