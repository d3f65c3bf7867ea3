/** Tells what a file is that was given as weights, so that a wrong one is named. */

import { LEGACY_MAGIC } from "./_legacy_torch.ts";
import { isTar } from "./_tar.ts";

/** What the first bytes of files are that people take for weights, and what to do about it. */
const KINDS: readonly (readonly [bytes: readonly number[], what: string])[] = [
  [[0x1f, 0x8b], "is compressed by gzip; unpack it first"],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], "is compressed by xz; unpack it first"],
  [[0x28, 0xb5, 0x2f, 0xfd], "is compressed by zstd; unpack it first"],
  [[0x89, 0x48, 0x44, 0x46], "is an HDF5 file, as Keras writes them; convert it to safetensors"],
  [[0x93, 0x4e, 0x55, 0x4d], "is a NumPy array; save the tensors with their names, as safetensors"],
  [[0x47, 0x47, 0x55, 0x46], "is a GGUF file, which holds language models"],
];

/** What the text of such files begins with. */
const TEXTS: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/^version https:\/\/git-lfs/, "is a Git LFS pointer and not the file itself; fetch that with git lfs pull"],
  [/^\s*<(!doctype|html|head|\?xml)/i, "is an HTML page; was the download an error page?"],
  [/^\s*[{[]/, "is JSON text; expected the file with the tensors, or the index of several that ends in .index.json"],
];

/** A kind of file that can be read, or what else it is. */
export type FileKind = { readonly kind: "safetensors" | "torch" } | { readonly kind: "other"; readonly what: string };

/** Recognises a file. What is nothing else is taken for a damaged safetensors file. */
export function fileKind(bytes: Uint8Array): FileKind {
  if (bytes.length === 0) return { kind: "other", what: "is empty; was the download cut short?" };
  const starts = (magic: readonly number[]) => magic.every((byte, k) => bytes[k] === byte);
  // Eight bytes of a length that fits, and a JSON object: no other format begins so.
  if (bytes.length > 8 && bytes[8] === 0x7b) {
    const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
    if (length <= BigInt(bytes.length - 8)) return { kind: "safetensors" };
  }
  if (starts([0x50, 0x4b, 3, 4]) || starts([0x50, 0x4b, 5, 6])) return { kind: "torch" };
  if (starts(LEGACY_MAGIC) || isTar(bytes)) return { kind: "torch" };
  if (bytes[0] === 0x80 && bytes[1] >= 2 && bytes[1] <= 5) {
    const what = "is a pickle, but not one of torch.save; if you trust it, load it in Python and save its tensors: " +
      "torch.save(model.state_dict(), FILE)";
    return { kind: "other", what };
  }
  const text = new TextDecoder().decode(bytes.subarray(0, 200));
  const what = KINDS.find(([magic]) => starts(magic))?.[1] ?? TEXTS.find(([pattern]) => pattern.test(text))?.[1];
  return what === undefined ? { kind: "safetensors" } : { kind: "other", what };
}
