// What every part of a page uses: elements, status lines, and the log of events.

// @ts-check

/** @type {(id: string) => any} */
export const element = (id) => document.getElementById(id);

/**
 * Sets a status line.
 * @param {string} id @param {"idle" | "wait" | "good" | "bad"} kind @param {string} message
 */
export function showState(id, kind, message) {
  element(id).dataset.kind = kind;
  element(id).textContent = message || "\u00a0";
}

/**
 * Adds an event on top of the log, where the page has one.
 * @param {string} name @param {string} id @param {string} data
 */
export function logEvent(name, id, data) {
  if (!element("log")) return; // not on this page
  const line = document.createElement("li"), title = document.createElement("b"), position = document.createElement("span");
  title.textContent = name;
  position.className = "id";
  position.textContent = ` ${id} `;
  line.append(title, position, data);
  const log = element("log");
  log.prepend(line);
  while (log.childElementCount > 100) log.lastElementChild.remove();
}

/**
 * Makes an element.
 * @param {string} tag @param {Record<string, any>} [properties] @param {...(Node | string)} children
 * @returns {any}
 */
export function create(tag, properties = {}, ...children) {
  const made = document.createElement(tag), { dataset = {}, ...rest } = properties;
  Object.assign(made, rest);
  Object.assign(made.dataset, dataset);
  made.append(...children);
  return made;
}

/**
 * What an item looked like when it was made.
 * @type {WeakMap<HTMLElement, string>}
 */
const looks = new WeakMap();

/** Says that an item was changed where it is, so that the next one takes its place.
 * @param {HTMLElement} item */
export const forget = (item) => looks.delete(item);

/**
 * Puts other items into a list. One that looks as before stays, so that nothing is exchanged under the pointer, and the focus stays at
 * the control that does the same for the same item.
 * @param {string} id @param {HTMLElement[]} items with data-key, their controls with data-verb
 */
export function replaceItems(id, items) {
  const list = element(id), old = /** @type {HTMLElement[]} */ ([...list.children]);
  items.forEach((item) => looks.set(item, item.outerHTML));
  const next = items.map((item) => old.find((before) => looks.get(before) === looks.get(item)) ?? item);
  if (next.length === old.length && next.every((item, i) => item === old[i])) return;
  const focused = /** @type {HTMLElement} */ (document.activeElement), { verb } = focused?.dataset ?? {};
  const item = /** @type {HTMLElement | null} */ (list.contains(focused) ? focused.closest("[data-key]") : null);
  list.replaceChildren(...next);
  if (item && verb) list.querySelector(`[data-key="${item.dataset.key}"] [data-verb="${verb}"]`)?.focus();
}
