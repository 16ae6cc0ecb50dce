// What every page of a sale does: it knows its user and its language, and receives the user's events by onsale.js, once for all tabs.
// The rest of a page consists of parts.

// @ts-check

import { language, switchLanguage, text } from "./i18n.js";
import { connect } from "./onsale.js";
import { orderPaid } from "./orders.js";
import { element, logEvent, showState } from "./page.js";
import { returnFromWindow } from "./payments.js";
import { setUser, user } from "./session.js";

/**
 * A part of a page. load reads the user's present state, leave forgets another user's, show draws it again in the present language, and
 * handlers say what each event of the user changes.
 * @typedef {{load?: () => any, leave?: () => any, show?: () => any, handlers?: Record<string, (data: any) => any>}} Part
 */

/** @type {Part[]} */
let parts = [];
/** @type {ReturnType<typeof connect> | undefined} */
let stream;

const load = () => Promise.all(parts.map((part) => part.load?.()));

/** @param {string} [from] the id of the last event received in the previous language */
function listen(from) {
  stream?.close();
  const log = (/** @type {{name: string, id: string, data: any}} */ { name, id, data }) =>
    logEvent(name, id, typeof data === "string" ? data : JSON.stringify(data));
  stream = connect({
    path: `/subscribe/${encodeURIComponent(user)}?lang=${language}`, from, heartbeat: 25_000,
    onEvent: (event) => {
      log(event);
      for (const { handlers } of parts) (handlers?.[event.name] ?? handlers?.["*"])?.(event.data);
    },
    onState: (state, frame) => {
      if (frame) log(frame);
      if (state === "live") load(); // the present state; the stream delivers the changes from here on
    },
    onReset: load,
    poll: load,
  });
}

/** @param {string} selector */
function clearStates(selector) {
  for (const state of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(selector))) showState(state.id, "idle", "");
}

/**
 * Shows the page to a user.
 * @param {string} name
 */
function showUser(name) {
  setUser(name);
  element("user").value = name;
  clearStates(".state");
  for (const part of parts) part.leave?.();
  listen();
  load();
  orderPaid();
}

function showLanguage() {
  document.documentElement.lang = language;
  for (const part of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-text]"))) {
    const translated = text()[/** @type {keyof import("./i18n.js").Text} */ (part.dataset.text)];
    if (typeof translated === "string") part.textContent = translated;
  }
  for (const part of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-label]"))) {
    part.ariaLabel = text()[/** @type {"legend"} */ (part.dataset.label)];
  }
  for (const price of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-price]"))) {
    price.textContent = text().won(Number(price.dataset.price));
  }
  element("language").textContent = text().other;
  element("language").lang = language === "ko" ? "en" : "ko";
  for (const part of parts) part.show?.();
}

/**
 * Starts a page.
 * @param {Part[]} all
 */
export function startPage(all) {
  parts = all;
  element("who").addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    showUser(element("user").value);
  });
  element("language").addEventListener("click", () => {
    switchLanguage();
    clearStates('[data-kind="good"], [data-kind="bad"]'); // they are in the other language
    showLanguage();
    listen(stream?.lastEventId);
  });
  window.addEventListener("pageshow", (event) => { if (event.persisted) showUser(user); }); // back from the payment window
  const problem = returnFromWindow();
  showLanguage();
  showUser(user);
  if (problem) showState("order-state", "bad", problem);
}
