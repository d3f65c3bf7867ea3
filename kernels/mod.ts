/**
 * Kernels that ops share and that know no op: matrix products, reductions, elementwise work.
 *
 * @module
 */

export * from "./channels.ts";
export * from "./elementwise.ts";
export * from "./gemm/cpu.ts";
export * from "./gemm/registers.ts";
export * from "./gemm/workgroup.ts";
export * from "./reduce.ts";
export * from "./row_sums.ts";
