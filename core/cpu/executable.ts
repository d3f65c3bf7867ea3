/** A program on the CPU: stages of WebAssembly kernels, which all threads run, and calls of functions between them. */

import { type BackendCompileOptions, type Executable, SCALAR_CAPACITY } from "../backend.ts";
import { byName, expectData } from "../util/check_data.ts";
import { DeviceError, UsageError } from "../util/errors.ts";
import type { Node, Value } from "../graph/graph.ts";
import type { NumericArray } from "../op.ts";
import type { CpuArgument, CpuContext, CpuFunctionStage, CpuStage, CpuStages } from "./stages.ts";
import type { Plan } from "../plan/plan.ts";
import type { DispatchTime, ProfileOptions } from "../profiling/profile.ts";
import { byteSize, elementCount } from "../graph/shape.ts";
import { StepWaits } from "../step_waits.ts";
import { type CopiedValue, CpuExchange } from "./exchange.ts";
import { kernelNumber } from "./kernels.ts";
import type { Block, CpuMemory, MemoryArray } from "./memory.ts";
import { prepacks, programOf, sharedPrepacked, STAGE_WORDS } from "./program.ts";
import { CpuStorage } from "./storage.ts";
import type { Threads } from "./threads.ts";

/** A stage in TypeScript and its buffers. */
interface FunctionSegment {
  readonly stage: CpuFunctionStage;
  readonly buffers: readonly MemoryArray[];
  /** What they were when the stage last ran. */
  readonly arrays: NumericArray[];
}

/** Where a sum over ranks begins, or where its results must be there. */
interface ExchangeSegment {
  readonly exchange: CpuExchange;
  readonly waits: boolean;
}

/** Consecutive stages of WebAssembly kernels, by their address and number, or one stage in TypeScript. */
type ComputedSegment = { readonly stages: number; readonly count: number } | FunctionSegment;

type Segment = ComputedSegment | ExchangeSegment;

/** A single stage of a step, so that it can be timed. */
interface TimedStage {
  readonly node: number;
  readonly variant: string;
  readonly kernel: number;
  readonly segment: Segment;
}

/** A node's kernel and its memory. */
interface Call {
  /** The sums over ranks that its node reads first. */
  readonly awaited: readonly CpuExchange[];
  /** The sum over ranks that its node begins. */
  readonly begun?: CpuExchange;
  readonly kernel: CpuStages;
  readonly buffers: readonly MemoryArray[];
  /** The address of its workspace. */
  readonly workspace: number;
  /** The address of what its prepacking stages write. */
  readonly prepacked: number;
  /** Whether that is the node's own, so that it lasts. */
  readonly keeps: boolean;
}

/** What a profile calls the time that a node waits for sums over ranks. */
const WAIT = "wait for ranks";

/** The names of a kernel's stages, each once. */
function stageNames({ stages }: CpuStages): string {
  return [...new Set(stages.map((stage) => "run" in stage ? "TypeScript" : stage.kernel))].join(" + ");
}

