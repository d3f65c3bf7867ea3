import { assertEquals } from "@std/assert";
import { type ReportedMatrix, SUBGROUP_MATRIX_FEATURE, usableMatrix } from "./subgroup_matrix.ts";

const half = (size: number, resultComponentType = "f32"): ReportedMatrix => ({
  ...{ componentType: "f16", resultComponentType, M: size, N: size, K: size },
});

/** An adapter that reports subgroups and matrices. */
function adapter(least: number, most: number, matrices: readonly ReportedMatrix[], features: readonly string[]) {
  const info = { subgroupMinSize: least, subgroupMaxSize: most, subgroupMatrixConfigs: matrices };
  return { info, features: new Set(features) } as unknown as GPUAdapter;
}

Deno.test("usableMatrix() takes the largest product of float16 with sums in float32", () => {
  const integers = { componentType: "i8", resultComponentType: "i32", M: 32, N: 32, K: 32 };
  const oblong = { ...half(16), K: 8 };
  const reported = [half(8), integers, half(32, "f16"), half(16), oblong];
  const expected = { m: 16, n: 16, k: 16, subgroupSize: 32 };
  assertEquals(usableMatrix(adapter(32, 32, reported, [SUBGROUP_MATRIX_FEATURE])), expected);
});

Deno.test("usableMatrix() is nothing without the feature, matrices that fit, or one size of subgroups", () => {
  const all = [SUBGROUP_MATRIX_FEATURE];
  assertEquals(usableMatrix(adapter(32, 32, [half(16)], ["subgroups"])), undefined);
  assertEquals(usableMatrix(adapter(32, 32, [half(16, "f16")], all)), undefined);
  assertEquals(usableMatrix(adapter(32, 32, [], all)), undefined);
  assertEquals(usableMatrix(adapter(8, 32, [half(16)], all)), undefined);
  assertEquals(usableMatrix({ info: {}, features: new Set(all) } as unknown as GPUAdapter), undefined);
});
