/** A program on the CPU: stages of WebAssembly kernels, which all threads run, and calls of functions between them. */

import { type BackendCompileOptions, type Executable, SCALAR_CAPACITY } from "../backend.ts";
import { byName, expectData } from "../util/check_data.ts";
import { DeviceError, UsageError } from "../util/errors.ts";
import type { Node, Value } from "../graph/graph.ts";
import type { CpuContext } from "./stages.ts";
import type { Plan } from "../plan/plan.ts";
import type { DispatchTime, ProfileOptions } from "../profiling/profile.ts";
import { byteSize, elementCount } from "../graph/shape.ts";
import { StepWaits } from "../step_waits.ts";
import { type CopiedValue, CpuExchange } from "./exchange.ts";
import type { Block, CpuMemory, MemoryArray } from "./memory.ts";
import { prepacks, programOf, sharedPrepacked } from "./program.ts";
import {
  type Call,
  type ComputedSegment,
  type FunctionSegment,
  linkStages,
  type Segment,
  type TimedStage,
} from "./segments.ts";
import { CpuStorage } from "./storage.ts";
import type { Threads } from "./threads.ts";

/** Runs a plan on the CPU. */
export class CpuExecutable implements Executable {
  readonly scalarCapacity: number = SCALAR_CAPACITY;
  readonly dispatches: number;
  readonly #segments: readonly Segment[];
  readonly #prologue: readonly ComputedSegment[];
  readonly #timed: readonly TimedStage[];
  readonly #nodes: readonly Node[];
  /** The variables that the prologue reads, and the sum of their versions when it last ran. */
  readonly #sources = new Set<CpuStorage>();
  #prologueVersion = -1;
  /** The sums over ranks, and the memory of each. */
  readonly #exchanges: { readonly exchange: CpuExchange; readonly block: Block }[] = [];
  /** The waits of the last step. */
  #waits: StepWaits | undefined;
  /** The variables that a step changes. */
  readonly #updated: readonly CpuStorage[];
  readonly #threads: Threads;
  readonly #scratchLength: number;
  readonly #workspace: MemoryArray;
  #scratch: MemoryArray;
  #context: CpuContext | undefined;
  readonly #blocks: Block[] = [];
  readonly #memory: CpuMemory;
  readonly #inputs = new Map<string, { value: Value; data: MemoryArray }>();
  readonly #outputs = new Map<string, MemoryArray>();
  readonly #scalars: readonly MemoryArray[];
  readonly #records: Float32Array[];
  #recorded = 0;

