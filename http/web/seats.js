// The seats of the schedule "demo". They are asked for first and listened to from exactly there: the answer to a GET carries
// the position of what it shows (Last-Event-ID), and a stream that starts at that position misses nothing. It is a plain
// EventSource, which comes back by itself after a break and goes on where it stopped.

// @ts-check

import { drawHolds, holds, isHeld, setClock } from "./holds.js";
import { element, note, say } from "./page.js";
import { draw, paint, seatOf } from "./seatmap.js";
import { command, user } from "./shopper.js";
import { reason, text } from "./words.js";

/** @typedef {import("./seatmap.js").Seat} Seat */
/** @typedef {import("./holds.js").Hold} Hold */
/** @typedef {{scheduleSeatId: number, status: string, timestamp: string, isHeartbeat: boolean}} SeatEvent */

const SEATS = "/api/schedules/demo/seats";

/** @type {Map<number, Seat>} */
const seats = new Map();
/** @type {Set<number>} */
const chosen = new Set();
/** Seats that are asked for right now. @type {Set<number>} */
const asking = new Set();
/** @type {EventSource | undefined} */
let stream;
let loading = 0;

/** Reads the seats and the user's holds, then listens from exactly there, unless it is listening. */
export async function loadSeats() {
  const turn = ++loading;
  const again = (/** @type {number} */ ms) => setTimeout(() => { if (turn === loading) loadSeats(); }, ms);
  const headers = { "X-User-Id": user };
  try {
    const mine = await fetch(`${SEATS}/my-holds`, { headers });
    const response = await fetch(SEATS, { headers });
    if (turn !== loading) return; // somebody asked again meanwhile
    if (!response.ok || !mine.ok) {
      element("counts").textContent = response.status === 404 ? text().noSchedule : "";
      again(5000);
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
    again(3000);
  }
}

/** @param {string | null} position of what was read */
function listen(position) {
  const from = position ? `?lastEventId=${encodeURIComponent(position)}` : "";
  const mine = stream = new EventSource(`${SEATS}/events${from}`);
  mine.onmessage = (event) => {
    /** @type {SeatEvent} */
    const data = JSON.parse(event.data);
    if (data.isHeartbeat) return;
    note("message", event.lastEventId, event.data);
    change(data.scheduleSeatId, data.status);
  };
  mine.addEventListener("connect", (event) => {
    note("connect", event.lastEventId, event.data);
    if (JSON.parse(event.data).status === "reset") loadSeats();
  });
  mine.onopen = showLive;
  mine.onerror = () => {
    showLive();
    if (mine.readyState === EventSource.CLOSED && mine === stream) setTimeout(loadSeats, 3000);
  };
}

export const leaveSeats = () => stream?.close();

/** A seat has another status; whose it is the public stream does not say. @param {number} id @param {string} status */
function change(id, status) {
  const seat = seats.get(id);
  if (!seat) return;
  seat.status = status;
  seat.mine = status === "RESERVED" ? seat.mine : isHeld(id);
  if (status !== "AVAILABLE") chosen.delete(id);
  repaint([id]);
}

/** @param {MouseEvent} event */
export function choose(event) {
  const seat = seats.get(seatOf(event) ?? -1);
  if (!seat || !["available", "chosen"].includes(stateOf(seat))) return;
  if (!chosen.delete(seat.id)) chosen.add(seat.id);
  repaint([seat.id]);
}

export const chooseNone = () => chosen.clear();

export async function hold() {
  const ids = [...chosen].sort((a, b) => a - b);
  chosen.clear();
  ids.forEach((id) => asking.add(id));
  repaint(ids);
  const answer = await command(`${SEATS}/hold`, { body: { scheduleSeatIds: ids } });
  ids.forEach((id) => asking.delete(id));
  if (answer.status === 201) keepHold(answer.body.result);
  else if (answer.status !== 202) say("seat-state", "bad", reason(answer.body));
  repaint(ids);
}

/** @param {string} verb @param {Hold} h */
async function finish(verb, h) {
  const answer = await command(`${SEATS}/${verb}`, { body: { holdId: h.holdId } });
  if (!answer.ok) say("seat-state", "bad", reason(answer.body));
  loadSeats(); // whatever came of it
}

/** @param {Hold & {now?: string}} h */
export function keepHold(h) {
  if (h.now) setClock(Date.parse(h.now));
  holds.set(h.holdId, h);
  for (const id of h.scheduleSeatIds) change(id, "HELD");
  showHolds();
}

/** @param {string} id */
export function dropHold(id) {
  if (holds.delete(id)) loadSeats();
  showHolds();
}

/** @param {Seat} seat */
function stateOf(seat) {
  if (asking.has(seat.id)) return "asking";
  if (seat.status === "HELD") return seat.mine ? "mine" : "held";
  if (seat.status !== "AVAILABLE") return seat.mine ? "bought" : "reserved";
  return chosen.has(seat.id) ? "chosen" : "available";
}

/** @param {Iterable<number>} ids */
function repaint(ids) {
  for (const id of ids) {
    const seat = seats.get(id);
    if (seat) paint(seat, stateOf(seat));
  }
  const total = [...chosen].reduce((sum, id) => sum + (seats.get(id)?.price ?? 0), 0);
  element("chosen").textContent = chosen.size ? text().chosen(chosen.size, text().won(total)) : text().chooseFirst;
  element("hold").disabled = chosen.size === 0;
  let free = 0;
  for (const seat of seats.values()) if (seat.status === "AVAILABLE") free++;
  if (seats.size) element("counts").textContent = text().counts(free, seats.size);
}

const showHolds = () => drawHolds((id) => seats.get(id)?.displayName ?? id, finish);

function showLive() {
  const on = stream?.readyState === EventSource.OPEN;
  element("live").dataset.on = on ? "yes" : "no";
  element("live-text").textContent = on ? text().live : text().connecting;
}

/** Shows all again, as it is now and in the language of now. */
export function showSeats() {
  repaint(seats.keys());
  showHolds();
  showLive();
}
