/** The WebAssembly module of the image pipeline: resizing, and normalising by tables. */

export { writePlanes } from "./tables";
export { resizeColumns, resizeRows } from "./resize";
