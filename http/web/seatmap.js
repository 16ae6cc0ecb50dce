// The seat map: a button for each seat, in rows and sections, and focus by the arrow keys.

// @ts-check

import { element } from "./page.js";
import { text } from "./i18n.js";

/** @typedef {{id: number, scheduleSeatId: number, displayName: string, section: string, row: string, number: number,
 *             price: number, status: string, mine: boolean, heldUntil?: string}} Seat */
/** @typedef {"requesting" | "available" | "chosen" | "mine" | "held" | "bought" | "reserved"} State */

/** @type {Map<number, HTMLButtonElement>} */
const buttons = new Map();

/**
 * Draws all seats, section by section, unless they are drawn already.
 * @param {Seat[]} list in the order of their ids @returns whether they were drawn
 */
export function draw(list) {
  if (buttons.size === list.length) return false;
  buttons.clear();
  const map = document.createDocumentFragment();
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
    button.tabIndex = buttons.size ? -1 : 0; // Tab enters the map once; the arrow keys move within it
    buttons.set(seat.id, button);
    line.append(button);
  }
  element("seats").replaceChildren(map);
  return true;
}

/** @param {Seat} seat @param {State} state */
export function showSeat(seat, state) {
  const button = buttons.get(seat.id);
  if (!button) return;
  const t = text(), label = state === "chosen" ? t.chosenSeat : t[state];
  button.dataset.state = state;
  button.setAttribute("aria-disabled", String(state !== "available" && state !== "chosen"));
  button.setAttribute("aria-pressed", String(state === "chosen"));
  const name = `${seat.section} ${seat.row}${t.row} ${seat.number}${t.seatNumber}`;
  button.setAttribute("aria-label", `${name}, ${t.won(seat.price)}, ${label}`);
  button.title = `${seat.displayName} · ${label}`;
}

/**
 * The id of the seat that was clicked.
 * @param {Event} event
 */
export function seatOf(event) {
  const button = /** @type {HTMLElement} */ (event.target).closest("button.seat");
  return button ? Number(/** @type {HTMLElement} */ (button).dataset.seatId) : undefined;
}

/** @param {KeyboardEvent} event */
export function moveFocus(event) {
  const from = /** @type {HTMLElement} */ (event.target).closest("button.seat");
  if (!from?.parentElement) return;
  const inRow = [...from.parentElement.querySelectorAll("button.seat")];
  const rows = [...document.querySelectorAll("#seats .row")];
  const column = inRow.indexOf(from), index = rows.indexOf(from.parentElement);
  /** @param {Element | undefined} row */
  const nearestIn = (row) => {
    const list = [...(row?.querySelectorAll("button.seat") ?? [])];
    return list[Math.min(column, list.length - 1)];
  };
  const targets = {
    ArrowLeft: inRow[column - 1], ArrowRight: inRow[column + 1], Home: inRow[0], End: inRow.at(-1),
    ArrowUp: nearestIn(rows[index - 1]), ArrowDown: nearestIn(rows[index + 1]),
  };
  const to = /** @type {HTMLButtonElement | undefined} */ (targets[/** @type {keyof typeof targets} */ (event.key)]);
  if (!to) return;
  event.preventDefault();
  /** @type {HTMLButtonElement} */ (from).tabIndex = -1;
  to.tabIndex = 0;
  to.focus();
}
