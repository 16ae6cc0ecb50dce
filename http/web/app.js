// The demo page: one promotion, one schedule, both named "demo". It asks first and listens from exactly there: the answer
// to a GET carries the position of what it shows (Last-Event-ID), and a stream that starts at that position misses
// nothing. The map of seats listens with a plain EventSource, which comes back by itself after a break and goes on where it
// stopped. What concerns the user comes by onsale.js, once for all tabs.

// @ts-check

import { connect, issue as askForCoupon, outcome, request } from "/onsale.js";

/** @typedef {{id: number, scheduleSeatId: number, displayName: string, section: string, row: string, number: number,
 *             price: number, status: string, mine: boolean, heldUntil?: string}} Seat */
/** @typedef {{scheduleSeatId: number, status: string, timestamp: string, isHeartbeat: boolean}} SeatEvent */
/** @typedef {{holdId: string, scheduleSeatIds: number[], totalPrice: number, expiresAt: string}} Hold */

const PROMOTION = "demo", SCHEDULE = "demo";

const TEXT = {
  ko: {
    skip: "좌석으로 건너뛰기", lead: "오픈 순간을 위한 선착순 쿠폰과 좌석", user: "사용자", switch: "바꾸기", other: "English",
    couponTitle: "선착순 쿠폰", issue: "쿠폰 받기", holdTitle: "내 좌석", chooseFirst: "좌석을 골라 주세요.", hold: "선점하기",
    mapTitle: "좌석", stage: "무대", logTitle: "받은 이벤트", clear: "지우기",
    available: "선택 가능", chosenSeat: "고른 좌석", mine: "내가 선점", held: "다른 사람이 선점", bought: "내가 예매", reserved: "예매 완료",
    asking: "요청 중", live: "실시간 연결됨", connecting: "다시 연결하는 중", reserve: "예매", release: "취소",
    of: (/** @type {number} */ n) => `장 남음 / 전체 ${n.toLocaleString()}장`,
    noPromotion: "진행 중인 프로모션이 없습니다. (onsale serve --demo)", noSchedule: "회차가 없습니다. (onsale serve --demo)",
    accepted: (/** @type {number} */ n) => `접수되었습니다. 순번 ${n.toLocaleString()}, 결과를 기다리는 중…`,
    issued: (/** @type {number} */ n) => `${n.toLocaleString()}번째 쿠폰이 발급되었습니다.`,
    chosen: (/** @type {number} */ n, /** @type {string} */ won) => `${n}석 선택, ${won}`,
    counts: (/** @type {number} */ free, /** @type {number} */ all) => `${all.toLocaleString()}석 중 ${free.toLocaleString()}석 선택 가능`,
    left: (/** @type {string} */ t) => `남은 시간 ${t}`, over: "선점 시간이 끝났습니다.", taken: "선점했습니다.", done: "예매되었습니다.",
    back: "선점을 취소했습니다.", row: "열", seatNumber: "번", won: (/** @type {number} */ n) => `${n.toLocaleString()}원`,
    trouble: "서버에 연결할 수 없습니다. 같은 요청으로 다시 시도해 주세요.",
  },
  en: {
    skip: "Skip to the seats", lead: "First-come coupons and seats, for the moment a sale opens", user: "User", switch: "Switch", other: "한국어",
    couponTitle: "First-come coupon", issue: "Get a coupon", holdTitle: "My seats", chooseFirst: "Choose your seats.", hold: "Hold",
    mapTitle: "Seats", stage: "Stage", logTitle: "Events received", clear: "Clear",
    available: "Available", chosenSeat: "Chosen", mine: "Held by me", held: "Held by others", bought: "Reserved by me", reserved: "Reserved",
    asking: "Asking", live: "Live", connecting: "Reconnecting", reserve: "Reserve", release: "Give back",
    of: (/** @type {number} */ n) => `left of ${n.toLocaleString()}`,
    noPromotion: "There is no promotion. (onsale serve --demo)", noSchedule: "There is no schedule. (onsale serve --demo)",
    accepted: (/** @type {number} */ n) => `Accepted at place ${n.toLocaleString()}; waiting for the outcome…`,
    issued: (/** @type {number} */ n) => `You have coupon number ${n.toLocaleString()}.`,
    chosen: (/** @type {number} */ n, /** @type {string} */ won) => `${n} chosen, ${won}`,
    counts: (/** @type {number} */ free, /** @type {number} */ all) => `${free.toLocaleString()} of ${all.toLocaleString()} available`,
    left: (/** @type {string} */ t) => `${t} left`, over: "The hold has run out.", taken: "They are yours for now.", done: "Reserved.",
    back: "Given back.", row: "row", seatNumber: "seat", won: (/** @type {number} */ n) => `₩${n.toLocaleString()}`,
    trouble: "The server cannot be reached. Try again; it is the same request.",
  },
};

