/**
 * What `deno task build:browser` bundles for pages, flat: the root, and the entries of which its functions are made.
 *
 * @module
 */

export * from "../mod.ts";
export * from "../data/mod.ts";
export * from "../inference/mod.ts";
export * from "../train/mod.ts";
export * from "../weights/mod.ts";
