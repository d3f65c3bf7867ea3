/** Mutated weight files: each is read, or refused by a DataError, at once and in little memory. The mutations follow a seed. */

import { assert } from "@std/assert";
import { DataError, Random } from "../core/mod.ts";
import { decodeCheckpoint, encodeSafetensors } from "../weights/mod.ts";
import { concat } from "./_bytes.ts";
import { code, pickle, tensorCode, torchFile } from "./_torch_file.ts";

const CASES = 4000;
/** A file of some kilobytes takes less than a millisecond; the rest is for a busy machine. */
const MILLISECONDS = 1000;

/** Lengths, counts and offsets that readers stumble over, little-endian. */
const NUMBERS: readonly (readonly number[])[] = [
  [0, 0, 0, 0],
  [255, 255, 255, 255],
  [255, 255, 255, 127],
  [0, 0, 0, 128],
  [255, 255, 255, 255, 255, 255, 255, 255],
  [255, 255, 255, 255, 255, 255, 31, 0],
  [0, 0, 0, 64],
];

/** Changes a file in one or two places: flips bits, cuts, repeats, removes and inserts pieces, inserts pieces of another. */
function mutate(bytes: Uint8Array, other: Uint8Array, random: Random): Uint8Array<ArrayBuffer> {
  let changed = bytes.slice();
  for (let change = random.integer(2); change >= 0; change--) {
    const at = random.integer(changed.length + 1), rest = changed.length - at;
    const piece = changed.subarray(at, at + 1 + random.integer(24));
    switch (random.integer(7)) {
      case 0:
        if (rest > 0) changed[at] ^= 1 << random.integer(8);
        break;
      case 1:
        if (rest > 0) changed[at] = random.integer(256);
        break;
      case 2:
        changed.set(NUMBERS[random.integer(NUMBERS.length)].slice(0, rest), at);
        break;
      case 3:
        changed = concat(changed.subarray(0, at), NUMBERS[random.integer(NUMBERS.length)], changed.subarray(at));
        break;
      case 4:
        if (random.integer(4) === 0) changed = changed.slice(0, at);
        else changed = concat(changed.subarray(0, at), changed.subarray(at + piece.length));
        break;
      case 5: {
        const to = random.integer(changed.length + 1);
        changed = concat(changed.subarray(0, to), piece, changed.subarray(to));
        break;
      }
      default: {
        const from = random.integer(other.length), taken = other.subarray(from, from + 1 + random.integer(60));
        changed = concat(changed.subarray(0, at), taken, changed.subarray(at));
      }
    }
  }
  return changed;
}

/** Runs a function and counts the bytes of the arrays of floats that it makes. */
function bytesMade(run: () => void): number {
  const Original = globalThis.Float32Array;
  let total = 0;
  globalThis.Float32Array = new Proxy(Original, {
    construct(target, [first, ...rest]) {
      total += typeof first === "number" ? 4 * first : first.byteLength;
      return Reflect.construct(target, [first, ...rest]);
    },
  });
  try {
    run();
  } finally {
    globalThis.Float32Array = Original;
  }
  return total;
}

/** How the files of a kind fared. */
function fuzz(name: string, make: (random: Random) => Uint8Array): void {
  const random = new Random(11, `fuzz ${name}`);
  let read = 0;
  for (let k = 0; k < CASES; k++) {
    const bytes = make(random), started = performance.now();
    const made = bytesMade(() => {
      try {
        decodeCheckpoint(bytes, "mutated");
        read++;
      } catch (error) {
        assert(error instanceof DataError, `${name}, case ${k}: ${error instanceof Error ? error.stack : error}`);
        assert(error.message.length < 500, error.message);
      }
    });
    const milliseconds = performance.now() - started;
    assert(milliseconds < MILLISECONDS, `${name}, case ${k}: ${milliseconds} ms`);
    assert(made <= 4 * bytes.length, `${name}, case ${k}: ${made} bytes from ${bytes.length}`);
  }
  // Mutations that all were refused at the first check would have tried nothing behind it.
  assert(read > CASES / 100 && read < CASES * 0.9, `${name}: ${read} of ${CASES} were read`);
}

const golden = (name: string) => Deno.readFileSync(new URL(`./golden/weights/${name}`, import.meta.url));

