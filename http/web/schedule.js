// The page of one schedule, /s/:scheduleId: its sections and prices, the best seats, and from a hold to the ticket.

// @ts-check

import { startPage } from "./app.js";
import { loadCoupons, onCheckout } from "./checkout.js";
import { holdBest, loadHolds, showHolds } from "./holds.js";
import { text } from "./i18n.js";
import { onOrders } from "./orders.js";
import { create, element } from "./page.js";
import { couponPart, ordersPart, seatsPart } from "./parts.js";
import { isPaid, loadSchedule, schedule } from "./sale.js";
import { onSeatsPainted, sections } from "./seats.js";
import { showRefundRules, showTickets, showTime } from "./tickets.js";

async function load() {
  try {
    await loadSchedule();
    show();
  } catch {
    setTimeout(load, 3000);
  }
}

/** Draws what is known of the schedule. */
function show() {
  const t = text();
  element("title").textContent = schedule?.title ?? "…";
  document.title = schedule ? `${schedule.title} · onsale` : "onsale";
  element("starts").textContent = schedule?.startsAt ? showTime(schedule.startsAt, "full") : "";
  element("limit").textContent = schedule ? t.limit(schedule.maxSeatsPerUser) : "";
  element("how").textContent = isPaid() ? t.howPaid : t.howFree;
  const count = element("best-count"), counted = count.value || "2";
  count.replaceChildren(...Array.from({ length: Math.min(schedule?.maxSeatsPerUser ?? 4, 8) }, (_, i) => create("option", { value: String(i + 1) }, t.seatCount(i + 1))));
  count.value = counted;
  if (!count.value) count.value = "1";
  shownSections = "";
  showSections();
  showBest();
  showRefundRules();
  showTickets();
  showHolds();
}

const showBest = () => { element("best-hold").textContent = text().best(Number(element("best-count").value)); };

/** The sections as they are shown, so that nothing is drawn twice. */
let shownSections = "";

function showSections() {
  const now = JSON.stringify([...sections]);
  if (now === shownSections) return;
  shownSections = now;
  const t = text(), choose = element("best-section"), chosen = choose.value;
  element("sections").replaceChildren(...[...sections].map(([name, { price, total, free }]) => create("tr", { className: free ? "" : "none" },
    create("th", { scope: "row" }, name), create("td", {}, t.won(price)), create("td", {}, free ? t.freeOf(free, total) : t.reasons.sold_out))));
  choose.replaceChildren(create("option", { value: "" }, t.anySection), ...[...sections].map(([name, { price, free }]) => create("option", { value: name, disabled: !free }, `${name} · ${t.won(price)}`)));
  choose.value = chosen;
}

element("best").addEventListener("submit", holdBest);
element("best-count").addEventListener("change", showBest);
onCheckout(showHolds, loadHolds);
onSeatsPainted(showSections);
onOrders(showTickets);

startPage([{ load, show }, couponPart(), seatsPart(), ordersPart(loadHolds), { load: loadCoupons, handlers: { "*": loadCoupons } }]);
