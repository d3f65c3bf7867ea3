/** What Mesa's AMD driver prints of the shaders that it compiles (`RADV_DEBUG=shaders,shaderstats`), one after another. */

/** What a compiled kernel is. */
export interface CompiledKernel {
  /** Registers of a thread. */
  readonly registers: number;
  /** Registers that did not fit and went to memory. */
  readonly spilled: number;
  /** Bytes of workgroup memory. */
  readonly workgroupBytes: number;
  /** Groups of threads that run in step, 32 or 64, of which a vector unit holds so many at a time. */
  readonly groups: number;
  /** Instructions of the text. */
  readonly instructions: number;
  /** Those of them that multiply and add floats. */
  readonly multiplyAdds: number;
  /** Those that read or write workgroup memory. */
  readonly workgroupAccesses: number;
  /** Those that take the smaller of two indices, as runtimes do to keep one inside an array. */
  readonly indexChecks: number;
}

/** What stands before the listing of the shader of that number, on a line of its own. */
export function marker(number: number): string {
  return `@@@ shader ${number}`;
}

/** The kernels of a listing, by number; none of a shader that was not compiled. */
export function parseListing(listing: string): Map<number, CompiledKernel> {
  const kernels = new Map<number, CompiledKernel>();
  for (const part of listing.split(/^@@@ shader /m).slice(1)) {
    const from = part.lastIndexOf("\ndisasm:"), to = part.indexOf("*** SHADER STATS ***", from);
    if (from < 0 || to < 0) continue;
    const statistics = part.slice(to);
    const figure = (name: string) => Number(new RegExp(`^${name}: (\\d+)$`, "m").exec(statistics)?.[1] ?? NaN);
    const names = [...part.slice(from, to).matchAll(/^\t(\w+)/gm)].map(([, name]) => name);
    const count = (pattern: RegExp) => names.filter((name) => pattern.test(name)).length;
    kernels.set(parseInt(part), {
      registers: figure("VGPRs"),
      spilled: figure("Spilled VGPRs"),
      workgroupBytes: figure("LDS size"),
      groups: figure("Subgroups per SIMD"),
      instructions: figure("Instructions"),
      multiplyAdds: count(/^v_(pk_)?(fma|fmac|mad)_f(16|32)/),
      workgroupAccesses: count(/^ds_/),
      indexChecks: count(/^v_min_u32/),
    });
  }
  return kernels;
}
