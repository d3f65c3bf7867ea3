/**
 * What a device's multiprocessors (NVIDIA's streaming multiprocessors, AMD's compute units, Intel's Xe-cores, Apple's cores)
 * hold and do, of which WebGPU tells nothing: by what the vendors publish of an architecture and of a product. Only an H100 was
 * compared with measurements; the others are derived.
 */

/** A device's multiprocessors, which are all equal. */
export interface Multiprocessors {
  /** How many there are. */
  readonly count: number;
  /** Multiply-adds of one, a cycle. */
  readonly lanes: number;
  /** Registers of one, of 32 bits. */
  readonly registers: number;
  /** Registers that a thread may have by estimate, above which a compiler is expected to keep some in memory instead. */
  readonly registersOfThread: number;
  /** Threads that one runs at a time, at most. */
  readonly threads: number;
  /** Workgroups that one runs at a time, at most. */
  readonly blocks: number;
  /** Bytes of workgroup memory of one. */
  readonly workgroupBytes: number;
  /** Threads that run in step. */
  readonly warp: number;
  /** Bytes of memory a cycle, of one's share. */
  readonly bytes: number;
}

/** An H100, by NVIDIA's documents of Hopper: what is assumed of any device. Its bytes are its share of what was measured. */
const HOPPER: Multiprocessors = {
  count: 132,
  lanes: 128,
  registers: 65_536,
  registersOfThread: 255,
  threads: 2048,
  blocks: 32,
  workgroupBytes: 100 * 1024,
  warp: 32,
  bytes: 10,
};

/** Of a thread that has 128: from about so many estimated ones on Intel's compiler in Mesa spills (`deno task bench:compiled`). */
const OF_128 = 100;

/** Of an unknown device: about as many as a notebook's GPU has, whose threads may have few registers. */
export const ASSUMED_MULTIPROCESSORS: Multiprocessors = { ...HOPPER, count: 32, registersOfThread: OF_128 };

/** Xe-HPG: an Xe-core has 16 vector engines of 8 lanes, 8 threads each, with 4 KiB of registers a thread, and 128 KiB to share. */
const XE: Multiprocessors = {
  ...HOPPER,
  count: 8,
  registers: 131_072,
  registersOfThread: OF_128,
  threads: 2048,
  workgroupBytes: 128 * 1024,
  warp: 16,
  bytes: 8,
};

/** Those of an architecture, or of a vendor where it is not known; the count is that of a usual product. */
const KINDS: Readonly<Record<string, Multiprocessors>> = {
  "nvidia-turing": { ...HOPPER, count: 40, lanes: 64, threads: 1024, blocks: 16, workgroupBytes: 64 * 1024, bytes: 5 },
  "nvidia-ampere": { ...HOPPER, count: 46, threads: 1536, blocks: 16, bytes: 6.5 },
  "nvidia-ada": { ...HOPPER, count: 46, threads: 1536, blocks: 24, bytes: 4 },
  "nvidia-hopper": HOPPER,
  "nvidia-blackwell": { ...HOPPER, count: 70, threads: 1536, blocks: 24, bytes: 5 },
  nvidia: { ...HOPPER, count: 46, threads: 1536, blocks: 16, bytes: 5 },
  // RDNA 2: a compute unit has two vector units of 32 lanes, 16 waves each, with 128 KiB of registers.
  amd: { ...HOPPER, count: 32, lanes: 64, threads: 1024, workgroupBytes: 64 * 1024, bytes: 4 },
  intel: XE,
  // Arc: the compiler needs a few more registers for integers.
  "intel-gen-12-hp": { ...XE, registersOfThread: 96 },
  // A core has four units of 32 lanes and 208 KiB of registers, of which a thread has 128 at most.
  apple: {
    ...HOPPER,
    count: 10,
    registers: 53_248,
    registersOfThread: OF_128,
    threads: 1024,
    workgroupBytes: 60 * 1024,
    bytes: 7,
  },
};

/** Products whose count is another, by what their names contain: the first that a name does. */
const COUNTS: readonly (readonly [name: string, count: number])[] = [
  ["B200", 148],
  ["H100 PCIe", 114],
  ["A100", 108],
  ["A10G?", 72],
  ["A40", 84],
  ["L40S?", 142],
  ["L4", 58],
  ["RTX 5090", 170],
  ["RTX 5080", 84],
  ["RTX 5070 Ti", 70],
  ["RTX 5070", 48],
  ["RTX 5060 Ti", 36],
  ["RTX 5060", 30],
  ["RTX 4090", 128],
  ["RTX 4080", 76],
  ["RTX 4070 Ti", 60],
  ["RTX 4060 Ti", 34],
  ["RTX 4060", 24],
  ["RTX 3090", 82],
  ["RTX 3080", 68],
  ["RTX 3060 Ti", 38],
  ["RTX 3060", 28],
  ["RTX 2080 Ti", 68],
  ["RX 7900 XTX", 96],
  ["RX 7900 XT", 84],
  ["RX 7800 XT", 60],
  ["RX 7700 XT", 54],
  ["RX 69[05]0 XT", 80],
  ["RX 6800 XT", 72],
  ["RX 6800", 60],
  ["890M", 16],
  ["[67]80M", 12],
  ["A770", 32],
  ["A750", 28],
  ["B580", 20],
  ["B570", 18],
  ["M[34] Ultra", 80],
  ["M2 Ultra", 76],
  ["M1 Ultra", 64],
  ["M[34] Max", 40],
  ["M2 Max", 38],
  ["M1 Max", 32],
  ["M4 Pro", 20],
  ["M3 Pro", 18],
  ["M2 Pro", 19],
  ["M1 Pro", 16],
  ["M1", 8],
];

/** What is known or assumed of a device's multiprocessors. */
export function multiprocessorsOf(vendor: string, architecture: string, name: string): Multiprocessors {
  const kind = KINDS[architecture] ?? KINDS[vendor] ?? ASSUMED_MULTIPROCESSORS;
  const ofA100 = /\bA100\b/.test(name) ? { lanes: 64, threads: 2048, blocks: 32, bytes: 10 } : {};
  const [, count = kind.count] = COUNTS.find(([product]) => new RegExp(`\\b${product}\\b`).test(name)) ?? [];
  return { ...kind, ...ofA100, count };
}
