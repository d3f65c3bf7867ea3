/** Ctrl-C and SIGTERM: the first asks a run to stop and save, the second leaves at once. */

/** The exit code of a program that an interrupt ended, as shells have it. */
const INTERRUPTED = 130;

/** Milliseconds in which a second signal is taken for the first: a terminal sends it, and a parent may hand its own on. */
const SAME_SIGNAL = 250;

const SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];

/** Listens until it is disposed of. */
export class Interrupt implements Disposable {
  readonly #controller = new AbortController();
  readonly #listener: () => void;
  #time = 0;

  /** @param announce Called at the first signal. */
  constructor(announce: () => void) {
    this.#listener = () => {
      if (this.signal.aborted) {
        if (performance.now() - this.#time < SAME_SIGNAL) return;
        Deno.exit(INTERRUPTED);
      }
      this.#time = performance.now();
      this.#controller.abort();
      announce();
    };
    for (const signal of SIGNALS) Deno.addSignalListener(signal, this.#listener);
  }

  /** Aborted at the first signal. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Stops listening. */
  [Symbol.dispose](): void {
    for (const signal of SIGNALS) Deno.removeSignalListener(signal, this.#listener);
  }
}