/** An argument as a 32-bit word. */
function argumentWord(argument: CpuArgument, { buffers, workspace, prepacked }: Call): number {
  if (typeof argument === "number") return argument;
  if ("float" in argument) return new Int32Array(Float32Array.of(argument.float).buffer)[0];
  if ("workspace" in argument) return workspace + 4 * argument.workspace;
  if ("prepacked" in argument) return prepacked + 4 * argument.prepacked;
  return buffers[argument.buffer].address + 4 * (argument.offset ?? 0);
}

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

    const exchanges = program.exchanges.map(({ node, wait, offsets, length, inPlace }) => {
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
      const exchange = new CpuExchange(collective!, run, copied);
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
    const calls = program.kernels.map((each, index): Call => {
      const { node, kernel, sources } = each, keeps = sources !== undefined;
      for (const source of sources ?? []) this.#sources.add(storageOf(source));
      return {
        awaited: exchanges.filter(({ wait }) => wait === index).map(({ exchange }) => exchange),
        begun: exchanges.find(({ node }) => node === index)?.exchange,
        kernel,
        buffers: [...node.arguments, ...node.results].map((value) => arrays.get(value)!),
        workspace: workspace.address + 4 * sharedPrepacked(each),
        prepacked: (keeps ? take(4 * kernel.prepacked!) : workspace).address,
        keeps,
      };
    });
    const packing = calls.map((call) => ({ ...call, awaited: [], begun: undefined }));
    const prologue = this.#link(packing, (stage, { keeps }) => keeps && prepacks(stage), take);
    this.#prologue = prologue.segments.filter((segment): segment is ComputedSegment => !("exchange" in segment));
    const linked = this.#link(calls, (stage, { keeps }) => !(keeps && prepacks(stage)), take);
    const unread = exchanges.filter(({ wait }) => wait === calls.length)
      .map(({ node, exchange }) => ({ node, segment: { exchange, waits: true } }));
    this.#segments = [...linked.segments, ...unread.map(({ segment }) => segment)];
    this.#timed = [...linked.timed, ...unread.map((each) => ({ ...each, variant: WAIT, kernel: 1 }))];
    this.#nodes = plan.nodes;

    this.dispatches = calls.length;
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

  /**
   * Writes the WebAssembly stages among the wanted ones to memory.
   *
   * @returns All wanted stages as segments in the order of running, and each stage as a segment of its own.
   */
  #link(
    calls: readonly Call[],
    isWanted: (stage: CpuStage, call: Call) => boolean,
    take: (bytes: number) => Block,
  ): { readonly segments: readonly Segment[]; readonly timed: readonly TimedStage[] } {
    // Segments of WebAssembly stages by their indices, until the address of the table is known.
    type Indexed = FunctionSegment | ExchangeSegment | { readonly first: number; count: number };
    const segments: Indexed[] = [], singles: (Omit<TimedStage, "segment"> & { readonly segment: Indexed })[] = [];
    const table: number[] = [], words: number[] = [], argumentOffsets: number[] = [];
    const add = (segment: FunctionSegment | ExchangeSegment, node: number, variant: string, kernel: number) => {
      segments.push(segment);
      singles.push({ node, variant, kernel, segment });
    };
    for (const [node, call] of calls.entries()) {
      const { buffers } = call, variant = stageNames(call.kernel);
      for (const exchange of call.awaited) add({ exchange, waits: true }, node, WAIT, 0);
      for (const [kernel, stage] of call.kernel.stages.entries()) {
        if (!isWanted(stage, call)) continue;
        if ("run" in stage) {
          add({ stage, buffers, arrays: [] }, node, variant, kernel);
          continue;
        }
        const index = argumentOffsets.length, last = segments.at(-1);
        if (last !== undefined && "first" in last) last.count++;
        else segments.push({ first: index, count: 1 });
        singles.push({ node, variant, kernel, segment: { first: index, count: 1 } });
        table.push(kernelNumber(stage.kernel), stage.tasks, 0);
        argumentOffsets.push(words.length);
        for (const argument of stage.arguments) words.push(argumentWord(argument, call));
      }
      if (call.begun !== undefined) add({ exchange: call.begun, waits: false }, node, "begin", 0);
    }
    const block = take(4 * (table.length + words.length));
    argumentOffsets.forEach((offset, index) => {
      table[index * STAGE_WORDS + 2] = block.address + 4 * (table.length + offset);
    });
    new Int32Array(this.#memory.memory.buffer, block.address, table.length + words.length).set([...table, ...words]);
    const placed = (segment: Indexed): Segment =>
      "first" in segment ? { stages: block.address + 4 * STAGE_WORDS * segment.first, count: segment.count } : segment;
    return {
      segments: segments.map(placed),
      timed: singles.map((single) => ({ ...single, segment: placed(single.segment) })),
    };
  }
}
