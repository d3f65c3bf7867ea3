/** How many threads there can be: the cores, and what keeps the CPU backend from using more than one. */

interface NodeProcess {
  readonly versions?: { readonly node?: string };
  readonly getBuiltinModule?: (name: string) => { availableParallelism?(): number } | undefined;
}

/** Node's `process`, which Deno and Bun have too. */
export function nodeProcess(): NodeProcess | undefined {
  const { process } = globalThis as { process?: NodeProcess };
  return process?.versions?.node === undefined ? undefined : process;
}

/** The number of cores, as far as the engine tells: 1 where it does not. */
export function coreCount(): number {
  const { navigator } = globalThis as { navigator?: { readonly hardwareConcurrency?: number } };
  // Node has had `navigator` since version 21.
  return navigator?.hardwareConcurrency ?? nodeProcess()?.getBuiltinModule?.("node:os")?.availableParallelism?.() ?? 1;
}

/** Whether memory may be shared between threads. Browsers hide the global on pages that are not isolated from other origins. */
export function canShareMemory(): boolean {
  return typeof SharedArrayBuffer !== "undefined";
}

/** Why there can be only one thread, as a part of a sentence; nothing if there can be more. */
export function whyOneThread(): string | undefined {
  if (!canShareMemory()) return "this page may not share memory: it is not cross-origin isolated";
  if (nodeProcess() === undefined && typeof Worker === "undefined") return "there are no workers here";
  return undefined;
}
