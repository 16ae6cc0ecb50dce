// The user's holds of seats: how long they last, and what can be done with them. Where seats are paid for, checkout.js adds the price.
// While an order on a hold has no result, the hold keeps its seats and nothing else can be done with it.

// @ts-check

import { checkout, isPaying } from "./checkout.js";
import { reason, text } from "./i18n.js";
import { isOrdering, openOrderOf, showOrders } from "./orders.js";
import { create, element, forget, replaceItems, showState } from "./page.js";
import { isPaid, readMine, schedule, serverNow, setClock } from "./sale.js";
import { SEATS, chosenSeats, hasSeats, onSeatsPainted, requestChosen, seatName, setStatus } from "./seats.js";
import { command, decided, user } from "./session.js";
import { loadTickets, showMine, showTickets } from "./tickets.js";

/** @typedef {{holdId: string, scheduleSeatIds: number[], totalPrice: number, expiresAt: string, now?: string}} Hold */

/** @type {Map<string, Hold>} */
export const holds = new Map();
let loading = 0;

/** Reads the user's holds and reservations. */
export async function loadHolds() {
  const load = ++loading, items = await readMine(`${SEATS}/my-holds`);
  if (load !== loading) return; // a newer one is under way
  if (!items) return void setTimeout(() => { if (load === loading) loadHolds(); }, 3000);
  holds.clear();
  for (const hold of items) holds.set(hold.holdId, hold);
  heldSeats();
  await loadTickets();
}

function heldSeats() {
  showMine([...holds.values()].flatMap((hold) => hold.scheduleSeatIds));
  showHolds();
}

/** @param {Hold} hold */
export function addHold(hold) {
  if (hold.now) setClock(Date.parse(hold.now));
  holds.set(hold.holdId, hold);
  heldSeats();
  for (const id of hold.scheduleSeatIds) setStatus(id, "HELD");
}

/** @param {string} id */
export function removeHold(id) {
  holds.delete(id);
  heldSeats();
}

/** Holds the chosen seats. */
export const holdChosen = async () => gotHold(await requestChosen("hold", (ids) => ({ scheduleSeatIds: ids })));

/**
 * Holds the best seats that are next to each other.
 * @param {Event} event
 */
export async function holdBest(event) {
  event.preventDefault();
  const count = Number(element("best-count").value), section = element("best-section").value;
  element("best-hold").disabled = true;
  showState("seat-state", "wait", text().searching);
  const answer = await command(`${SEATS}/hold`, { body: { bestAvailable: { count, ...(section && { section }) } } });
  element("best-hold").disabled = false;
  if (!answer.ok) showState("seat-state", "bad", reason(answer.body));
  gotHold(answer);
}

/** The focus goes on to what is done next.
 * @param {{status: number, body: any}} answer */
function gotHold({ status, body }) {
  if (status === 202 || !body.result?.holdId) return;
  addHold(body.result);
  showState("seat-state", "good", text().heldByMe);
  element("holds").querySelector(`[data-key="${body.result.holdId}"] :is([data-verb="pay"], [data-verb="reserve"])`)?.focus();
}

/** @param {string} verb @param {Hold} hold */
async function finish(verb, hold) {
  const requester = user, answer = await decided(await command(`${SEATS}/${verb}`, { body: { holdId: hold.holdId } }), requester);
  if (requester !== user) return;
  const done = { reserve: text().reservedByMe, release: text().holdReleased, extend: text().holdExtended }[verb] ?? "";
  if (answer.ok) showState("seat-state", "good", done);
  else showState("seat-state", "bad", reason(answer.body));
  loadHolds();
}

/** Gives the seats of a hold back for the chosen ones.
 * @param {Hold} hold */
async function swap(hold) {
  const answer = await requestChosen("swap", (ids) => ({ holdId: hold.holdId, release: hold.scheduleSeatIds, take: ids }));
  if (answer.ok) gotHold(answer);
  loadHolds();
}

/** Draws the holds again. */
export function showHolds() {
  replaceItems("holds", [...holds.values()].map(holdItem));
  countDown();
}

/** @param {Hold} hold */
function holdItem(hold) {
  const t = text(), order = openOrderOf(hold.holdId), ordering = isOrdering(hold.holdId), busy = ordering || isPaying(hold.holdId);
  const item = create("li", { dataset: { key: hold.holdId, ordered: busy ? "yes" : "no" } });
  if (!isPaid()) {
    item.append(create("span", {}, `${hold.scheduleSeatIds.map(seatName).join(", ")} · ${t.won(hold.totalPrice)}`));
  }
  const time = create("span", { className: "time", dataset: { until: hold.expiresAt, label: isPaid() ? "payWithin" : "left" } });
  item.append(time);
  if (ordering) Object.assign(time.dataset, order?.orderStatus === "PENDING_PAYMENT" ? { label: "payBefore" } : { until: "" });
  if (busy) item.append(create("p", { className: "why" }, order?.orderStatus === "PENDING_PAYMENT" ? t.orderedUnpaid : t.ordered));
  const acts = create("div", { className: "acts" });
  const act = (/** @type {string} */ verb, /** @type {string} */ label, /** @type {() => any} */ run, disabled = false) => {
    const button = create("button", { type: "button", disabled: busy || disabled, dataset: { verb } }, label);
    button.onclick = () => {
      acts.querySelectorAll("button").forEach((/** @type {HTMLButtonElement} */ b) => { b.disabled = true; }); // until it is drawn again
      forget(item);
      run();
    };
    acts.append(button);
  };
  if (isPaid()) item.append(...checkout(hold, busy));
  else act("reserve", t.reserve, () => finish("reserve", hold));
  act("extend", t.extend, () => finish("extend", hold));
  if (schedule) act("swap", t.swap(chosenSeats().length), () => swap(hold), chosenSeats().length === 0);
  act("release", t.release, () => finish("release", hold));
  item.append(acts);
  return item;
}

let shownChoice = 0, namesShown = false;
onSeatsPainted(() => {
  const count = chosenSeats().length, named = hasSeats() && !namesShown;
  if (holds.size && (named || count !== shownChoice)) showHolds(); // the label of "swap" names how many are chosen
  if (named) showTickets();
  if (named) showOrders();
  [shownChoice, namesShown] = [count, hasSeats()];
});

/** Shows how long everything on the page still lasts that has an end. */
export function countDown() {
  for (const time of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-until]"))) {
    const { until, label } = time.dataset;
    if (!until) { time.textContent = ""; continue; }
    const left = Math.max(0, Math.ceil((Date.parse(until) - serverNow()) / 1000));
    const clock = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    time.textContent = left ? text()[/** @type {"left" | "payWithin" | "payBefore"} */ (label)](clock) : text().holdExpired;
    time.classList.toggle("soon", left < 60);
  }
}
