/** Tests of the conversions around accesses to buffers of f16. */

import { assertEquals, assertThrows } from "@std/assert";
import { ResiduaError } from "../../util/errors.ts";
import { convertFloat16Accesses } from "./float16_access.ts";

const BINDINGS = [{ name: "x", vector: true }, { name: "y", vector: true }, { name: "index" }];

function check(text: string, expected: string): void {
  assertEquals(convertFloat16Accesses(text, BINDINGS), expected);
}

Deno.test("convertFloat16Accesses() widens reads, in indices and before components too", () => {
  check("let v = x[i] * x[i + 1u][2];", "let v = vec4<f32>(x[i]) * vec4<f32>(x[i + 1u])[2];");
  check("let v = x[u32(index[k])];", "let v = vec4<f32>(x[u32(f32(index[k]))]);");
  check("if (x[i][0] == x[i][1]) { }", "if (vec4<f32>(x[i])[0] == vec4<f32>(x[i])[1]) { }");
});

Deno.test("convertFloat16Accesses() rounds written values, and widens the reads in them", () => {
  check("y[i] = max(x[i], vec4<f32>());", "y[i] = vec4<f16>(max(vec4<f32>(x[i]), vec4<f32>()));");
  check("{ index[a[0]] = v; y[i] = w; }", "{ index[a[0]] = f16(v); y[i] = vec4<f16>(w); }");
});

Deno.test("convertFloat16Accesses() does not change text that is no access to these buffers", () => {
  for (const text of ["let x = 1u; max[x]; dx[i] = z[i];", "v.x[0] + x0[1];", "index_[2]"]) check(text, text);
  assertEquals(convertFloat16Accesses("x[i] += 1.0;", []), "x[i] += 1.0;");
});

Deno.test("convertFloat16Accesses() refuses compound assignments", () => {
  for (const operator of ["+=", "-=", "*=", "<<="]) {
    assertThrows(() => convertFloat16Accesses(`y[i] ${operator} v;`, BINDINGS), ResiduaError, `by ${operator}`);
  }
});
