/** The processes that `mpirun` or `srun` started, as the engine sees them: sums over ranks, and what a run needs beside. */

import { type Collective, DeviceError, StallWatch, type Transport } from "../../core/mod.ts";
import { HalfSum } from "./half_sum.ts";
import { type LauncherVariables, type MpiLibrary, openLibrary, readText } from "./library.ts";

/** `MPI_THREAD_SERIALIZED` and `MPI_THREAD_MULTIPLE`. */
const SERIALIZED = 2, MULTIPLE = 3;

/** Bytes that any library's status of a request fits in, and those of the handle of a request. */
const STATUS_BYTES = 64, REQUEST_BYTES = 8;

/** Seconds for which the others are waited for: the first rank may save a large checkpoint meanwhile. */
const STALL_TIMEOUT = 600;

/** The options of {@link MpiCommunicator.open}. */
export interface MpiOptions {
  /** Seconds without an answer of the others after which they are taken to hang. Defaults to 600. */
  readonly stallTimeout?: number;
}

/**
 * All ranks of a run, by MPI. Each call must be made by all of them, in the same order. Sums may be under way together; of
 * anything else, the end is waited for before the next call.
 */
export class MpiCommunicator implements Collective {
  readonly rank: number;
  readonly size: number;
  /** What the library calls itself. */
  readonly version: string;
  /** The name of this machine. */
  readonly machine: string;
  readonly #library: MpiLibrary;
  readonly #multiple: boolean;
  readonly #wait = new WaitClock();
  readonly #opened = performance.now();
  readonly #unanswered = new Set<(reason: Error) => void>();
  readonly #watch: StallWatch;
  /** Sums as float16, by a communicator of their own: theirs are two calls each, between which others may come. */
  readonly #halves: HalfSum;
  #last: Promise<unknown> = Promise.resolve();
  #lastHalf: Promise<unknown> = Promise.resolve();

  private constructor(
    library: MpiLibrary,
    multiple: boolean,
    own: bigint,
    { rank, size, machine, stallTimeout }: Pick<MpiCommunicator, "rank" | "size" | "machine"> & Required<MpiOptions>,
  ) {
    this.#watch = new StallWatch({
      limit: () => stallTimeout,
      onStall: (seconds) => this.#unanswered.forEach((reject) => reject(new DeviceError(stallText(seconds)))),
    });
    this.#library = library;
    this.#multiple = multiple;
    const { calls, constants: { byte } } = library;
    const checked = async (call: Promise<number>) => expectSuccess(library, await this.#answered(call));
    this.#halves = new HalfSum(size, {
      alltoall: (from, to, bytes) => checked(calls.MPI_Alltoall(from, bytes, byte, to, bytes, byte, own)),
      allgather: (from, to, bytes) => checked(calls.MPI_Allgather(from, bytes, byte, to, bytes, byte, own)),
    });
    this.rank = rank;
    this.size = size;
    this.version = library.version;
    this.machine = machine;
  }

  /**
   * Opens the library and joins the other ranks.
   *
   * @param options When ranks are taken to hang.
   * @throws {DeviceError} If there is no MPI, or one of another kind than the launcher's.
   */
  static open({ stallTimeout = STALL_TIMEOUT }: MpiOptions = {}): MpiCommunicator {
    const launcher = { openMpi: Deno.env.get("OMPI_COMM_WORLD_SIZE"), mpich: Deno.env.get("PMI_SIZE") };
    const library = openLibrary(Deno.env.get("RESIDUA_MPI"), launcher), { calls, constants } = library;
    const number = new Int32Array(1);
    const read = (call: (number: Int32Array<ArrayBuffer>) => number) => {
      expectSuccess(library, call(number));
      return number[0];
    };
    const level = read((number) => calls.MPI_Init_thread(null, null, MULTIPLE, number));
    if (level < SERIALIZED) {
      throw new DeviceError(
        `${library.name} (${library.version}) takes calls of its first thread alone; expected one that takes them of any ` +
          "thread, one at a time (MPI_THREAD_SERIALIZED): name another by the variable RESIDUA_MPI",
      );
    }
    expectSuccess(library, calls.MPI_Comm_set_errhandler(constants.world, constants.errorsReturn));
    const rank = read((number) => calls.MPI_Comm_rank(constants.world, number));
    const size = read((number) => calls.MPI_Comm_size(constants.world, number));
    const machine = readText((bytes, length) => calls.MPI_Get_processor_name(bytes, length));
    expectLaunched(library, size, launcher);
    const own = new BigUint64Array(1);
    expectSuccess(library, calls.MPI_Comm_dup(constants.world, own));
    return new MpiCommunicator(library, level >= MULTIPLE, own[0], { rank, size, machine, stallTimeout });
  }

  /** The share of the time since it was opened in which the calling thread had nothing to do but wait for sums. */
  get waitingShare(): number {
    return this.waited / (performance.now() - this.#opened);
  }

  /** Milliseconds in which the calling thread had nothing to do but wait for sums. */
  get waited(): number {
    return this.#wait.total;
  }

  /** Begins to sum over all ranks; several sums may be under way. */
  async sum(values: Float32Array, transport: Transport = "float32"): Promise<void> {
    this.#wait.begin();
    try {
      if (transport === "float16") await this.#sumAsHalves(values);
      else await (this.#multiple ? this.#sumAtOnce(values) : this.#inTurn(() => this.#sumNow(values)));
    } finally {
      this.#wait.end();
    }
  }

  /** One such sum after the other; where calls may not be made at once, after all others too. */
  async #sumAsHalves(values: Float32Array): Promise<void> {
    const before = this.#multiple ? this.#lastHalf : this.#last;
    const done = before.then(() => this.#halves.sum(values)), after = done.catch(() => {});
    if (this.#multiple) this.#lastHalf = after;
    else this.#last = after;
    await done;
  }

  /** Sends bytes of a rank to all others, which receive them in place. */
  broadcast(bytes: Uint8Array<ArrayBuffer>, root: number): Promise<void> {
    const { calls, constants: { byte, world } } = this.#library;
    return this.#inTurn(() => calls.MPI_Bcast(bytes, bytes.length, byte, root, world));
  }

  /** Waits until all ranks are there. */
  barrier(): Promise<void> {
    return this.#inTurn(() => this.#library.calls.MPI_Barrier(this.#library.constants.world));
  }

  /** Brings a value that is JSON from one rank to all; what the others give does not matter. */
  async share<T>(value: T, root = 0): Promise<T> {
    const own = this.rank === root, length = new Float64Array(1);
    const text = new TextEncoder().encode(own ? JSON.stringify({ value }) : "");
    length[0] = text.length;
    await this.broadcast(new Uint8Array(length.buffer), root);
    const bytes = own ? text : new Uint8Array(length[0]);
    await this.broadcast(bytes, root);
    return own ? value : JSON.parse(new TextDecoder().decode(bytes)).value;
  }

  /** Brings a value of each rank, which is JSON, to all of them: in the order of the ranks. */
  async gather<T>(value: T): Promise<T[]> {
    const values: T[] = [];
    for (let root = 0; root < this.size; root++) values.push(await this.share(value, root));
    return values;
  }

  /** Leaves the other ranks, once all have come to this. */
  async finalize(): Promise<void> {
    await this.barrier();
    await this.#inTurn(() => this.#library.calls.MPI_Finalize());
  }

  /** Ends all ranks at once, this one included. */
  abort(code: number): never {
    this.#library.calls.MPI_Abort(this.#library.constants.world, code);
    Deno.exit(code);
  }

  /** The other thread waits for all sums that are under way, in whichever order they end. */
  async #sumAtOnce(values: Float32Array): Promise<void> {
    const { calls, constants: { inPlace, float, sum, world } } = this.#library;
    const request = new Uint8Array(REQUEST_BYTES);
    const code = calls.MPI_Iallreduce(inPlace, bytesOf(values), values.length, float, sum, world, request);
    expectSuccess(this.#library, code);
    expectSuccess(this.#library, await this.#answered(calls.MPI_Wait(request, new Uint8Array(STATUS_BYTES))));
  }

  /** Waits for others, but not for ever. */
  #answered(call: Promise<number>): Promise<number> {
    this.#watch.begin();
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#unanswered.add(reject);
    call.then(resolve, reject).finally(() => {
      this.#watch.end();
      this.#unanswered.delete(reject);
    });
    return promise;
  }

  #sumNow(values: Float32Array): Promise<number> {
    const { calls, constants: { inPlace, float, sum, world } } = this.#library;
    return calls.MPI_Allreduce(inPlace, bytesOf(values), values.length, float, sum, world);
  }

  /** One call after the other. */
  #inTurn(call: () => Promise<number>): Promise<void> {
    const done = this.#last.then(() => this.#answered(call())).then((code) => expectSuccess(this.#library, code));
    this.#last = done.catch(() => {});
    return done;
  }
}

