/**
 * Kernels that ops share and that know no op: matrix products, reductions, elementwise work.
 *
 * @module
 */

export * from "./channels.ts";
export * from "./elementwise.ts";
export * from "./gemm/cpu.ts";
export * from "./gemm/families.ts";
export * from "./gemm/matrix.ts";
export * from "./gemm/naive.ts";
export * from "./gemm/problem.ts";
export * from "./gemm/registers.ts";
export * from "./gemm/rules.ts";
export * from "./gemm/split_k.ts";
export * from "./gemm/subgroup_matrix.ts";
export * from "./gemm/tiles.ts";
export * from "./gemm/workgroup.ts";
export * from "./gemm/workgroup_choice.ts";
export * from "./gemm/workgroup_family.ts";
export * from "./gemm/workgroup_product.ts";
export * from "./reduce.ts";
export * from "./reduce_families.ts";
export * from "./row_sums.ts";
export * from "./text.ts";
