/** A run folder on a path. */

import { type ResumableCheckpoint, RunFolder as Folder, type RunStore } from "../train/mod.ts";
import { DiskStore, withoutSeparators } from "../files/mod.ts";

/** The files of a folder, which is locked with the first of them that is written. */
class LockingStore implements RunStore, AsyncDisposable {
  readonly location: string;
  readonly #reader: DiskStore;
  #locked: Promise<DiskStore & AsyncDisposable> | undefined;

  constructor(location: string) {
    this.location = withoutSeparators(location);
    this.#reader = new DiskStore(this.location);
  }

  async lock(): Promise<DiskStore> {
    const locked = this.#locked ??= DiskStore.lock(this.location);
    try {
      return await locked;
    } catch (error) {
      // Whoever has it may have ended when it is asked for again.
      if (this.#locked === locked) this.#locked = undefined;
      throw error;
    }
  }

  async write(name: string, bytes: Uint8Array): Promise<void> {
    await (await this.lock()).write(name, bytes);
  }

  async append(name: string, content: string | Uint8Array): Promise<void> {
    await (await this.lock()).append(name, content);
  }

  read(name: string): Promise<Uint8Array | undefined> {
    return this.#reader.read(name);
  }

  async copy(from: string, to: string): Promise<void> {
    await (await this.lock()).copy(from, to);
  }

  async remove(name: string): Promise<void> {
    await (await this.lock()).remove(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const locked = this.#locked;
    this.#locked = undefined;
    await (await locked?.catch(() => undefined))?.[Symbol.asyncDispose]();
  }
}

/**
 * A run folder on the disk, made where it is missing. What writes to it, and {@link RunFolder.resume}, lock it for this
 * process until the end of its block; the system takes the lock from a process that ends, however it ends. Reading metrics
 * and checkpoints locks nothing, so that another process may look at a run.
 *
 * @example
 * ```ts
 * import { fit, modelByName, openBackend, shapesSet } from "@residua/residua";
 * import { RunFolder } from "@residua/residua/disk";
 * using backend = await openBackend("cpu");
 * const model = modelByName("resnet8"), set = shapesSet({ trainCount: 40, validationCount: 10 });
 * for (const epochs of [1, 2]) {
 *   // The second run goes on where the first one ended.
 *   await using folder = new RunFolder("runs/shapes");
 *   const saved = await folder.resume();
 *   await fit({ model, backend, set, epochs, batch: 20, folder, initial: saved, progress: saved?.info.progress });
 * }
 * console.log((await new RunFolder("runs/shapes").readMetrics()).filter(({ kind }) => kind === "epoch").length); // 2
 * ```
 */
export class RunFolder extends Folder implements AsyncDisposable {
  readonly #store: LockingStore;

  /**
   * Names a folder, and touches nothing yet.
   *
   * @param path The folder.
   */
  constructor(path: string) {
    const store = new LockingStore(path);
    super(store);
    this.#store = store;
  }

  /** The files, for what else is to be kept with them: plots, event files. */
  get store(): Pick<DiskStore, "location" | "write" | "append" | "read" | "copy" | "remove"> {
    return this.#store;
  }

  /**
   * Locks the folder now, and makes it where it is missing.
   *
   * @throws {DataError} If another process trains there, or nothing can be written.
   */
  async lock(): Promise<void> {
    await this.#store.lock();
  }

  /**
   * Locks the folder and reads the checkpoint to go on from: the last one, or the one before it if the last is damaged or
   * missing. Nothing if no run has been saved there.
   *
   * @throws {DataError} If neither can be used, or another process trains there.
   */
  override async resume(): Promise<ResumableCheckpoint | undefined> {
    await this.lock();
    return await super.resume();
  }

  /** Gives the folder back; one that was made and holds nothing is removed. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store[Symbol.asyncDispose]();
  }
}
