// The seats of the schedule "demo" and the user's holds. The response to the GET carries the position of what it shows
// (Last-Event-ID), so a stream that starts there misses nothing. It is a plain EventSource, which reconnects and resumes by
// itself.

// @ts-check

import { reason, text } from "./i18n.js";
import { element, logEvent, showState } from "./page.js";
import { draw, seatOf, showSeat } from "./seatmap.js";
import { command, user } from "./session.js";

/** @typedef {import("./seatmap.js").Seat} Seat */
/** @typedef {{holdId: string, scheduleSeatIds: number[], totalPrice: number, expiresAt: string}} Hold */
/** @typedef {{scheduleSeatId: number, status: string, timestamp: string, isHeartbeat: boolean}} SeatEvent */

const SEATS = "/api/schedules/demo/seats";

/** @type {Map<number, Seat>} */
const seats = new Map();
/** @type {Set<number>} */
const chosen = new Set();
/**
 * Seats of a hold request without an outcome.
 * @type {Set<number>}
 */
const requesting = new Set();
/** @type {Map<string, Hold>} */
const holds = new Map();
/** How far the server's clock is ahead of the browser's, in milliseconds. */
let clockOffset = 0;
/** @type {EventSource | undefined} */
let stream;
let loading = 0;

/** @param {number} now by the server's clock */
const setClock = (now) => { clockOffset = now - Date.now(); };

/** @param {number} seat */
const isHeld = (seat) => [...holds.values()].some((h) => h.scheduleSeatIds.includes(seat));

/** Reads the seats and the user's holds, and streams from there unless a stream is open. */
export async function loadSeats() {
  const load = ++loading;
  const retry = (/** @type {number} */ ms) => setTimeout(() => { if (load === loading) loadSeats(); }, ms);
  const headers = { "X-User-Id": user };
  try {
    const mine = await fetch(`${SEATS}/my-holds`, { headers });
    const response = await fetch(SEATS, { headers });
    if (load !== loading) return; // a newer one is under way
    if (!response.ok || !mine.ok) {
      element("counts").textContent = response.status === 404 ? text().noSchedule : "";
      retry(5000);
      return;
    }
    const served = Date.parse(response.headers.get("Date") ?? "");
    if (served && !holds.size) setClock(served);
    /** @type {Seat[]} */
    const list = await response.json();
    const { items } = await mine.json();
    holds.clear();
    for (const hold of items) holds.set(hold.holdId, hold);
    for (const seat of list) seats.set(seat.id, seat);
    draw(list);
    showSeats();
    if (!stream || stream.readyState === EventSource.CLOSED) listen(response.headers.get("Last-Event-ID"));
  } catch {
    retry(3000);
  }
}

/** @param {string | null} position to start at */
function listen(position) {
  const from = position ? `?lastEventId=${encodeURIComponent(position)}` : "";
  const source = stream = new EventSource(`${SEATS}/events${from}`);
  source.onmessage = (event) => {
    /** @type {SeatEvent} */
    const data = JSON.parse(event.data);
    if (data.isHeartbeat) return;
    logEvent("message", event.lastEventId, event.data);
    setStatus(data.scheduleSeatId, data.status);
  };
  source.addEventListener("connect", (event) => {
    logEvent("connect", event.lastEventId, event.data);
    if (JSON.parse(event.data).status === "reset") loadSeats();
  });
  source.onopen = showLive;
  source.onerror = () => {
    showLive();
    if (source.readyState === EventSource.CLOSED && source === stream) setTimeout(loadSeats, 3000);
  };
}

export const closeSeats = () => stream?.close();

/**
 * Sets the status of a seat. The public stream does not say whose it is.
 * @param {number} id @param {string} status
 */
function setStatus(id, status) {
  const seat = seats.get(id);
  if (!seat) return;
  seat.status = status;
  seat.mine = status === "RESERVED" ? seat.mine : isHeld(id);
  if (status !== "AVAILABLE") chosen.delete(id);
  refresh([id]);
}