/** The type of the memory does not matter to a call: it is one address. */
function bytesOf(values: Float32Array): Float32Array<ArrayBuffer> {
  return values as Float32Array<ArrayBuffer>;
}

/** A process that was started beside others, and whose library knows of none, would train alone. */
function expectLaunched({ name, version }: MpiLibrary, size: number, launcher: LauncherVariables): void {
  const started = launcher.openMpi ?? launcher.mpich ?? Deno.env.get("SLURM_NTASKS");
  if (size > 1 || started === undefined || Number(started) <= 1) return;
  throw new DeviceError(
    `${started} processes were started, but ${name} (${version}) knows of this one alone: it is not the launcher's MPI; ` +
      "start them by the mpirun of this library (or srun --mpi=pmix), or name the launcher's library by the variable RESIDUA_MPI",
  );
}

function stallText(seconds: number): string {
  return `The other ranks have not answered for ${seconds} s: one of them hangs, or has gone without its launcher's notice; ` +
    "--stall-timeout says how long they are waited for";
}

function expectSuccess({ calls, name }: MpiLibrary, code: number): void {
  if (code === 0) return;
  const text = readText((bytes, length) => calls.MPI_Error_string(code, bytes, length));
  throw new DeviceError(`A call of ${name} failed: ${text || `error ${code}`}; a rank may have gone`);
}

/** Adds up the time in which something is waited for and nothing else is done on this thread. */
class WaitClock {
  total = 0;
  #waiting = 0;
  /** Since when the thread has been idle. */
  #since: number | undefined;

  begin(): void {
    if (this.#waiting++ > 0) return;
    // Work that goes on in the same turn, such as the rest of a backward pass, is no waiting.
    queueMicrotask(() => {
      if (this.#waiting > 0) this.#since ??= performance.now();
    });
  }

  end(): void {
    if (--this.#waiting > 0 || this.#since === undefined) return;
    this.total += performance.now() - this.#since;
    this.#since = undefined;
  }
}
