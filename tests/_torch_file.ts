/** Makes files like those of `torch.save`, right ones and hostile ones, without PyTorch. */

import { concat } from "./_bytes.ts";

/** Bytes of a pickle: opcodes and what follows them. */
export type Code = readonly number[];

const utf8 = new TextEncoder();

function little(value: number | bigint, count: number): number[] {
  return Array.from({ length: count }, (_, k) => Number(BigInt(value) >> BigInt(8 * k) & 255n));
}

/** The opcodes that the cases use. */
export const code = {
  text: (text: string): Code => [0x58, ...little(utf8.encode(text).length, 4), ...utf8.encode(text)],
  integer: (value: number | bigint): Code => [0x8a, 8, ...little(value, 8)],
  tuple: (...items: readonly Code[]): Code => [0x28, ...items.flat(), 0x74],
  list: (...items: readonly Code[]): Code => [0x5d, 0x28, ...items.flat(), 0x65],
  global: (module: string, name: string): Code => [0x63, ...utf8.encode(`${module}\n${name}\n`)],
  call: (callable: Code, ...items: readonly Code[]): Code => [...callable, ...code.tuple(...items), 0x52],
  dictionary: (entries: Readonly<Record<string, Code>>): Code => [
    0x7d,
    0x28,
    ...Object.entries(entries).flatMap(([name, value]) => [...code.text(name), ...value]),
    0x75,
  ],
  orderedDictionary: (): Code => code.call(code.global("collections", "OrderedDict")),
  none: [0x4e] as Code,
};

/** What a tensor of a pickle says of itself. */
export interface TensorCode {
  readonly type?: string;
  readonly key?: string;
  readonly elements?: number;
  readonly offset?: number;
  readonly shape?: readonly number[];
  readonly strides?: readonly number[];
}

/** A tensor: two floats in the storage 0 unless told otherwise. */
export function tensorCode(tensor: TensorCode = {}): Code {
  const { type = "FloatStorage", key = "0", elements = 2, offset = 0, shape = [2], strides = [1] } = tensor;
  const { text, integer, tuple } = code;
  const storage = tuple(text("storage"), code.global("torch", type), text(key), text("cpu"), integer(elements));
  return code.call(
    code.global("torch._utils", "_rebuild_tensor_v2"),
    [...storage, 0x51],
    integer(offset),
    tuple(...shape.map(integer)),
    tuple(...strides.map(integer)),
    [0x89],
    code.orderedDictionary(),
  );
}

/** A whole pickle. */
export function pickle(value: Code): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([0x80, 2, ...value, 0x2e]);
}

/** An archive as PyTorch makes it: the pickle of a value, and its storages; two floats, 1 and 2, unless given. */
export function torchFile(
  value: Code | Uint8Array,
  more: Readonly<Record<string, Uint8Array>> = { "data/0": new Uint8Array(Float32Array.of(1, 2).buffer) },
): Uint8Array<ArrayBuffer> {
  const entries = {
    "data.pkl": value instanceof Uint8Array ? value : pickle(value),
    ...more,
    version: utf8.encode("3\n"),
  };
  return storedZip(Object.entries(entries).map(([name, content]) => [`archive/${name}`, content]));
}

/** The checksum of zip, bit by bit. */
export function checksum(bytes: Uint8Array): number {
  let rest = -1;
  for (const byte of bytes) {
    rest ^= byte;
    for (let bit = 0; bit < 8; bit++) rest = rest >>> 1 ^ (rest & 1 ? 0xedb88320 : 0);
  }
  return ~rest >>> 0;
}

/** A zip archive of stored entries. */
export function storedZip(entries: readonly (readonly [string, Uint8Array])[]): Uint8Array<ArrayBuffer> {
  const files: Uint8Array[] = [], directory: Uint8Array[] = [];
  let at = 0;
  for (const [name, content] of entries) {
    const title = utf8.encode(name), size = little(content.length, 4);
    // Versions, flags and method; time and date; checksum and both sizes; the lengths of name and extra field.
    const shared = [
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      ...little(checksum(content), 4),
      ...size,
      ...size,
      ...little(title.length, 2),
      0,
      0,
    ];
    const local = concat([0x50, 0x4b, 3, 4, 0, 0, ...shared], title, content);
    directory.push(concat([0x50, 0x4b, 1, 2, 0, 0, 0, 0, ...shared, ...Array(10).fill(0), ...little(at, 4)], title));
    files.push(local);
    at += local.length;
  }
  const list = concat(...directory), count = little(entries.length, 2);
  const end = [0x50, 0x4b, 5, 6, 0, 0, 0, 0, ...count, ...count, ...little(list.length, 4), ...little(at, 4), 0, 0];
  return concat(...files, list, end);
}
