/**
 * The ops. Importing this module registers them all.
 *
 * @module
 */

export * from "./relu.ts";
export * from "./relu6.ts";
