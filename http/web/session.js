// The user of this browser, and commands in their name. In the demo anybody can be any user.

// @ts-check

import { outcome, request } from "./onsale.js";
import { text } from "./i18n.js";

const [random] = crypto.getRandomValues(new Uint32Array(1));

export let user = localStorage.getItem("onsale.user") ?? "guest-" + random.toString(16).padStart(8, "0").slice(2);

/** @param {string} name */
export function setUser(name) {
  user = name;
  localStorage.setItem("onsale.user", name);
  setUserCookie();
}

/** Identifies the user to streams whose path does not name them. */
export function setUserCookie() {
  document.cookie = `onsale_user=${user}; path=/; max-age=31536000; samesite=lax`;
}

/** Sends a command of the user. Without a response the body says so; a retry is the same request.
 * @param {string} path @param {Parameters<typeof request>[1]} [options] */
export async function command(path, options) {
  const answer = await request(path, { user, attempts: 3, ...options });
  return answer.status ? answer : { ...answer, body: { detail: text().unreachable } };
}

/**
 * Waits for the outcome of a 202.
 * @param {{ok: boolean, status: number, body: any}} answer @param {string} asUser
 */
export async function decided(answer, asUser) {
  if (answer.status !== 202) return answer;
  const found = await outcome(answer.body, { user: asUser });
  return { ok: found.status === "SUCCEEDED", status: 200, body: found };
}
