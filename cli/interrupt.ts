/** Ctrl-C, SIGTERM, and SIGHUP of a terminal that is closed: the first asks a run to stop and save, the second leaves at once. */

/** The exit code of a program that an interrupt ended, as shells have it. */
const INTERRUPTED = 130;

/** Milliseconds in which a second signal is taken for the first: a terminal sends it, and a parent may hand its own on. */
const SAME_SIGNAL = 250;

/** The bit of SIGHUP in what Linux tells of a process. */
const HANGUP = 1n;

/**
 * Whether the end of a terminal, SIGHUP, is to be passed over, as `nohup` asks. Where the system does not tell, that is taken
 * from the output, which `nohup` leads to a file.
 *
 * @param status What Linux tells of the process. Defaults to that of this process.
 */
export function ignoresHangup(status: string | undefined = processStatus()): boolean {
  const ignored = /^SigIgn:\s*([0-9a-f]+)$/m.exec(status ?? "")?.[1];
  if (ignored !== undefined) return (BigInt(`0x${ignored}`) & HANGUP) !== 0n;
  return !Deno.stdout.isTerminal() && !Deno.stderr.isTerminal();
}

function processStatus(): string | undefined {
  try {
    return Deno.readTextFileSync("/proc/self/status");
  } catch {
    return undefined;
  }
}

function signalsHeard(): Deno.Signal[] {
  if (Deno.build.os === "windows") return ["SIGINT"];
  return ignoresHangup() ? ["SIGINT", "SIGTERM"] : ["SIGINT", "SIGTERM", "SIGHUP"];
}

/** Listens until it is disposed of. */
export class Interrupt implements Disposable {
  readonly #controller = new AbortController();
  readonly #listeners: readonly (readonly [Deno.Signal, () => void])[];
  readonly #announce: () => void;
  #time = 0;

  /** @param announce Called at the first signal. What goes wrong in it does not matter: the terminal may be gone. */
  constructor(announce: () => void) {
    this.#announce = () => {
      this.#time = performance.now();
      this.#controller.abort();
      try {
        announce();
      } catch {
        // The run stops and saves all the same.
      }
    };
    const hear = (signal: Deno.Signal) => {
      if (this.signal.aborted) {
        // A terminal that is closed hangs up by its shell and by the system.
        if (signal === "SIGHUP" || performance.now() - this.#time < SAME_SIGNAL) return;
        Deno.exit(INTERRUPTED);
      }
      this.#announce();
    };
    this.#listeners = signalsHeard().map((signal) => [signal, () => hear(signal)] as const);
    for (const [signal, listener] of this.#listeners) Deno.addSignalListener(signal, listener);
  }

  /** Aborted at the first signal. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Asks to stop as the first signal does; asked again, it does nothing. */
  stop(): void {
    if (!this.signal.aborted) this.#announce();
  }

  /** Stops listening. */
  [Symbol.dispose](): void {
    for (const [signal, listener] of this.#listeners) Deno.removeSignalListener(signal, listener);
  }
}
