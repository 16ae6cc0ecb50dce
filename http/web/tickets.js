// The user's reservations of the schedule. One that was paid for can be cancelled while a refund tier of the schedule applies; the page
// says before what comes back.

// @ts-check

import { language, reason, text } from "./i18n.js";
import { countOrders, loadOrders, orderOf } from "./orders.js";
import { create, element, replaceItems, showState } from "./page.js";
import { isPaid, readMine, sale, schedule, serverNow } from "./sale.js";
import { seatName, setMine } from "./seats.js";
import { command, decided, user } from "./session.js";

/** Of a paid one refundAmount is what comes back to a user who cancels now, or what is not refunded yet; without it, it is too late.
 * @typedef {{reservationId: string, scheduleId: string, scheduleSeatIds: number[], totalPrice: number, status: "RESERVED" | "CANCELLED",
 *            imp_uid?: string, couponId?: string, amount?: number, orderStatus?: string, refundAmount?: number, refundPercent?: number,
 *            refunded?: number}} Ticket */

/** @type {Ticket[]} */
let tickets = [];
/** @type {number[]} */
let held = [];
let loading = 0;

/** A time in the browser's zone, with the name of the zone.
 * @param {string | number} at @param {"full" | "medium"} [dateStyle] */
export function showTime(at, dateStyle = "medium") {
  const locale = language === "ko" ? "ko-KR" : "en-GB", time = new Date(at);
  const parts = new Intl.DateTimeFormat(locale, { timeZoneName: "short" }).formatToParts(time);
  const zone = parts.find(({ type }) => type === "timeZoneName")?.value;
  return `${time.toLocaleString(locale, { dateStyle, timeStyle: "short" })} (${zone})`;
}

export async function loadTickets() {
  const load = ++loading, items = await readMine("/api/v1/me/reservations?limit=100");
  if (load !== loading) return; // a newer one is under way
  if (!items) return void setTimeout(() => { if (load === loading) loadTickets(); }, 3000);
  tickets = items.filter(({ scheduleId }) => scheduleId === sale);
  showMine(held);
  showTickets();
}

/** Which seats are the user's: those held, and those of the reservations.
 * @param {number[]} ids that are held */
export function showMine(ids) {
  held = ids;
  setMine([...held, ...tickets.filter(({ status }) => status === "RESERVED").flatMap(({ scheduleSeatIds }) => scheduleSeatIds)]);
}

/** The refund tiers, as the list of rules that buyers read before they pay. */
export function showRefundRules() {
  const start = Date.parse(schedule?.startsAt ?? ""), list = element("refund-rules");
  if (!list) return;
  const tiers = isPaid() ? schedule?.refundTiers ?? [] : [];
  list.replaceChildren(...tiers.map(({ untilSeconds, percent }) => {
    const until = start - untilSeconds * 1000;
    return create("li", { className: serverNow() <= until ? "" : "past" }, text().refundRule(showTime(until), percent));
  }));
  element("refunds").hidden = !isPaid();
  element("refund-none").hidden = tiers.length > 0;
}

export function showTickets() {
  if (!element("tickets")) return; // not on this page
  replaceItems("tickets", tickets.map(ticketItem));
  element("mine").hidden = tickets.length + countOrders() === 0;
}

/** @param {Ticket} ticket */
function ticketItem(ticket) {
  const t = text(), { reservationId, scheduleSeatIds, totalPrice, imp_uid, amount } = ticket;
  const item = create("li", { dataset: { key: reservationId, status: ticket.status } },
    create("b", {}, scheduleSeatIds.map(seatName).join(", ")),
    create("span", { className: "quiet" }, `${t.reservation} ${reservationId}`),
    create("span", {}, imp_uid ? t.paidAmount(t.won(amount ?? 0)) : t.won(totalPrice)));
  const note = (/** @type {string} */ words) => item.append(create("p", { className: "why" }, words));
  if (orderOf(imp_uid)?.late) note(t.lateNote);
  if (ticket.status === "CANCELLED") {
    const { orderStatus, refunded = 0, refundAmount } = ticket;
    const back = orderStatus === "REFUNDED" ? t.refundedAmount(refunded) : refundAmount ? t.refunding(t.won(refundAmount)) : "";
    note([t.cancelledTicket, back].filter(Boolean).join(" · "));
    if (couponText(ticket)) note(couponText(ticket));
    return item;
  }
  const closed = isClosed(ticket);
  if (closed) note(t.reasons.cancel_closed);
  const button = create("button", { type: "button", disabled: closed, dataset: { verb: "cancel" } }, t.cancelTicket);
  button.onclick = () => askToCancel(reservationId);
  item.append(button);
  return item;
}

/** What becomes of the coupon: the user gets it back if nothing of the amount is kept.
 * @param {Ticket} ticket */
function couponText({ couponId, amount, refunded, refundAmount }) {
  if (!couponId) return "";
  return (refundAmount ?? refunded) === amount ? text().couponReturned : text().couponKept;
}

/** @param {Ticket} ticket */
const isClosed = ({ imp_uid, refundPercent }) => imp_uid !== undefined && refundPercent === undefined;

/**
 * Says what comes back now, and cancels if the user agrees.
 * @param {string} id
 */
async function askToCancel(id) {
  await loadTickets();
  const t = text(), dialog = element("confirm"), ticket = tickets.find(({ reservationId, status }) => reservationId === id && status === "RESERVED");
  if (!ticket || isClosed(ticket)) return; // the list says so
  const { imp_uid, amount = 0, refundAmount = 0, refundPercent = 0 } = ticket;
  element("confirm-title").textContent = t.cancelQuestion(ticket.scheduleSeatIds.map(seatName).join(", "));
  element("confirm-text").textContent = imp_uid ? [t.refundPreview(t.won(refundAmount), t.won(amount), refundPercent), couponText(ticket)].join(" ") : "";
  element("confirm-no").onclick = () => dialog.close();
  element("confirm-yes").onclick = () => { dialog.close(); cancel(ticket); };
  dialog.showModal();
}

/** @param {Ticket} ticket */
async function cancel(ticket) {
  const requester = user;
  showState("ticket-state", "wait", text().cancelling);
  const answer = await decided(await command(`/api/v1/reservations/${encodeURIComponent(ticket.reservationId)}/cancel`), requester);
  if (requester !== user) return;
  const refund = answer.body.result?.refundAmount;
  if (!answer.ok) showState("ticket-state", "bad", reason(answer.body));
  else showState("ticket-state", "good", refund ? text().cancelledWith(text().won(refund)) : text().cancelledTicket);
  loadTickets();
  loadOrders();
}
