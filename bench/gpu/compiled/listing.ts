/** What Mesa's drivers print of the shaders that they compile, one after another. */

/** What a compiled kernel is. */
export interface CompiledKernel {
  /** Registers of a thread; nothing where all have the same. */
  readonly registers?: number;
  /** Registers that did not fit and went to memory. */
  readonly spilled: number;
  /** Threads that run in step, or nothing if it is not said. */
  readonly lanes?: number;
  /** Groups of threads that run in step, of which a vector unit holds so many at a time, or nothing if it is not said. */
  readonly groups?: number;
  /** Instructions of the text. */
  readonly instructions: number;
  /** Those of them that multiply and add floats. */
  readonly multiplyAdds: number;
  /** Those that ask for memory, of a workgroup or not. */
  readonly accesses: number;
}

/** What stands before the listing of the shader of that number, on a line of its own. */
export function marker(number: number): string {
  return `@@@ shader ${number}`;
}

/** The kernels of a listing, by number; none of a shader that was not compiled. */
export function parseListing(listing: string): Map<number, CompiledKernel> {
  const kernels = new Map<number, CompiledKernel>();
  for (const part of listing.split(/^@@@ shader /m).slice(1)) {
    const kernel = parseAmd(part) ?? parseIntel(part);
    if (kernel !== undefined) kernels.set(parseInt(part), kernel);
  }
  return kernels;
}

/** AMD's, by `RADV_DEBUG=shaders,shaderstats`. */
function parseAmd(part: string): CompiledKernel | undefined {
  const from = part.lastIndexOf("\ndisasm:"), to = part.indexOf("*** SHADER STATS ***", from);
  if (from < 0 || to < 0) return undefined;
  const statistics = part.slice(to);
  const figure = (name: string) => Number(new RegExp(`^${name}: (\\d+)$`, "m").exec(statistics)?.[1] ?? NaN);
  const count = counterOf(part.slice(from, to), /^\t(\w+)/gm);
  return {
    registers: figure("VGPRs"),
    spilled: figure("Spilled VGPRs"),
    groups: figure("Subgroups per SIMD"),
    instructions: figure("Instructions"),
    multiplyAdds: count(/^v_(pk_)?(fma|fmac|mad|mac)_f(16|32)/),
    accesses: count(/^(ds|buffer|image|global)_/),
  };
}

/** Intel's, by `INTEL_DEBUG=cs`: the last of the widths that it tried. */
function parseIntel(part: string): CompiledKernel | undefined {
  const found = [...part.matchAll(/^SIMD(\d+) shader: (\d+) instructions\..* (\d+):\d+ spills:fills/gm)].at(-1);
  if (found === undefined) return undefined;
  const count = counterOf(part.slice(found.index), /^(?:\(.*?\) )?(\w+)\(\d+\)/gm);
  return {
    lanes: Number(found[1]),
    instructions: Number(found[2]),
    spilled: Number(found[3]),
    multiplyAdds: count(/^mad$/),
    accesses: count(/^send/),
  };
}

/** Counts instructions by their names. */
function counterOf(code: string, names: RegExp): (pattern: RegExp) => number {
  const all = [...code.matchAll(names)].map(([, name]) => name);
  return (pattern) => all.filter((name) => pattern.test(name)).length;
}
