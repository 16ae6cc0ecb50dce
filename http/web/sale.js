// The sale that the page shows: the one in its path, /s/:scheduleId, or "demo". Its promotion has the id of its schedule.

// @ts-check

import { user } from "./session.js";

/** The schedule whose page this is; the demo page has none of its own. */
export const pageSchedule = location.pathname.match(/^\/s\/([\w-]{1,40})$/)?.[1];
export const sale = pageSchedule ?? "demo";

/** @typedef {{untilSeconds: number, percent: number}} RefundTier
 * @typedef {{title: string, startsAt?: string, maxSeatsPerUser: number, payment?: "none" | "required", refundTiers?: RefundTier[],
 *            status?: "OPEN" | "CLOSED" | "CANCELLED", cancelReason?: string}} Schedule */

/** @type {Schedule | undefined} */
export let schedule;

/** Reads the schedule; undefined: there is none. It throws while the server cannot be reached. */
export async function loadSchedule() {
  const response = await fetch(`/api/v1/schedules/${sale}`);
  if (!response.ok && response.status !== 404) throw new Error(`schedule: ${response.status}`);
  schedule = response.ok ? await response.json() : undefined;
  return schedule;
}

/** Seats are reserved by paid orders only. */
export const isPaid = () => schedule?.payment === "required";

/**
 * Reads a list of the user's; undefined: the server cannot be reached.
 * @param {string} path @returns {Promise<any[] | undefined>}
 */
export async function readMine(path) {
  const response = await fetch(path, { headers: { "X-User-Id": user } }).catch(() => undefined);
  const found = response?.ok ? await response.json().catch(() => undefined) : undefined;
  return found?.items;
}

/** How far the server's clock is ahead of the browser's, in milliseconds. */
let clockOffset = 0;

/** @param {number} now by the server's clock */
export const setClock = (now) => { clockOffset = now - Date.now(); };
export const serverNow = () => Date.now() + clockOffset;
