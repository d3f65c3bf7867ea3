/** What the readers of weight files share: limits, messages, and the names of tensors. */

/** PyTorch allows no more dimensions. */
export const MOST_DIMENSIONS = 64;

/** Throws, given what is wrong with a file. */
export type Fail = (what: string) => never;

const LONGEST = 80;

/** Text from a file as a message may show it: of bounded length, without control characters. */
export function showText(text: string): string {
  const cut = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  // deno-lint-ignore no-control-regex
  return cut.replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, "\ufffd");
}

/**
 * Whether a tensor is PyTorch's count of the batches that a batch norm has seen. Its running statistics follow with a fixed
 * momentum, so nothing needs the count; PyTorch itself starts it at 0 where a file lacks it.
 */
export function isBatchCount(name: string): boolean {
  return name === "num_batches_tracked" || name.endsWith(".num_batches_tracked");
}

/** What wrappers put before every name: `DataParallel`, and `torch.compile`. */
const WRAPPERS = ["module.", "_orig_mod."];

/** The tensors under the names that the network itself gives them: without what wrappers put before all of them. */
export function unwrapNames<T>(tensors: Map<string, T>): Map<string, T> {
  // Once a wrapper is enough, in either order; a file could hold any number.
  for (const prefix of [...WRAPPERS, ...WRAPPERS.slice(0, 1)]) {
    if (tensors.size === 0 || ![...tensors.keys()].every((name) => name.startsWith(prefix))) continue;
    tensors = new Map([...tensors].map(([name, tensor]) => [name.slice(prefix.length), tensor]));
  }
  return tensors;
}