/** @type {"ko" | "en"} */
let language = localStorage.getItem("onsale.language") === "en" ? "en" : "ko";
const text = () => TEXT[language];

/** @type {(id: string) => any} */
const element = (id) => document.getElementById(id);

// --- who ------------------------------------------------------------------------------------------------------------

let user = localStorage.getItem("onsale.user") ?? "guest-" + randomWord().slice(0, 6);

/** @param {string} name */
function become(name) {
  user = name;
  localStorage.setItem("onsale.user", name);
  document.cookie = `onsale_user=${name}; path=/; max-age=31536000; samesite=lax`;
  element("user").value = name;
  chosen.clear();
  say("coupon-state", "idle", "");
  say("seat-state", "idle", "");
  listenToUser();
  loadSeats();
}

function randomWord() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
}

// --- asking ---------------------------------------------------------------------------------------------------------

/** Sends a command of the user. @param {string} path @param {object} [body] */
async function command(path, body) {
  return reached(await request(path, { body, user, attempts: 3 }));
}

/** Says so when there is no answer; the next try is the same request. @param {{ok: boolean, status: number, body: any}} answer */
const reached = (answer) => (answer.status ? answer : { ...answer, body: { detail: text().trouble } });

/**
 * @param {string} id
 * @param {"idle" | "wait" | "good" | "bad"} kind
 * @param {string} words
 */
function say(id, kind, words) {
  element(id).dataset.kind = kind;
  element(id).textContent = words || "\u00a0";
}

/** The reason of a refusal in words. @param {any} body a problem, or the data of an event */
const reason = (body) => body.message ?? (language === "ko" ? REASONS[body.code] : undefined) ?? body.detail ?? body.title ?? body.code ?? "";

/** @type {Record<string, string>} */
const REASONS = {
  sold_out: "모두 소진되었습니다.", already_issued: "이미 받은 쿠폰입니다.", user_limit_exceeded: "받을 수 있는 수량을 모두 받았습니다.",
  not_open: "아직 시작되지 않았습니다.", closed: "종료되었습니다.", promotion_not_found: "프로모션이 없습니다.", schedule_not_found: "회차가 없습니다.",
  seat_unavailable: "다른 사람이 먼저 선택한 좌석입니다.", seat_limit_exceeded: "한 사람이 잡을 수 있는 좌석 수를 넘었습니다.",
  hold_not_found: "선점 내역이 없습니다.", hold_expired: "선점 시간이 끝났습니다.", backlog_full: "요청이 몰리고 있습니다. 잠시 후 다시 시도해 주세요.",
  log_full: "지금은 요청을 받을 수 없습니다.", halted: "점검 중입니다.", outcome_unknown: "결과를 아직 알 수 없습니다. 잠시 후 다시 확인해 주세요.",
};

// --- coupon ---------------------------------------------------------------------------------------------------------

/** @type {string | undefined} the request whose outcome the button waits for */
let asked;

async function issue() {
  element("issue").disabled = true;
  const answer = reached(await askForCoupon(PROMOTION, { user, attempts: 3 }));
  element("issue").disabled = false;
  if (answer.status === 202) {
    if (outcomes.has(answer.body.requestId)) return; // the stream was faster
    asked = answer.body.requestId;
    say("coupon-state", "wait", text().accepted(answer.body.sequence));
    setTimeout(() => lookUp(answer.body), 5000);
  } else if (answer.ok) {
    say("coupon-state", "good", text().issued(answer.body.result.number));
  } else {
    say("coupon-state", "bad", reason(answer.body));
  }
}

/** Asks for an outcome that the stream has not told. @param {any} accepted the body of the 202 */
async function lookUp(accepted) {
  if (asked !== accepted.requestId) return;
  const found = await outcome(accepted, { user });
  if (asked === accepted.requestId) couponOutcome({ ...found, ...found.result }, found.status === "SUCCEEDED");
}

/** Outcomes that the stream has told, by request: it may be faster than the answer. @type {Set<string>} */
const outcomes = new Set();

