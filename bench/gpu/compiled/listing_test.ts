import { assertEquals } from "@std/assert";
import { marker, parseListing } from "./listing.ts";

/** What the drivers print of a shader, shortened: of Intel's, the second width is the one that runs. */
const INTEL = `Native code for unnamed compute shader GLSL3
SIMD16 shader: 9 instructions. 0 loops. 90 cycles. 7:8 spills:fills, 1 sends, scheduled with mode lifo. Promoted 0 constants.
mad(16)         g75<1>F         g59<8,8,1>F     g1<8,8,1>F      g109<1,1,1>F { align1 1H };
SIMD8 shader: 32 instructions. 2 loops. 394 cycles. 3:4 spills:fills, 8 sends, scheduled with mode none. Promoted 0 constants.
   START B0 (194 cycles)
shl(8)          g4<1>D          g1<0,1,0>D      0x00000002UD    { align1 1Q };
send(8)         g15UD           g4UD            nullUD          0x02106e04                0x00000000
                            dp data 1 MsgDesc: (untyped surface read, Surface = 4, SIMD8, Mask = 0xe) mlen 1 { align1 1Q };
mad(8)          g75<1>F         g59<8,8,1>F     g1<8,8,1>F      g109<1,1,1>F { align1 1Q $12.dst compacted };
(+f0.0) mad(8)  g79<1>F         g63<8,8,1>F     g1<8,8,1>F      g110<1,1,1>F { align1 1Q };
(+f0.0) while(8) JIP:  LABEL1                                   { align1 1Q };
`;
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
    groups: 20,
    instructions: 7,
    multiplyAdds: 2,
    accesses: 1,
  };
  assertEquals([...parseListing(listing)], [[0, kernel], [11, kernel]]);
  assertEquals([...parseListing(`${marker(3)}\n${INTEL}`)], [
    [3, { lanes: 8, instructions: 32, spilled: 3, multiplyAdds: 2, accesses: 1 }],
  ]);
  assertEquals(parseListing("").size, 0);
});
