/** Small helpers of the page: elements, numbers as people read them, requests. */

/**
 * An element with properties and children; text stays text.
 *
 * @param {string} tag
 * @param {Record<string, unknown>} properties Those with a hyphen, and `role` and `for`, are attributes.
 * @param {...(Node | string)} children
 */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined) continue;
    if (/-|^(role|for|colspan)$/.test(name)) element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

/** The element of an id. */
export const byId = (id) => document.getElementById(id);

/** A number in a few digits. */
export function short(value) {
  if (value === null || value === undefined) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e9) return value.toExponential(2).replace(/\.?0*e\+?/, "e");
  return size >= 1000 ? Math.round(value).toLocaleString("en") : Number(value.toPrecision(4)).toString();
}

/** A share in percent. */
export const percent = (share) => share === null || share === undefined ? "–" : `${(100 * share).toFixed(2)} %`;

/** How long ago a time was. */
export function ago(time, now = Date.now()) {
  const seconds = Math.max(0, (now - time) / 1000);
  for (const [unit, name] of [[86_400, "d"], [3600, "h"], [60, "min"]]) {
    if (seconds >= unit) return `${Math.floor(seconds / unit)} ${name} ago`;
  }
  return `${Math.floor(seconds)} s ago`;
}

/** How long something took. */
export function duration(seconds) {
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes} min ${Math.round(seconds % 60)} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** The address of something about a run. */
export function addressOf(what, run, more = {}) {
  return `api/${what}?${new URLSearchParams({ run, ...more })}`;
}

/** What an address gives; an error with the server's sentence where it gives none. */
export async function ask(address, options) {
  let answer;
  try {
    answer = await fetch(address, options);
  } catch {
    throw new Error("The dashboard does not answer; is it still running?");
  }
  const value = await answer.json();
  if (!answer.ok) throw new Error(value.error);
  return value;
}

/** Shows a sentence above the page, or takes it away. */
export function showError(error) {
  const place = byId("error");
  place.hidden = error === undefined;
  place.textContent = error?.message ?? "";
}
