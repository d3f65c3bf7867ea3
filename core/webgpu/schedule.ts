/**
 * The order of a program's kernels, and which of them share a dispatch. Elementwise kernels are deferred and merged into one
 * dispatch just before a result of one of them is needed. So the packing of all weights gathers at the start of a step, and
 * the last sums of the gradients gather before the updates. Two kernels keep their order if one writes a buffer that the other
 * reads or writes: results equal those of the program in its written order, to the bit.
 */

/** A buffer as a kernel uses it. */
export interface KernelBuffer<B> {
  /** The memory; equal values are the same memory. */
  readonly buffer: B;
  /** Whether it is written, or read and written. */
  readonly write: boolean;
  /** The kernel's view of it. Kernels of a dispatch that read a buffer by equal views share one binding. */
  readonly as: string;
}

/** What the scheduler knows of a kernel. */
export interface ScheduledKernel<B> {
  /** The buffers that it reads or writes. */
  readonly buffers: readonly KernelBuffer<B>[];
  /** Whether it may be deferred and share a dispatch. */
  readonly movable: boolean;
}

/** What the scheduler knows of the device and the buffers. */
export interface ScheduleOptions<B> {
  /** The most buffers of a dispatch. */
  readonly mostBuffers: number;
  /** Whether a buffer is a variable, which outlives a step and may change between steps. */
  readonly isVariable: (buffer: B) => boolean;
  /** Whether a buffer is an input, which changes from step to step. */
  readonly isInput: (buffer: B) => boolean;
}

/** The indices of the kernels of each dispatch, in the order of running. */
export interface Schedule {
  /** Kernels that depend only on unchanged weights; they run before the first step and again after a weight is written. */
  readonly prologue: readonly (readonly number[])[];
  /** All other kernels, which run at every step. */
  readonly step: readonly (readonly number[])[];
}

/** Orders kernels and groups them into dispatches. */
export function schedule<B>(kernels: readonly ScheduledKernel<B>[], options: ScheduleOptions<B>): Schedule {
  const dependencies = dependenciesOf(kernels), hoisted = prologueKernels(kernels, dependencies, options);
  const list = new DispatchList(kernels, dependencies, options.mostBuffers);
  list.runMovable((index) => hoisted.has(index));
  const prologue = list.takeDispatches();
  kernels.forEach((kernel, index) => {
    if (!kernel.movable) list.run(index);
  });
  list.runMovable(() => true);
  return { prologue, step: list.takeDispatches() };
}

/** The kernels that must run before a kernel, and those that must run after it. */
interface Dependencies {
  readonly before: ReadonlySet<number>;
  readonly after: ReadonlySet<number>;
}

/** Pairs that keep their order: of two kernels that use one buffer, at least one of which writes it. */
function dependenciesOf<B>(kernels: readonly ScheduledKernel<B>[]): Dependencies[] {
  const dependencies = kernels.map(() => ({ before: new Set<number>(), after: new Set<number>() }));
  const lastWriters = new Map<B, number>(), readersSince = new Map<B, number[]>();
  kernels.forEach(({ buffers }, index) => {
    const runAfter = (other: number | undefined) => {
      if (other === undefined || other === index) return;
      dependencies[index].before.add(other);
      dependencies[other].after.add(index);
    };
    for (const { buffer, write } of buffers) {
      runAfter(lastWriters.get(buffer));
      if (write) { for (const reader of readersSince.get(buffer) ?? []) runAfter(reader); }
    }
    for (const { buffer, write } of buffers) {
      if (write) {
        lastWriters.set(buffer, index);
        readersSince.set(buffer, []);
      }
    }
    for (const { buffer, write } of buffers) {
      if (!write) readersSince.set(buffer, [...readersSince.get(buffer) ?? [], index]);
    }
  });
  return dependencies;
}

/**
 * Movable kernels that read only unchanged variables and each other's results. No other kernel may overwrite these results,
 * which have to last from step to step.
 */
function prologueKernels<B>(
  kernels: readonly ScheduledKernel<B>[],
  dependencies: readonly Dependencies[],
  { isVariable, isInput }: ScheduleOptions<B>,
): Set<number> {
  const writeCounts = new Map<B, number>();
  for (const { buffers } of kernels) {
    for (const { buffer, write } of buffers) if (write) writeCounts.set(buffer, (writeCounts.get(buffer) ?? 0) + 1);
  }
  const hoisted = new Set<number>();
  kernels.forEach(({ buffers, movable }, index) => {
    const isLasting = buffers.every(({ buffer, write }) => {
      if (write) return !isVariable(buffer) && !isInput(buffer) && writeCounts.get(buffer) === 1;
      return !isInput(buffer) && !(isVariable(buffer) && writeCounts.has(buffer));
    });
    if (movable && isLasting && [...dependencies[index].before].every((other) => hoisted.has(other))) {
      hoisted.add(index);
    }
  });
  return hoisted;
}

