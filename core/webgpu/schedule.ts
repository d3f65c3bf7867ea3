/**
 * The order of a program's kernels, and which of them share a dispatch. Small elementwise kernels wait until something needs
 * what they write, and then take along whatever else could run: the packing of all weights gathers at the start of a step,
 * the last sums of the gradients before the updates. Every pair of kernels of which one writes what the other touches keeps
 * its order, so that the result is that of the program as it was written, to the bit.
 */

/** A buffer as a kernel uses it. */
export interface KernelBuffer<B> {
  /** The memory: two that are equal are the same. */
  readonly buffer: B;
  /** Whether it is written, or read and written. */
  readonly write: boolean;
  /** How the kernel sees it; a buffer that is read in one way by several kernels of a dispatch is bound once. */
  readonly as: string;
}

/** A kernel, as far as its place matters. */
export interface ScheduledKernel<B> {
  /** What it touches. */
  readonly buffers: readonly KernelBuffer<B>[];
  /** Whether it may wait, and share a dispatch. */
  readonly movable: boolean;
}

/** What the scheduler must know beside the kernels. */
export interface ScheduleOptions<B> {
  /** The most buffers of a dispatch. */
  readonly mostBuffers: number;
  /** Whether a buffer is a variable, which outlives a step and may change between steps. */
  readonly isVariable: (buffer: B) => boolean;
  /** Whether a buffer is an input, which changes from step to step. */
  readonly isInput: (buffer: B) => boolean;
}

/** The numbers of the kernels of each dispatch, in the order of running. */
export interface Schedule {
  /** What depends on variables alone that no kernel writes, so that it need be repeated only after they have changed. */
  readonly preparation: readonly (readonly number[])[];
  /** The rest, which runs at every step. */
  readonly step: readonly (readonly number[])[];
}

/** Orders kernels and puts them into dispatches. */
export function schedule<B>(kernels: readonly ScheduledKernel<B>[], options: ScheduleOptions<B>): Schedule {
  const links = linksOf(kernels), prepared = preparations(kernels, links, options);
  const list = new DispatchList(kernels, links, options.mostBuffers);
  list.finish((index) => prepared.has(index));
  const preparation = list.take();
  kernels.forEach((kernel, index) => {
    if (!kernel.movable) list.run(index);
  });
  list.finish(() => true);
  return { preparation, step: list.take() };
}

/** Which kernels must come before a kernel, and which after it. */
interface Link {
  readonly before: ReadonlySet<number>;
  readonly after: ReadonlySet<number>;
}

/** What must keep its order: writing after reading or writing, and reading after writing, of the same buffer. */
function linksOf<B>(kernels: readonly ScheduledKernel<B>[]): Link[] {
  const links = kernels.map(() => ({ before: new Set<number>(), after: new Set<number>() }));
  const writers = new Map<B, number>(), readers = new Map<B, number[]>();
  kernels.forEach(({ buffers }, index) => {
    const follow = (other: number | undefined) => {
      if (other === undefined || other === index) return;
      links[index].before.add(other);
      links[other].after.add(index);
    };
    for (const { buffer, write } of buffers) {
      follow(writers.get(buffer));
      if (write) { for (const reader of readers.get(buffer) ?? []) follow(reader); }
    }
    for (const { buffer, write } of buffers) {
      if (write) {
        writers.set(buffer, index);
        readers.set(buffer, []);
      }
    }
    for (const { buffer, write } of buffers) {
      if (!write) readers.set(buffer, [...readers.get(buffer) ?? [], index]);
    }
  });
  return links;
}

/** Movable kernels that read constant variables and each other's results alone, and whose results stay where they are. */
function preparations<B>(
  kernels: readonly ScheduledKernel<B>[],
  links: readonly Link[],
  { isVariable, isInput }: ScheduleOptions<B>,
): Set<number> {
  const writes = new Map<B, number>();
  for (const { buffers } of kernels) {
    for (const { buffer, write } of buffers) if (write) writes.set(buffer, (writes.get(buffer) ?? 0) + 1);
  }
  const prepared = new Set<number>();
  kernels.forEach(({ buffers, movable }, index) => {
    const keeps = buffers.every(({ buffer, write }) => {
      if (write) return !isVariable(buffer) && !isInput(buffer) && writes.get(buffer) === 1;
      return !isInput(buffer) && !(isVariable(buffer) && writes.has(buffer));
    });
    if (movable && keeps && [...links[index].before].every((other) => prepared.has(other))) prepared.add(index);
  });
  return prepared;
}

