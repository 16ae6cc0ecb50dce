// What the user holds, and how long yet, by the server's clock.

// @ts-check

import { element } from "./page.js";
import { text } from "./words.js";

/** @typedef {{holdId: string, scheduleSeatIds: number[], totalPrice: number, expiresAt: string}} Hold */

/** @type {Map<string, Hold>} */
export const holds = new Map();
/** How far the server's clock is ahead of ours, in milliseconds. */
let ahead = 0;

/** @param {number} now what the server's clock says */
export function setClock(now) {
  ahead = now - Date.now();
}

/** @param {number} seat */
export const isHeld = (seat) => [...holds.values()].some((h) => h.scheduleSeatIds.includes(seat));

/** @param {(seat: number) => string | number} nameOf @param {(verb: string, h: Hold) => void} finish */
export function drawHolds(nameOf, finish) {
  element("holds").replaceChildren(...[...holds.values()].map((h) => {
    const item = document.createElement("li"), names = document.createElement("span"), time = document.createElement("span");
    names.textContent = `${h.scheduleSeatIds.map(nameOf).join(", ")} · ${text().won(h.totalPrice)}`;
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

/** Counts down. */
export function tick() {
  for (const time of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("#holds .time"))) {
    const left = Math.max(0, Math.ceil((Date.parse(time.dataset.until ?? "") - Date.now() - ahead) / 1000));
    time.textContent = left ? text().left(`${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`) : text().over;
    time.classList.toggle("soon", left < 60);
  }
}