/** @param {any} data @param {boolean} good */
function couponOutcome(data, good) {
  outcomes.add(data.requestId);
  if (asked && asked !== data.requestId) return;
  asked = undefined;
  say("coupon-state", good ? "good" : "bad", good ? (data.message ?? text().issued(data.number)) : reason(data));
  loadPromotion();
}

async function loadPromotion() {
  const response = await fetch(`/api/v1/promotions/${PROMOTION}`).catch(() => undefined);
  if (!response?.ok) {
    element("of").textContent = response?.status === 404 ? text().noPromotion : "";
    return;
  }
  const promotion = await response.json();
  element("remaining").textContent = promotion.remaining.toLocaleString();
  element("of").textContent = text().of(promotion.stock);
  element("stock").max = promotion.stock || 1;
  element("stock").value = promotion.remaining;
}

// --- the user's own stream ------------------------------------------------------------------------------------------

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
};

/** @type {ReturnType<typeof connect> | undefined} */
let userStream;

/** @param {string} [from] the id of the last event that was heard in another language */
function listenToUser(from) {
  userStream?.close();
  const path = `/subscribe/${encodeURIComponent(user)}?lang=${language}`;
  const write = (/** @type {{name: string, id: string, data: any}} */ e) => note(e.name, e.id, typeof e.data === "string" ? e.data : JSON.stringify(e.data));
  userStream = connect({
    path, from, names: Object.keys(HEARD), heartbeat: 25_000,
    onEvent: (event) => { write(event); HEARD[event.name]?.(event.data); },
    onState: (_, frame) => { if (frame) write(frame); },
    onReset: loadSeats,
    poll: loadSeats,
  });
}

// --- seats ----------------------------------------------------------------------------------------------------------

/** @type {Map<number, Seat>} */
const seats = new Map();
/** @type {Map<number, HTMLButtonElement>} */
const buttons = new Map();
/** @type {Set<number>} */
const chosen = new Set();
/** Seats that are asked for right now. @type {Set<number>} */
const asking = new Set();
/** @type {Map<string, Hold>} */
const holds = new Map();
/** How far the server's clock is ahead of ours, in milliseconds. */
let ahead = 0;
/** @type {EventSource | undefined} */
let seatStream;
let loading = 0;

/** Reads the seats and the user's holds, then listens from exactly there, unless it is listening. */
async function loadSeats() {
  const turn = ++loading;
  const headers = { "X-User-Id": user };
  try {
    const mine = await fetch(`/api/schedules/${SCHEDULE}/seats/my-holds`, { headers });
    const response = await fetch(`/api/schedules/${SCHEDULE}/seats`, { headers });
    if (turn !== loading) return; // somebody asked again meanwhile
    if (!response.ok || !mine.ok) {
      element("counts").textContent = response.status === 404 ? text().noSchedule : "";
      setTimeout(() => { if (turn === loading) loadSeats(); }, 5000);
      return;
    }
    const served = Date.parse(response.headers.get("Date") ?? "");
    if (served && !holds.size) ahead = served - Date.now();
    /** @type {Seat[]} */
    const list = await response.json();
    const { items } = await mine.json();
    holds.clear();
    for (const hold of items) holds.set(hold.holdId, hold);
    for (const seat of list) seats.set(seat.id, seat);
    if (buttons.size !== list.length) draw(list);
    for (const seat of list) paint(seat);
    showHolds();
    showChoice();
    if (!seatStream || seatStream.readyState === EventSource.CLOSED) listenToSeats(response.headers.get("Last-Event-ID"));
  } catch {
    setTimeout(() => { if (turn === loading) loadSeats(); }, 3000);
  }
}

/** @param {string | null} position of what was read */
function listenToSeats(position) {
  seatStream?.close();
  const from = position ? `?lastEventId=${encodeURIComponent(position)}` : "";
  const stream = new EventSource(`/api/schedules/${SCHEDULE}/seats/events${from}`);
  seatStream = stream;
  stream.onmessage = (event) => {
    /** @type {SeatEvent} */
    const data = JSON.parse(event.data);
    if (data.isHeartbeat) return;
    note("message", event.lastEventId, event.data);
    change(data.scheduleSeatId, data.status);
  };
  stream.addEventListener("connect", (event) => {
    note("connect", event.lastEventId, event.data);
    if (JSON.parse(event.data).status === "reset") loadSeats();
  });
  stream.onopen = () => showLive(true);
  stream.onerror = () => {
    showLive(false);
    if (stream.readyState === EventSource.CLOSED && stream === seatStream) setTimeout(loadSeats, 3000);
  };
}

