import { assertEquals } from "@std/assert";
import { marker, parseListing } from "./listing.ts";

/** What the driver prints of a shader, shortened. */
const SHADER = `NIR:
	vec1 32 ssa_0 = fmul ssa_1, ssa_2
Compute Shader
disasm:
BB0:
	s_load_dwordx4 s[4:7], s[2:3], null                         ; f4080101 fa000000
	v_min_u32_e32 v1, 15, v0                                    ; 2602008f
	ds_read_b128 v[2:5], v1 offset:256                          ; dbfc0100 02000001
	v_fmac_f32_e32 v6, v2, v3                                   ; 560c0702
	v_pk_fma_f16 v7, v2, v3, v4                                 ; cc0e4007 1c120702
	v_mul_f32_e32 v8, v2, v3                                    ; 10100702
	s_endpgm                                                    ; bf810000

Compute Shader:
*** SHADER STATS ***
SGPRs: 128
VGPRs: 24
Spilled SGPRs: 3
Spilled VGPRs: 2
LDS size: 8192
Subgroups per SIMD: 20
Instructions: 7
********************
`;

Deno.test("parseListing() reads registers and counts instructions of each shader", () => {
  const listing = `a warning\n${marker(0)}\n${SHADER}\n${marker(2)}\nno shader\n${marker(11)}\n${SHADER.repeat(2)}`;
  const kernel = {
    registers: 24,
    spilled: 2,
    workgroupBytes: 8192,
    groups: 20,
    instructions: 7,
    multiplyAdds: 2,
    workgroupAccesses: 1,
    indexChecks: 1,
  };
  assertEquals([...parseListing(listing)], [[0, kernel], [11, kernel]]);
  assertEquals(parseListing("").size, 0);
});
