// The page of one schedule, /s/:scheduleId: its sections and prices, the best seats, and from a hold to the ticket.

// @ts-check

import { startPage } from "./app.js";
import { leaveCheckout, loadCoupons, onCheckout } from "./checkout.js";
import { holdBest, loadHolds, showHolds } from "./holds.js";
import { text } from "./i18n.js";
import { onOrders } from "./orders.js";
import { create, element } from "./page.js";
import { couponPart, ordersPart, seatsPart } from "./parts.js";
import { isPaid, loadSchedule, schedule } from "./sale.js";
import { onSeatsPainted, sections } from "./seats.js";
import { showRefundRules, showTickets, showTime } from "./tickets.js";

/** What is shown of the schedule and of its sections, so that nothing is drawn twice: a list that is open would close. */
let shown = "", shownSections = "", shownChoice = "", retry = 0;

async function load() {
  clearTimeout(retry);
  try {
    const found = await loadSchedule(), now = JSON.stringify({ ...found, seats: undefined });
    if (!found) retry = setTimeout(load, 5000); // it may be created later
    if (now === shown) return;
    shown = now;
    show();
  } catch {
    retry = setTimeout(load, 3000);
  }
}

/** Draws what is known of the schedule. */
function show() {
  const t = text();
  document.body.dataset.status = schedule?.status ?? (shown ? "NONE" : "LOADING"); // schedule.css hides what makes no sense then
  element("title").textContent = schedule?.title ?? (shown ? t.noSchedule : "…");
  document.title = schedule ? `${schedule.title} · onsale` : "onsale";
  element("starts").textContent = schedule?.startsAt ? showTime(schedule.startsAt, "full") : "";
  element("limit").textContent = schedule ? t.limit(schedule.maxSeatsPerUser) : "";
  element("how").textContent = state();
  element("how").className = schedule?.status === "OPEN" ? "" : "why";
  const count = element("best-count"), counted = count.value || "2", most = Math.min(schedule?.maxSeatsPerUser ?? 4, 8);
  count.replaceChildren(...Array.from({ length: most }, (_, i) => create("option", { value: String(i + 1) }, t.seatCount(i + 1))));
  count.value = counted <= String(most) ? counted : "1";
  shownSections = shownChoice = "";
  showSections();
  showBest();
  showRefundRules();
  showTickets();
  showHolds();
}

/** How seats are bought, or why they are not. */
function state() {
  const { status, cancelReason = "" } = schedule ?? {}, t = text();
  if (status === "CANCELLED") return t.calledOff(cancelReason);
  if (status === "CLOSED") return t.saleClosed;
  return isPaid() ? t.howPaid : t.howFree;
}

const showBest = () => { element("best-hold").textContent = text().best(Number(element("best-count").value)); };

function showSections() {
  const all = [...sections], now = JSON.stringify(all), t = text(), open = schedule?.status === "OPEN";
  if (now === shownSections) return;
  shownSections = now;
  element("sections").replaceChildren(...all.map(([name, { price, total, free }]) => create("tr", { className: free || !open ? "" : "none" },
    create("th", { scope: "row" }, name), create("td", {}, t.won(price)), create("td", {}, !open ? "" : free ? t.freeOf(free, total) : t.reasons.sold_out))));
  const options = all.map(([name, { price, free }]) => create("option", { value: name, disabled: !free }, `${name} · ${t.won(price)}`));
  const choice = options.map(({ text, disabled }) => text + disabled).join();
  if (choice === shownChoice) return;
  shownChoice = choice;
  const choose = element("best-section"), chosen = choose.value;
  choose.replaceChildren(create("option", { value: "" }, t.anySection), ...options);
  choose.value = chosen;
}

element("best").addEventListener("submit", holdBest);
element("best-count").addEventListener("change", showBest);
onCheckout(showHolds, loadHolds);
onSeatsPainted(showSections);
onOrders(showTickets);

startPage([
  { load, show, handlers: { "*": load } }, couponPart(), seatsPart(), ordersPart(loadHolds),
  { load: loadCoupons, leave: leaveCheckout, handlers: { "*": loadCoupons } },
]);