/** A seat has another status; whose it is the public stream does not say. @param {number} id @param {string} status */
function change(id, status) {
  const seat = seats.get(id);
  if (!seat) return;
  seat.status = status;
  seat.mine = status === "RESERVED" ? seat.mine : [...holds.values()].some((h) => h.scheduleSeatIds.includes(id));
  if (status !== "AVAILABLE") chosen.delete(id);
  paint(seat);
  showChoice();
}

/** @param {Seat} seat */
function stateOf(seat) {
  if (asking.has(seat.id)) return "asking";
  if (seat.status === "HELD") return seat.mine ? "mine" : "held";
  if (seat.status !== "AVAILABLE") return seat.mine ? "bought" : "reserved";
  return chosen.has(seat.id) ? "chosen" : "available";
}

/** Draws all seats, section by section. @param {Seat[]} list in the order of their ids */
function draw(list) {
  buttons.clear();
  const map = element("seats");
  map.replaceChildren();
  let section = "", row = "", group, line;
  for (const seat of list) {
    if (!group || seat.section !== section) {
      section = seat.section;
      row = "";
      group = document.createElement("div");
      group.setAttribute("role", "group");
      group.setAttribute("aria-label", section);
      const title = document.createElement("h3");
      const price = document.createElement("span");
      price.dataset.price = String(seat.price);
      price.textContent = text().won(seat.price);
      title.append(section + " ", price);
      group.append(title);
      map.append(group);
    }
    if (!line || seat.row !== row) {
      row = seat.row;
      line = document.createElement("div");
      line.className = "row";
      const name = document.createElement("span");
      name.className = "name";
      name.ariaHidden = "true";
      name.textContent = row;
      line.append(name);
      group.append(line);
    }
    const button = document.createElement("button");
    button.type = "button";
    button.className = "seat";
    button.dataset.seatId = String(seat.id);
    button.tabIndex = buttons.size ? -1 : 0; // one stop for Tab; the arrows move within
    buttons.set(seat.id, button);
    line.append(button);
  }
}

/** @param {Seat} seat */
function paint(seat) {
  const button = buttons.get(seat.id);
  if (!button) return;
  const state = stateOf(seat), t = text();
  button.dataset.state = state;
  button.setAttribute("aria-disabled", String(state !== "available" && state !== "chosen"));
  button.setAttribute("aria-pressed", String(state === "chosen"));
  const names = { available: t.available, chosen: t.chosenSeat, asking: t.asking, mine: t.mine, held: t.held, bought: t.bought, reserved: t.reserved };
  button.setAttribute("aria-label", `${seat.section} ${seat.row}${t.row} ${seat.number}${t.seatNumber}, ${t.won(seat.price)}, ${names[state]}`);
  button.title = `${seat.displayName} · ${names[state]}`;
}

/** @param {MouseEvent} event */
function choose(event) {
  const button = /** @type {HTMLElement} */ (event.target).closest("button.seat");
  const seat = button && seats.get(Number(/** @type {HTMLElement} */ (button).dataset.seatId));
  if (!seat || !["available", "chosen"].includes(stateOf(seat))) return;
  if (!chosen.delete(seat.id)) chosen.add(seat.id);
  paint(seat);
  showChoice();
}

/** Moves between seats with the arrow keys. @param {KeyboardEvent} event */
function walk(event) {
  const from = /** @type {HTMLElement} */ (event.target).closest("button.seat");
  if (!from?.parentElement) return;
  const inRow = [...from.parentElement.querySelectorAll("button.seat")];
  const rows = [...document.querySelectorAll("#seats .row")];
  const column = inRow.indexOf(from), at = rows.indexOf(from.parentElement);
  /** @type {(row: Element | undefined, column: number) => Element | undefined} */
  const seatAt = (row, n) => { const list = row ? [...row.querySelectorAll("button.seat")] : []; return list[Math.min(n, list.length - 1)]; };
  const targets = {
    ArrowLeft: inRow[column - 1], ArrowRight: inRow[column + 1], Home: inRow[0], End: inRow.at(-1),
    ArrowUp: seatAt(rows[at - 1], column), ArrowDown: seatAt(rows[at + 1], column),
  };
  const to = /** @type {HTMLButtonElement | undefined} */ (targets[/** @type {keyof typeof targets} */ (event.key)]);
  if (!to) return;
  event.preventDefault();
  /** @type {HTMLButtonElement} */ (from).tabIndex = -1;
  to.tabIndex = 0;
  to.focus();
}

