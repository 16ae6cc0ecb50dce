// The seats of the schedule and which of them are chosen. The response to the GET carries the position of what it shows
// (Last-Event-ID), so a stream that starts there misses nothing. It is a plain EventSource, which reconnects and resumes by itself. A
// frame changes one seat: only that is painted again, with all others that changed until the browser paints.

// @ts-check

import { reason, text } from "./i18n.js";
import { element, logEvent, showState } from "./page.js";
import { sale, serverNow, setClock } from "./sale.js";
import { draw, seatOf, showSeat } from "./seatmap.js";
import { command, user } from "./session.js";

/** @typedef {import("./seatmap.js").Seat} Seat */
/** @typedef {{scheduleSeatId: number, status: string, timestamp: string, isHeartbeat: boolean}} SeatEvent */
/** @typedef {{price: number, total: number, free: number}} SectionCount */

export const SEATS = `/api/schedules/${sale}/seats`;

/** @type {Map<number, Seat>} */
const seats = new Map();
/** By name, in the order of the hall.
 * @type {Map<string, SectionCount>} */
export const sections = new Map();
/** @type {Set<number>} */
const chosen = new Set();
/**
 * Seats of a hold request without an outcome.
 * @type {Set<number>}
 */
const requesting = new Set();
/**
 * Seats that the user holds or has reserved.
 * @type {Set<number>}
 */
let mine = new Set();
/** @type {EventSource | undefined} */
let stream;
let loading = 0, drawnFor = "";

/** @type {(() => void)[]} called when what is chosen, or how many seats are free, has changed */
const listeners = [];
/** @param {() => void} listener */
export const onSeatsPainted = (listener) => listeners.push(listener);

/** @type {Map<number, {number: number, status: string}>} what has changed while the seats are read: the answer may be older */
let meanwhile = new Map();
/** @param {string | null} position the number of an event in "<epoch>-<number>" */
const numberOf = (position) => Number.parseInt((position ?? "").split("-")[1] ?? "", 10) || 0;

/** Reads the seats, and streams from there unless a stream is open. */
export async function loadSeats() {
  const load = ++loading;
  meanwhile = new Map();
  const retry = (/** @type {number} */ ms) => setTimeout(() => { if (load === loading) loadSeats(); }, ms);
  try {
    const response = await fetch(SEATS, { headers: { "X-User-Id": user } });
    if (load !== loading) return; // a newer one is under way
    if (!response.ok) {
      element("counts").textContent = response.status === 404 ? text().noSchedule : "";
      return void retry(5000);
    }
    const served = Date.parse(response.headers.get("Date") ?? "");
    if (served && Math.abs(served - serverNow()) > 2000) setClock(served);
    /** @type {Seat[]} */
    const list = await response.json();
    if (load !== loading) return;
    const at = numberOf(response.headers.get("Last-Event-ID"));
    for (const seat of list) {
      const change = meanwhile.get(seat.id);
      if (change && change.number > at) seat.status = change.status;
    }
    setSeats(list);
    if (!stream || stream.readyState === EventSource.CLOSED) listen(response.headers.get("Last-Event-ID"));
  } catch {
    retry(3000);
  }
}

