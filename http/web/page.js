// What every part of the page uses: elements, status lines, and the log of events.

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
 * Adds an event on top of the log.
 * @param {string} name @param {string} id @param {string} data
 */
export function logEvent(name, id, data) {
  const line = document.createElement("li"), title = document.createElement("b"), position = document.createElement("span");
  title.textContent = name;
  position.className = "id";
  position.textContent = ` ${id} `;
  line.append(title, position, data);
  const log = element("log");
  log.prepend(line);
  while (log.childElementCount > 100) log.lastElementChild.remove();
}
