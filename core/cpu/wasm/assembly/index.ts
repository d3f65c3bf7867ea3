/** The WebAssembly module of the CPU backend: what the threads call. */

export { follow, lead, work } from "./control";
