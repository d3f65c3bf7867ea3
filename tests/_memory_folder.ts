/** Folders in memory, for tests of layouts. */

import type { FileSource } from "../data/mod.ts";

/** A folder of these files, by their paths in it. */
export function memoryFolder(files: Record<string, Uint8Array | string>): FileSource {
  return {
    location: "/sets/some",
    list(folder = "") {
      const inside = Object.keys(files).filter((path) => path.startsWith(folder)).map((path) =>
        path.slice(folder.length).replace(/\/.*/, "/")
      );
      return Promise.resolve([...new Set(inside)].sort());
    },
    read(path) {
      const content = files[path];
      return Promise.resolve(typeof content === "string" ? new TextEncoder().encode(content) : content);
    },
  };
}