/** Dispatches as they are put together. */
class DispatchList<B> {
  readonly #kernels: readonly ScheduledKernel<B>[];
  readonly #links: readonly Link[];
  readonly #mostBuffers: number;
  /** The first kernel that cannot move and needs each kernel, and the most kernels that follow each in a row. */
  readonly #needed: number[];
  readonly #heights: number[];
  readonly #left: Set<number>;
  #dispatches: number[][] = [];

  constructor(kernels: readonly ScheduledKernel<B>[], links: readonly Link[], mostBuffers: number) {
    this.#kernels = kernels;
    this.#links = links;
    this.#mostBuffers = mostBuffers;
    this.#left = new Set(kernels.keys());
    this.#needed = kernels.map(() => Infinity);
    this.#heights = kernels.map(() => 0);
    for (let index = kernels.length - 1; index >= 0; index--) {
      for (const after of links[index].after) {
        const needed = kernels[after].movable ? this.#needed[after] : after;
        this.#needed[index] = Math.min(this.#needed[index], needed);
        this.#heights[index] = Math.max(this.#heights[index], this.#heights[after] + 1);
      }
    }
  }

  /** The dispatches since the last call. */
  take(): number[][] {
    const dispatches = this.#dispatches;
    this.#dispatches = [];
    return dispatches;
  }

  /** Runs a kernel after what it needs. */
  run(index: number): void {
    const needed = new Set<number>();
    const visit = (kernel: number) => {
      for (const before of this.#links[kernel].before) {
        if (!this.#left.has(before) || needed.has(before)) continue;
        needed.add(before);
        visit(before);
      }
    };
    visit(index);
    this.#runAll(needed, () => true);
    this.#dispatch([index]);
  }

  /** Runs those of the movable kernels that are left and wanted. */
  finish(wanted: (index: number) => boolean): void {
    const left = [...this.#left].filter((index) => this.#kernels[index].movable && wanted(index));
    this.#runAll(new Set(left), wanted);
  }

  /** Runs some movable kernels, and with them others that can run now, may, and fit. */
  #runAll(needed: ReadonlySet<number>, may: (index: number) => boolean): void {
    for (;;) {
      const ready = [...needed].filter((index) => this.#isReady(index));
      if (ready.length === 0) return;
      const others = [...this.#left].filter((index) =>
        !needed.has(index) && this.#kernels[index].movable && may(index) && this.#isReady(index)
      );
      // What most kernels wait for goes first, so that these come together later.
      ready.sort((a, b) => this.#heights[b] - this.#heights[a] || a - b);
      others.sort((a, b) => this.#needed[a] - this.#needed[b] || a - b);
      this.#dispatch(this.#fitting([...ready, ...others]));
    }
  }

  #isReady(index: number): boolean {
    return this.#left.has(index) && ![...this.#links[index].before].some((before) => this.#left.has(before));
  }

  /** As many of the kernels, from the first on, as one dispatch can bind. */
  #fitting(candidates: readonly number[]): number[] {
    const taken: number[] = [], bound = new Map<B, Set<string>>();
    let count = 0;
    for (const index of candidates) {
      const added = this.#kernels[index].buffers.filter(({ buffer, as }) => !bound.get(buffer)?.has(as));
      if (taken.length > 0 && count + added.length > this.#mostBuffers) continue;
      for (const { buffer, as } of added) bound.set(buffer, (bound.get(buffer) ?? new Set()).add(as));
      count += added.length;
      taken.push(index);
    }
    return taken;
  }

  #dispatch(indices: readonly number[]): void {
    for (const index of indices) this.#left.delete(index);
    this.#dispatches.push([...indices]);
  }
}