/** @param {MouseEvent} event */
export function toggleSeat(event) {
  const seat = seats.get(seatOf(event) ?? -1);
  if (!seat || !["available", "chosen"].includes(stateOf(seat))) return;
  if (!chosen.delete(seat.id)) chosen.add(seat.id);
  refresh([seat.id]);
}

export const clearChoice = () => chosen.clear();

export async function hold() {
  const ids = [...chosen].sort((a, b) => a - b);
  chosen.clear();
  ids.forEach((id) => requesting.add(id));
  refresh(ids);
  const answer = await command(`${SEATS}/hold`, { body: { scheduleSeatIds: ids } });
  ids.forEach((id) => requesting.delete(id));
  if (answer.status === 201) addHold(answer.body.result);
  else if (answer.status !== 202) showState("seat-state", "bad", reason(answer.body));
  refresh(ids);
}

/** @param {string} verb @param {Hold} h */
async function finish(verb, h) {
  const answer = await command(`${SEATS}/${verb}`, { body: { holdId: h.holdId } });
  if (!answer.ok) showState("seat-state", "bad", reason(answer.body));
  loadSeats();
}

/** @param {Hold & {now?: string}} h */
export function addHold(h) {
  if (h.now) setClock(Date.parse(h.now));
  holds.set(h.holdId, h);
  for (const id of h.scheduleSeatIds) setStatus(id, "HELD");
  showHolds();
}

/** @param {string} id */
export function removeHold(id) {
  if (holds.delete(id)) loadSeats();
  showHolds();
}

/** @param {Seat} seat */
function stateOf(seat) {
  if (requesting.has(seat.id)) return "requesting";
  if (seat.status === "HELD") return seat.mine ? "mine" : "held";
  if (seat.status !== "AVAILABLE") return seat.mine ? "bought" : "reserved";
  return chosen.has(seat.id) ? "chosen" : "available";
}

/** @param {Iterable<number>} ids */
function refresh(ids) {
  for (const id of ids) {
    const seat = seats.get(id);
    if (seat) showSeat(seat, stateOf(seat));
  }
  const total = [...chosen].reduce((sum, id) => sum + (seats.get(id)?.price ?? 0), 0);
  element("chosen").textContent = chosen.size ? text().chosen(chosen.size, text().won(total)) : text().chooseFirst;
  element("hold").disabled = chosen.size === 0;
  let free = 0;
  for (const seat of seats.values()) if (seat.status === "AVAILABLE") free++;
  if (seats.size) element("counts").textContent = text().counts(free, seats.size);
}

function showHolds() {
  element("holds").replaceChildren(...[...holds.values()].map((h) => {
    const item = document.createElement("li"), names = document.createElement("span"), time = document.createElement("span");
    const seatNames = h.scheduleSeatIds.map((id) => seats.get(id)?.displayName ?? id);
    names.textContent = `${seatNames.join(", ")} · ${text().won(h.totalPrice)}`;
    time.className = "time";
    time.dataset.until = h.expiresAt;
    const actions = document.createElement("div");
    actions.className = "acts";
    for (const [verb, label] of [["reserve", text().reserve], ["release", text().release]]) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = label;
      button.onclick = () => { actions.querySelectorAll("button").forEach((b) => { b.disabled = true; }); finish(verb, h); };
      actions.append(button);
    }
    item.append(names, time, actions);
    return item;
  }));
  countDown();
}

export function countDown() {
  for (const time of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("#holds .time"))) {
    const left = Math.max(0, Math.ceil((Date.parse(time.dataset.until ?? "") - Date.now() - clockOffset) / 1000));
    time.textContent = left ? text().left(`${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`) : text().holdExpired;
    time.classList.toggle("soon", left < 60);
  }
}

function showLive() {
  const open = stream?.readyState === EventSource.OPEN;
  element("live").dataset.on = open ? "yes" : "no";
  element("live-text").textContent = open ? text().live : text().connecting;
}

/** Redraws everything, in the present language. */
export function showSeats() {
  refresh(seats.keys());
  showHolds();
  showLive();
}
