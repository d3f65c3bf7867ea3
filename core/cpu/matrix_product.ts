/** The matrix product of the CPU backend: WebAssembly SIMD over the backend's own memory. */

import { DeviceError } from "../errors.ts";
import type { MatrixProduct } from "../op.ts";
import type { CpuMemory } from "./memory.ts";
import { BYTES as RELAXED_SIMD } from "./wasm/relaxed_simd_bytes.ts";
import { BYTES as SIMD } from "./wasm/simd_bytes.ts";

interface GemmExports {
  workspaceBytes(): number;
  // deno-fmt-ignore
  gemm(
    m: number, n: number, k: number,
    a: number, aRow: number, aColumn: number,
    b: number, bRow: number, bColumn: number,
    c: number, cRow: number,
    accumulate: boolean, workspace: number,
  ): void;
}

/** Which builds there are, the fastest first. */
const BUILDS = [{ build: "relaxed SIMD", bytes: RELAXED_SIMD }, { build: "SIMD", bytes: SIMD }] as const;

/** The name of a build. */
export type MatrixProductBuild = (typeof BUILDS)[number]["build"];

function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/**
 * Instantiates the kernel over a memory. Every array that it is given must be a view of that memory.
 *
 * @param wanted The build; the fastest that the engine takes unless given.
 * @throws {DeviceError} If the engine has no WebAssembly SIMD.
 */
export function createMatrixProduct(
  memory: CpuMemory,
  wanted?: MatrixProductBuild,
): { matrixProduct: MatrixProduct; build: MatrixProductBuild } {
  const found = BUILDS.filter(({ build }) => wanted === undefined || build === wanted)
    .map(({ build, bytes }) => ({ build, bytes: decodeBase64(bytes) })).find(({ bytes }) =>
      WebAssembly.validate(bytes)
    );
  if (found === undefined) throw new DeviceError("This engine has no WebAssembly SIMD, which the CPU backend needs");
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(found.bytes), { env: { memory: memory.memory } });
  const { gemm, workspaceBytes } = exports as unknown as GemmExports;
  const workspace = memory.allocate(workspaceBytes()).address;
  const product: MatrixProduct = (m, n, k, a, aAt, aRow, aColumn, b, bAt, bRow, bColumn, c, cAt, cRow, accumulate) => {
    gemm(
      m,
      n,
      k,
      a.byteOffset + 4 * aAt,
      aRow,
      aColumn,
      b.byteOffset + 4 * bAt,
      bRow,
      bColumn,
      c.byteOffset + 4 * cAt,
      cRow,
      accumulate,
      workspace,
    );
  };
  return { matrixProduct: product, build: found.build };
}
