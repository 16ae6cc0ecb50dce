// What every part of the page needs of it: its elements, lines that say how something stands, and the log of events.

// @ts-check

/** @type {(id: string) => any} */
export const element = (id) => document.getElementById(id);

/**
 * @param {string} id
 * @param {"idle" | "wait" | "good" | "bad"} kind
 * @param {string} words
 */
export function say(id, kind, words) {
  element(id).dataset.kind = kind;
  element(id).textContent = words || "\u00a0";
}

/** Notes an event at the top of the log. @param {string} name @param {string} id @param {string} data */
export function note(name, id, data) {
  const line = document.createElement("li"), what = document.createElement("b"), at = document.createElement("span");
  what.textContent = name;
  at.className = "id";
  at.textContent = ` ${id} `;
  line.append(what, at, data);
  const log = element("log");
  log.prepend(line);
  while (log.childElementCount > 100) log.lastElementChild.remove();
}