  /**
   * Places every value and chooses every kernel.
   *
   * @throws {OutOfMemoryError} If there is no room; then nothing is taken.
   */
  constructor(plan: Plan, options: BackendCompileOptions, memory: CpuMemory, threads: Threads) {
    this.#memory = memory;
    this.#threads = threads;
    const orNothing = <T>(allocate: () => T): T => {
      try {
        return allocate();
      } catch (error) {
        this.destroy();
        throw error;
      }
    };
    const take = (bytes: number) => {
      const block = orNothing(() => memory.allocate(bytes));
      this.#blocks.push(block);
      if (options.poison) memory.view(block, "f32", block.bytes / 4).elements.fill(NaN);
      return block;
    };
    const { collective } = options, program = programOf(plan, collective !== undefined);
    const arena = take(program.arena.bytes);
    const arrays = new Map<Value, MemoryArray>();
    const place = (value: Value, block: Block, offset = 0) => {
      const at = { address: block.address + offset, bytes: byteSize(value.spec) };
      const array = memory.view(at, value.spec.dtype, elementCount(value.spec.shape));
      arrays.set(value, array);
      return array;
    };
    for (const value of plan.inputs) {
      this.#inputs.set(value.name, { value, data: place(value, take(byteSize(value.spec))) });
    }
    for (const value of plan.variables) {
      const storage = options.variables.get(value.name);
      if (storage instanceof CpuStorage) arrays.set(value, storage.data);
      else if (value.initializer?.kind === "constant") {
        place(value, take(byteSize(value.spec))).elements.fill(value.initializer.value);
      } else throw new DeviceError(`The variable "${value.name}" lives on another backend`);
    }
    program.values.forEach((value, index) => place(value, arena, program.arena.offsets[index]));

    const exchanges = program.exchanges.map(({ node, wait, offsets, length, transport, inPlace }) => {
      const { arguments: given, results } = plan.nodes[node], block = orNothing(() => memory.allocate(4 * length));
      const run = memory.view(block, "f32", length);
      // What lies between values is summed too.
      run.elements.fill(0);
      const copied: CopiedValue[] = [];
      given.forEach((value, index) => {
        if (inPlace.has(value)) place(value, block, 4 * offsets[index]);
        else copied.push({ from: arrays.get(value)!, offset: offsets[index] });
        place(results[index], block, 4 * offsets[index]);
      });
      const exchange = new CpuExchange(collective!, run, copied, transport);
      this.#exchanges.push({ exchange, block });
      return { node, wait, exchange };
    });

    const workspace = take(4 * program.workspace);
    this.#scratchLength = program.scratch;
    orNothing(() => threads.reserveScratch(4 * this.#scratchLength));
    this.#workspace = memory.view(workspace, "f32", program.workspace);
    this.#scratch = this.#scratchArray();

    const storageOf = ({ name }: Value) => options.variables.get(name) as CpuStorage;
    const updated = new Set(
      plan.nodes.flatMap((node) => (node.op.updates ?? []).map((index) => storageOf(node.arguments[index]))),
    );
    this.#updated = [...updated];
    const awaitedAt = (index: number) => exchanges.filter(({ wait }) => wait === index);
    const calls = program.kernels.map((each, index): Call => {
      const { node, kernel, sources } = each, keeps = sources !== undefined;
      for (const source of sources ?? []) this.#sources.add(storageOf(source));
      return {
        awaited: awaitedAt(index),
        begun: exchanges.find(({ node }) => node === index)?.exchange,
        kernel,
        buffers: [...node.arguments, ...node.results].map((value) => arrays.get(value)!),
        workspace: workspace.address + 4 * sharedPrepacked(each),
        prepacked: (keeps ? take(4 * kernel.prepacked!) : workspace).address,
        keeps,
      };
    });
    this.dispatches = calls.length;
    const link = (all: readonly Call[], packs: boolean) =>
      linkStages(all, (stage, { keeps }) => packs === (keeps && prepacks(stage)), memory, take);
    const prologue = link(calls.map((call) => ({ ...call, awaited: [], begun: undefined })), true);
    this.#prologue = prologue.segments.filter((segment): segment is ComputedSegment => !("exchange" in segment));
    // What nothing reads is waited for in the end.
    const end = { kernel: { stages: [] }, buffers: [], workspace: 0, prepacked: 0, keeps: false };
    const { segments, timed } = link([...calls, { ...end, awaited: awaitedAt(calls.length) }], false);
    this.#segments = segments;
    this.#timed = timed;
    this.#nodes = plan.nodes;
    for (const [name, value] of plan.outputs) this.#outputs.set(name, arrays.get(value)!);
    this.#scalars = options.scalars.map((name) => byName(this.#outputs, "output", name));
    this.#records = Array.from({ length: SCALAR_CAPACITY }, () => new Float32Array(this.#scalars.length));
  }

  /** Replaces the elements of an input. */
  write(input: string, data: Float32Array | Uint32Array): void {
    const { value, data: target } = byName(this.#inputs, "input", input);
    expectData(input, value.spec, data);
    target.elements.set(data);
  }

  /** Runs one step, to its end. */
  run(record = false): void {
    if (this.#exchanges.length > 0) {
      throw new UsageError("A program that sums over ranks waits for them, so it runs by runTogether()");
    }
    this.#runPrologue();
    for (const segment of this.#segments) this.#compute(segment as ComputedSegment);
    this.#conclude(record);
  }

  /** Runs one step; waits for the sums over ranks. */
  async runTogether(record = false): Promise<void> {
    this.#runPrologue();
    const waits = this.#waits = new StepWaits();
    for (const segment of this.#segments) {
      const wait = this.#runSegment(segment, waits);
      if (wait !== undefined) await wait;
    }
    this.#conclude(record);
  }

  /** Runs one step, a stage at a time, and times each. */
  async profile({ record = false }: ProfileOptions = {}): Promise<DispatchTime[]> {
    this.#runPrologue();
    const stamps = new Float64Array(2 * this.#timed.length), waits = this.#waits = new StepWaits();
    for (const [index, { segment }] of this.#timed.entries()) {
      stamps[2 * index] = performance.now();
      const wait = this.#runSegment(segment, waits);
      if (wait !== undefined) await wait;
      stamps[2 * index + 1] = performance.now();
    }
    this.#conclude(record);
    return this.#timed.map(({ node: number, variant, kernel }, index) => {
      const node = this.#nodes[number], start = stamps[2 * index] / 1000;
      return {
        op: node.op.name,
        variant,
        kernel,
        node: number,
        cost: node.op.cost(node),
        kernels: 1,
        start,
        seconds: stamps[2 * index + 1] / 1000 - start,
      };
    });
  }

  /** Runs the prologue if a variable that it reads has changed. */
  #runPrologue(): void {
    let version = 0;
    for (const source of this.#sources) version += source.version;
    if (version !== this.#prologueVersion) { for (const segment of this.#prologue) this.#compute(segment); }
    this.#prologueVersion = version;
  }

  /** Ends a step. */
  #conclude(record: boolean): void {
    for (const storage of this.#updated) storage.version++;
    if (!record) return;
    if (this.#recorded === SCALAR_CAPACITY) {
      throw new DeviceError(`More than ${SCALAR_CAPACITY} steps were recorded without readScalars()`);
    }
    const row = this.#records[this.#recorded++];
    for (let i = 0; i < row.length; i++) row[i] = this.#scalars[i].elements[0];
  }

  /** Copies an output out. */
  read(output: string): Promise<Float32Array | Uint32Array> {
    return Promise.resolve(byName(this.#outputs, "output", output).elements.slice());
  }

  /** The scalars of the recorded steps. */
  readScalars(): Promise<Float32Array[]> {
    const rows = this.#records.slice(0, this.#recorded).map((row) => row.slice());
    this.#recorded = 0;
    return Promise.resolve(rows);
  }

  /** Gives the memory back. */
  destroy(): void {
    this.#waits?.destroy();
    for (const block of this.#blocks) this.#memory.free(block);
    this.#blocks.length = 0;
    for (const { exchange, block } of this.#exchanges) {
      // A step that failed may have left sums on their way, which still write.
      if (exchange.pending) exchange.settle().then(() => this.#memory.free(block));
      else this.#memory.free(block);
    }
    this.#exchanges.length = 0;
  }

  /** Runs a segment; gives what is to be waited for, if it waits. */
  #runSegment(segment: Segment, waits: StepWaits): Promise<void> | undefined {
    if (!("exchange" in segment)) this.#compute(segment);
    else if (segment.waits) return waits.for(segment.exchange.finish());
    else segment.exchange.begin(waits.fail);
    return undefined;
  }

  #compute(segment: ComputedSegment): void {
    if ("stages" in segment) this.#threads.run(segment.stages, segment.count);
    else this.#call(segment);
  }

  #call({ stage, buffers, arrays }: FunctionSegment): void {
    for (let i = 0; i < buffers.length; i++) arrays[i] = buffers[i].elements;
    const context = this.#lend();
    for (let task = 0; task < stage.tasks; task++) stage.run(arrays, task, context);
  }

  /** The workspace, and the calling thread's scratch memory as far as this program uses it. */
  #lend(): CpuContext {
    // A program that was compiled later may have moved the scratch memory.
    if (this.#scratch.address !== this.#threads.scratch) this.#scratch = this.#scratchArray();
    const workspace = this.#workspace.elements as Float32Array, scratch = this.#scratch.elements as Float32Array;
    if (this.#context?.workspace !== workspace || this.#context.scratch !== scratch) {
      this.#context = { workspace, scratch };
    }
    return this.#context;
  }

  #scratchArray(): MemoryArray {
    return this.#memory.view({ address: this.#threads.scratch, bytes: 0 }, "f32", this.#scratchLength);
  }
}