/** The file under whose metadata no checksums are found. */
function unchecked(file: Uint8Array): Uint8Array {
  const text = Array.from(file, (byte) => String.fromCharCode(byte)).join("");
  return Uint8Array.from(
    text.replace("residua.checksums", "another.checksums"),
    (character) => character.charCodeAt(0),
  );
}

const CHECKED = encodeSafetensors(
  new Map([
    ["conv1.weight", { shape: [2, 1, 1, 3], data: Float32Array.from([1, -2, 3.5, 0, 5, 6]) }],
    ["labels", { shape: [2], data: Uint32Array.from([7, 4000000000]) }],
    ["scalar", { shape: [], data: Float32Array.of(0.25) }],
  ]),
  { residua: '{"model":{"name":"resnet20"},"classes":["a"],"normalisation":{"mean":[0,0,0],"std":[1,1,1]}}' },
);

/** A file under checksums, which refuse most mutations, and files without them. */
const SAFETENSORS = [
  CHECKED,
  unchecked(CHECKED),
  concat(
    [128, 0, 0, 0, 0, 0, 0, 0],
    new TextEncoder().encode(
      '{"h":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"i":{"dtype":"I64","shape":[1],"data_offsets":[4,12]}}'
        .padEnd(128),
    ),
    [0, 60, 0, 124, 3, 0, 0, 0, 0, 0, 0, 0],
  ),
];

Deno.test("decodeCheckpoint() survives mutated safetensors files", () => {
  fuzz("safetensors", (random) => mutate(SAFETENSORS[random.integer(3)], CHECKED, random));
});

Deno.test("decodeCheckpoint() survives mutated archives of PyTorch", () => {
  const files = ["views.pth", "types.pth", "nested.pth", "protocol4.pth"].map(golden);
  fuzz("archives", (random) => {
    const bytes = mutate(files[random.integer(4)], files[0], random);
    // Most of an archive is padding, and most of the rest is under a checksum: the directory is what is left to try.
    if (random.integer(2) === 0) return bytes;
    const copy = files[random.integer(4)].slice(), directory = copy.length - 1 - random.integer(600);
    for (let k = random.integer(3); k >= 0; k--) {
      copy[Math.min(copy.length - 1, directory + k)] ^= 1 << random.integer(8);
    }
    return copy;
  });
});

Deno.test("decodeCheckpoint() survives archives of mutated pickles under right checksums", () => {
  const { dictionary, integer, list, orderedDictionary, text, none } = code;
  const views = { shape: [2, 3], strides: [1, 2], elements: 6 },
    data = { "data/0": new Uint8Array(24), "data/1": new Uint8Array(12) };
  const state = dictionary({
    a: tensorCode(views),
    b: tensorCode({ type: "HalfStorage", key: "1", elements: 6, shape: [], strides: [] }),
  });
  const pickles = [
    pickle(state),
    pickle(dictionary({ epoch: integer(3), state_dict: state, list: list(text("x"), none, orderedDictionary()) })),
    pickle([
      ...orderedDictionary(),
      0x71,
      1,
      0x28,
      ...text("w"),
      ...tensorCode(views),
      0x75,
      0x7d,
      ...text("_metadata"),
      0x68,
      1,
      0x73,
      0x62,
    ]),
  ];
  fuzz("pickles", (random) => torchFile(mutate(pickles[random.integer(3)], pickles[1], random), data));
});

Deno.test("decodeCheckpoint() survives mutated checkpoints of scripts, and files of PyTorch before 1.6", () => {
  const files = ["legacy_views.pth", "legacy_parameters.pth"].map((name) => golden(`foreign/${name}`));
  fuzz("before 1.6", (random) => mutate(files[random.integer(2)], files[0], random));
  const { call, dictionary, global, integer, list, text } = code, data = { "data/0": new Uint8Array(24) };
  const state = dictionary({ "module.a": tensorCode({ shape: [2, 3], strides: [1, 2], elements: 6 }) });
  const scripts = [
    dictionary({ args: call(global("argparse", "Namespace"), text("x")), list: list(integer(3)), model: state }),
    dictionary({ history: call(global("collections", "defaultdict"), global("builtins", "list")), ema: state }),
    dictionary({ at: [...global("datetime", "datetime"), 0x43, 2, 7, 7, 0x85, 0x81], net: state, other: [0x8f] }),
  ].map(pickle);
  fuzz("scripts", (random) => torchFile(mutate(scripts[random.integer(3)], scripts[1], random), data));
});