async function hold() {
  const ids = [...chosen].sort((a, b) => a - b);
  chosen.clear();
  ids.forEach((id) => asking.add(id));
  repaint(ids);
  const answer = await command(`/api/schedules/${SCHEDULE}/seats/hold`, { scheduleSeatIds: ids });
  ids.forEach((id) => asking.delete(id));
  if (answer.status === 201) keepHold(answer.body.result);
  else if (answer.status !== 202) say("seat-state", "bad", reason(answer.body));
  repaint(ids);
}

/** @param {string} verb @param {Hold} h */
async function finish(verb, h) {
  const answer = await command(`/api/schedules/${SCHEDULE}/seats/${verb}`, { holdId: h.holdId });
  if (!answer.ok) say("seat-state", "bad", reason(answer.body));
  loadSeats(); // whatever came of it
}

/** @param {Hold & {now?: string}} h */
function keepHold(h) {
  if (h.now) ahead = Date.parse(h.now) - Date.now();
  holds.set(h.holdId, h);
  for (const id of h.scheduleSeatIds) change(id, "HELD");
  showHolds();
}

/** @param {string} id */
function dropHold(id) {
  const gone = holds.get(id);
  holds.delete(id);
  showHolds();
  if (gone) loadSeats();
}

/** @param {Iterable<number>} ids */
function repaint(ids) {
  for (const id of ids) {
    const seat = seats.get(id);
    if (seat) paint(seat);
  }
  showChoice();
}

// --- what is shown beside -------------------------------------------------------------------------------------------

function showChoice() {
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
    names.textContent = `${h.scheduleSeatIds.map((id) => seats.get(id)?.displayName ?? id).join(", ")} · ${text().won(h.totalPrice)}`;
    time.className = "time";
    time.dataset.until = h.expiresAt;
    const acts = document.createElement("div");
    acts.className = "acts";
    for (const [verb, words] of [["reserve", text().reserve], ["release", text().release]]) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = words;
      button.onclick = () => { acts.querySelectorAll("button").forEach((b) => { b.disabled = true; }); finish(verb, h); };
      acts.append(button);
    }
    item.append(names, time, acts);
    return item;
  }));
  tick();
}

/** Counts down by the server's clock. */
function tick() {
  for (const time of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("#holds .time"))) {
    const left = Math.max(0, Math.ceil((Date.parse(time.dataset.until ?? "") - Date.now() - ahead) / 1000));
    time.textContent = left ? text().left(`${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`) : text().over;
    time.classList.toggle("soon", left < 60);
  }
}

/** @param {boolean} on */
function showLive(on) {
  element("live").dataset.on = on ? "yes" : "no";
  element("live-text").textContent = on ? text().live : text().connecting;
}

/** Notes an event at the top of the log. @param {string} name @param {string} id @param {string} data */
function note(name, id, data) {
  const line = document.createElement("li"), what = document.createElement("b"), at = document.createElement("span");
  what.textContent = name;
  at.className = "id";
  at.textContent = ` ${id} `;
  line.append(what, at, data);
  const log = element("log");
  log.prepend(line);
  while (log.childElementCount > 100) log.lastElementChild.remove();
}

function speak() {
  document.documentElement.lang = language;
  for (const part of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-text]"))) {
    const words = text()[/** @type {keyof typeof TEXT.ko} */ (part.dataset.text)];
    if (typeof words === "string") part.textContent = words;
  }
  for (const price of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-price]"))) price.textContent = text().won(Number(price.dataset.price));
  element("language").textContent = text().other;
  element("language").lang = language === "ko" ? "en" : "ko";
  seats.forEach(paint);
  showChoice();
  showHolds();
  showLive(seatStream?.readyState === EventSource.OPEN);
  loadPromotion();
}

// --- start ----------------------------------------------------------------------------------------------------------

element("who").addEventListener("submit", (/** @type {Event} */ event) => { event.preventDefault(); become(element("user").value); });
element("language").addEventListener("click", () => {
  language = language === "ko" ? "en" : "ko";
  localStorage.setItem("onsale.language", language);
  speak();
  listenToUser(userStream?.lastEventId);
});
element("issue").addEventListener("click", issue);
element("hold").addEventListener("click", hold);
element("seats").addEventListener("click", choose);
element("seats").addEventListener("keydown", walk);
element("clear").addEventListener("click", () => element("log").replaceChildren());
window.addEventListener("beforeunload", () => seatStream?.close());
setInterval(tick, 500);
setInterval(() => { if (!document.hidden) loadPromotion(); }, 3000);

speak();
become(user);
