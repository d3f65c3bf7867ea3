/** Where ranks write that have no files: nowhere. */

import type { RunFolder } from "../../disk/mod.ts";

const nothing = () => Promise.resolve();

/** A store that keeps nothing, and is empty. */
export const NO_FILES: RunFolder["store"] = {
  location: "nowhere",
  write: nothing,
  append: nothing,
  read: () => Promise.resolve(undefined),
  copy: nothing,
  remove: nothing,
};