/** @param {Seat[]} list */
function setSeats(list) {
  sections.clear();
  for (const seat of list) {
    const section = sections.get(seat.section) ?? { price: seat.price, total: 0, free: 0 };
    section.total++;
    if (seat.status === "AVAILABLE") section.free++;
    sections.set(seat.section, section);
  }
  const changed = list.filter((seat) => seats.get(seat.id)?.status !== seat.status).map((seat) => seat.id);
  for (const seat of list) seats.set(seat.id, seat);
  if (draw(list) || drawnFor !== user) paint(seats.keys());
  else paint(changed);
  drawnFor = user;
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
    setStatus(data.scheduleSeatId, data.status, numberOf(event.lastEventId));
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
 * @param {number} id @param {string} status @param {number} [number] of the event that says so; none: what a command was answered
 */
export function setStatus(id, status, number = Infinity) {
  meanwhile.set(id, { number, status });
  const seat = seats.get(id), section = seat && sections.get(seat.section);
  if (!seat || !section) return;
  section.free += Number(status === "AVAILABLE") - Number(seat.status === "AVAILABLE");
  seat.status = status;
  if (status !== "AVAILABLE" && chosen.delete(id) && !mine.has(id)) showState("seat-state", "bad", text().taken(seat.displayName));
  paintSoon([id]);
}

/**
 * Says which seats are the user's.
 * @param {Iterable<number>} ids
 */
export function setMine(ids) {
  const before = mine;
  mine = new Set(ids);
  paint([...before, ...mine].filter((id) => before.has(id) !== mine.has(id)));
}

/** @param {MouseEvent} event */
export function toggleSeat(event) {
  const seat = seats.get(seatOf(event) ?? -1);
  if (!seat || !["available", "chosen"].includes(stateOf(seat))) return;
  if (!chosen.delete(seat.id)) chosen.add(seat.id);
  paint([seat.id]);
}

export const chosenSeats = () => [...chosen].sort((a, b) => a - b);

export function clearChoice() {
  const ids = [...chosen];
  chosen.clear();
  paint(ids);
}

/**
 * Sends a command for the chosen seats, which are shown as requested until there is a response. Refused, they are chosen again.
 * @param {string} verb @param {(ids: number[]) => any} body
 */
export async function requestChosen(verb, body) {
  const ids = chosenSeats();
  clearChoice();
  ids.forEach((id) => requesting.add(id));
  paint(ids);
  const answer = await command(`${SEATS}/${verb}`, { body: body(ids) });
  ids.forEach((id) => requesting.delete(id));
  if (!answer.ok) {
    for (const id of ids) if (seats.get(id)?.status === "AVAILABLE" && !(answer.body.scheduleSeatIds ?? []).includes(id)) chosen.add(id);
    showState("seat-state", "bad", reason(answer.body));
  }
  paint(ids);
  return answer;
}

/** Whether the seats are known, and so their names and prices. */
export const hasSeats = () => seats.size > 0;
/** @param {number} id */
export const seatName = (id) => seats.get(id)?.displayName ?? (hasSeats() ? String(id) : "…");
/** @param {number} id */
export const seatPrice = (id) => seats.get(id)?.price ?? 0;

/** @param {Seat} seat */
function stateOf(seat) {
  if (requesting.has(seat.id)) return "requesting";
  if (seat.status === "HELD") return mine.has(seat.id) ? "mine" : "held";
  if (seat.status !== "AVAILABLE") return mine.has(seat.id) ? "bought" : "reserved";
  return chosen.has(seat.id) ? "chosen" : "available";
}

/** @type {Set<number>} */
const changed = new Set();
let frame = 0, late = 0;

/** @param {number[]} ids */
function paintSoon(ids) {
  ids.forEach((id) => changed.add(id));
  if (frame) return;
  frame = requestAnimationFrame(paintChanged);
  late = setTimeout(paintChanged, 500); // a page that is not visible gets no frames
}

function paintChanged() {
  cancelAnimationFrame(frame);
  clearTimeout(late);
  frame = 0;
  const ids = [...changed];
  changed.clear();
  paint(ids);
}

/** @param {Iterable<number>} ids */
function paint(ids) {
  for (const id of ids) {
    const seat = seats.get(id);
    if (seat) showSeat(seat, stateOf(seat));
  }
  const total = chosenSeats().reduce((sum, id) => sum + seatPrice(id), 0);
  element("chosen").textContent = chosen.size ? text().chosen(chosen.size, text().won(total)) : text().chooseFirst;
  element("hold").disabled = chosen.size === 0;
  const free = [...sections.values()].reduce((sum, section) => sum + section.free, 0);
  if (seats.size) element("counts").textContent = text().counts(free, seats.size);
  listeners.forEach((listener) => listener());
}

function showLive() {
  const open = stream?.readyState === EventSource.OPEN;
  element("live").dataset.on = open ? "yes" : "no";
  element("live-text").textContent = open ? text().live : text().connecting;
}

/** Paints everything, in the present language. */
export function showSeats() {
  paint(seats.keys());
  showLive();
}