/** The dispatches so far, and the kernels that are still to run. */
class DispatchList<B> {
  readonly #kernels: readonly ScheduledKernel<B>[];
  readonly #dependencies: readonly Dependencies[];
  readonly #mostBuffers: number;
  /** For each kernel, the first immovable kernel that needs it. */
  readonly #deadlines: number[];
  /** For each kernel, the length of the longest chain of kernels after it. */
  readonly #heights: number[];
  readonly #pending: Set<number>;
  #dispatches: number[][] = [];

  constructor(kernels: readonly ScheduledKernel<B>[], dependencies: readonly Dependencies[], mostBuffers: number) {
    this.#kernels = kernels;
    this.#dependencies = dependencies;
    this.#mostBuffers = mostBuffers;
    this.#pending = new Set(kernels.keys());
    this.#deadlines = kernels.map(() => Infinity);
    this.#heights = kernels.map(() => 0);
    for (let index = kernels.length - 1; index >= 0; index--) {
      for (const after of dependencies[index].after) {
        const deadline = kernels[after].movable ? this.#deadlines[after] : after;
        this.#deadlines[index] = Math.min(this.#deadlines[index], deadline);
        this.#heights[index] = Math.max(this.#heights[index], this.#heights[after] + 1);
      }
    }
  }

  /** The dispatches since the last call. */
  takeDispatches(): number[][] {
    const dispatches = this.#dispatches;
    this.#dispatches = [];
    return dispatches;
  }

  /** Runs a kernel in a dispatch of its own, after the kernels that it depends on. */
  run(index: number): void {
    const needed = new Set<number>();
    const visit = (kernel: number) => {
      for (const before of this.#dependencies[kernel].before) {
        if (!this.#pending.has(before) || needed.has(before)) continue;
        needed.add(before);
        visit(before);
      }
    };
    visit(index);
    this.#runAll(needed, () => true);
    this.#dispatch([index]);
  }

  /** Runs the pending movable kernels that are wanted. */
  runMovable(isWanted: (index: number) => boolean): void {
    const wanted = [...this.#pending].filter((index) => this.#kernels[index].movable && isWanted(index));
    this.#runAll(new Set(wanted), isWanted);
  }

  /** Runs the needed movable kernels. Each dispatch is filled up with other movable kernels that are ready and allowed. */
  #runAll(needed: ReadonlySet<number>, isAllowed: (index: number) => boolean): void {
    for (;;) {
      const ready = [...needed].filter((index) => this.#isReady(index));
      if (ready.length === 0) return;
      const others = [...this.#pending].filter((index) =>
        !needed.has(index) && this.#kernels[index].movable && isAllowed(index) && this.#isReady(index)
      );
      // The longest chains go first, so that more kernels are ready together later.
      ready.sort((a, b) => this.#heights[b] - this.#heights[a] || a - b);
      others.sort((a, b) => this.#deadlines[a] - this.#deadlines[b] || a - b);
      this.#dispatch(this.#fitting([...ready, ...others]));
    }
  }

  #isReady(index: number): boolean {
    return this.#pending.has(index) &&
      ![...this.#dependencies[index].before].some((before) => this.#pending.has(before));
  }

  /** The candidates, taken in order, that fit the bindings of one dispatch; the first always does. */
  #fitting(candidates: readonly number[]): number[] {
    const taken: number[] = [], boundViews = new Map<B, Set<string>>();
    let count = 0;
    for (const index of candidates) {
      const added = this.#kernels[index].buffers.filter(({ buffer, as }) => !boundViews.get(buffer)?.has(as));
      if (taken.length > 0 && count + added.length > this.#mostBuffers) continue;
      for (const { buffer, as } of added) boundViews.set(buffer, (boundViews.get(buffer) ?? new Set()).add(as));
      count += added.length;
      taken.push(index);
    }
    return taken;
  }

  #dispatch(indices: readonly number[]): void {
    for (const index of indices) this.#pending.delete(index);
    this.#dispatches.push([...indices]);
  }
}
