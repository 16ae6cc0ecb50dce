// The demo page: one promotion, one schedule, one product, all named "demo". Here it starts, and here is who hears what.
// What concerns the user comes by onsale.js, once for all tabs.

// @ts-check

import { couponOutcome, issue, loadPromotion } from "./coupons.js";
import { tick } from "./holds.js";
import { connect } from "./onsale.js";
import { loadOrders, orderWaits, orderWhatIsPaid, showOrders } from "./orders.js";
import { element, note, say } from "./page.js";
import { comeBack } from "./payments.js";
import { walk } from "./seatmap.js";
import { choose, chooseNone, dropHold, hold, keepHold, leaveSeats, loadSeats, showSeats } from "./seats.js";
import { buy, loadProduct, showProduct } from "./shop.js";
import { become, user } from "./shopper.js";
import { language, reason, speakOther, text } from "./words.js";

const ordersChanged = () => { loadOrders(); loadProduct(); };
const orderUnderWay = (/** @type {any} */ data) => { orderWaits(data); ordersChanged(); };

/** What the events of the user change on this page. @type {Record<string, (data: any) => void>} */
const HEARD = {
  "issue-complete": (data) => couponOutcome(data, true),
  "issue-failed": (data) => couponOutcome(data, false),
  "hold-complete": (data) => { keepHold(data); say("seat-state", "good", data.message ?? text().taken); },
  "hold-failed": (data) => say("seat-state", "bad", reason(data)),
  "hold-released": (data) => { loadSeats(); say("seat-state", "good", data.message ?? text().back); },
  "release-failed": (data) => say("seat-state", "bad", reason(data)),
  "hold-expired": (data) => { dropHold(data.holdId); say("seat-state", "bad", data.message ?? text().over); },
  "reserve-complete": (data) => { loadSeats(); say("seat-state", "good", data.message ?? text().done); },
  "reserve-failed": (data) => { loadSeats(); say("seat-state", "bad", reason(data)); },
  "order-accepted": ordersChanged, "order-refused": ordersChanged, "order-success": ordersChanged,
  "order-failure": ordersChanged, "order-refunded": ordersChanged,
  "order-pending": orderUnderWay, "order-refunding": orderUnderWay,
};

/** @type {ReturnType<typeof connect> | undefined} */
let stream;

/** @param {string} [from] the id of the last event that was heard in another language */
function listen(from) {
  stream?.close();
  const write = (/** @type {{name: string, id: string, data: any}} */ { name, id, data }) =>
    note(name, id, typeof data === "string" ? data : JSON.stringify(data));
  stream = connect({
    path: `/subscribe/${encodeURIComponent(user)}?lang=${language}`, from, names: Object.keys(HEARD), heartbeat: 25_000,
    onEvent: (event) => { write(event); HEARD[event.name]?.(event.data); },
    onState: (state, frame) => {
      if (frame) write(frame);
      if (state === "live") loadOrders(); // as they are now; from here on the stream tells
    },
    onReset: loadSeats,
    poll: () => Promise.all([loadSeats(), loadOrders()]),
  });
}

/** Somebody is here, and sees what is theirs. @param {string} name */
function welcome(name) {
  become(name);
  element("user").value = name;
  chooseNone();
  for (const id of ["coupon-state", "seat-state", "order-state"]) say(id, "idle", "");
  listen();
  loadSeats();
  loadOrders();
  orderWhatIsPaid();
}

function speak() {
  document.documentElement.lang = language;
  for (const part of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-text]"))) {
    const words = text()[/** @type {keyof import("./words.js").Words} */ (part.dataset.text)];
    if (typeof words === "string") part.textContent = words;
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
  welcome(element("user").value);
});
element("language").addEventListener("click", () => { speakOther(); speak(); listen(stream?.lastEventId); });
element("issue").addEventListener("click", issue);
element("hold").addEventListener("click", hold);
element("seats").addEventListener("click", choose);
element("seats").addEventListener("keydown", walk);
element("shop").addEventListener("submit", buy);
element("count").addEventListener("input", showProduct);
element("clear").addEventListener("click", () => element("log").replaceChildren());
window.addEventListener("beforeunload", leaveSeats);
window.addEventListener("pageshow", (event) => { if (event.persisted) welcome(user); }); // back from the payment window
window.addEventListener("focus", loadProduct);
setInterval(tick, 500);
setInterval(() => { if (!document.hidden) loadPromotion(); }, 3000);

const back = comeBack();
speak();
welcome(user);
if (back) say("order-state", "bad", back);
