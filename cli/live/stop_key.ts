/** The key q, which stops a run. The terminal is given back as it was, however the process ends. */

/** The exit code of a program that SIGQUIT ended, as shells have it. */
const QUIT = 131;

/** The key, as the terminal sends it. */
const KEYS = [..."qQ"].map((key) => key.charCodeAt(0));

/**
 * Hears single keys of the terminal until it is disposed of. Ctrl-C and Ctrl-Z stay signals. Where the system cannot tell keys
 * from lines without losing Ctrl-C, as Windows cannot, or the input is no terminal, nothing is heard.
 */
export class StopKey implements Disposable {
  /** Whether the key is heard. */
  readonly isHeard: boolean;
  readonly #restore = () => this.#giveBack();
  readonly #quit = () => Deno.exit(QUIT);

  /** @param stop Called when the key is pressed. */
  constructor(stop: () => void) {
    this.isHeard = Deno.build.os !== "windows" && Deno.stdin.isTerminal() && this.#takeTerminal();
    if (this.isHeard) this.#listen(stop);
  }

  #takeTerminal(): boolean {
    try {
      Deno.stdin.setRaw(true, { cbreak: true });
    } catch {
      return false;
    }
    // `Deno.exit`, by a second interrupt, passes `using` by.
    addEventListener("unload", this.#restore);
    Deno.addSignalListener("SIGQUIT", this.#quit);
    return true;
  }

  async #listen(stop: () => void): Promise<void> {
    const keys = new Uint8Array(64);
    try {
      for (let read = await Deno.stdin.read(keys); read !== null; read = await Deno.stdin.read(keys)) {
        if (keys.subarray(0, read).some((key) => KEYS.includes(key))) stop();
      }
    } catch {
      // The terminal was closed.
    }
  }

  #giveBack(): void {
    try {
      Deno.stdin.setRaw(false);
    } catch {
      // The terminal was closed.
    }
  }

  /** Gives the terminal back. */
  [Symbol.dispose](): void {
    if (!this.isHeard) return;
    this.#giveBack();
    removeEventListener("unload", this.#restore);
    Deno.removeSignalListener("SIGQUIT", this.#quit);
  }
}
