// Who this is, and how they ask. In the demo people are whoever they say they are.

// @ts-check

import { outcome, request } from "./onsale.js";
import { text } from "./words.js";

const [guest] = crypto.getRandomValues(new Uint32Array(1));

export let user = localStorage.getItem("onsale.user") ?? "guest-" + guest.toString(16).padStart(8, "0").slice(2);

/** @param {string} name */
export function become(name) {
  user = name;
  localStorage.setItem("onsale.user", name);
  introduce();
}

/** Says who this is to streams that do not name their user. */
export function introduce() {
  document.cookie = `onsale_user=${user}; path=/; max-age=31536000; samesite=lax`;
}

/** Sends a command of the user. When there is no answer, it says so; the next try is the same request.
 * @param {string} path @param {Parameters<typeof request>[1]} [options] */
export async function command(path, options) {
  const answer = await request(path, { user, attempts: 3, ...options });
  return answer.status ? answer : { ...answer, body: { detail: text().trouble } };
}

/** Waits for the outcome of what was only accepted. @param {{ok: boolean, status: number, body: any}} answer
 * @param {string} asker */
export async function decided(answer, asker) {
  if (answer.status !== 202) return answer;
  const found = await outcome(answer.body, { user: asker });
  return { ok: found.status === "SUCCEEDED", status: 200, body: found };
}
