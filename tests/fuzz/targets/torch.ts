/** Weight files of PyTorch: the archive of today, its pickle under right checksums, and the formats before 1.6. */

import { decodeCheckpoint } from "../../../weights/mod.ts";
import { LEGACY_MAGIC } from "../../../weights/_legacy_torch.ts";
import { concat } from "../../_bytes.ts";
import { type Code, code, pickle, tensorCode, torchFile } from "../../_torch_file.ts";
import type { FuzzTarget } from "../_target.ts";
import { checkTensors, LONGEST, weightMemory } from "./weights.ts";

const { call, dictionary, global, integer, list, none, orderedDictionary, text, tuple } = code;

const VIEWS = { shape: [2, 3], strides: [1, 2], elements: 6 };
const STORAGES = { "data/0": new Uint8Array(24), "data/1": new Uint8Array(12) };
const STATE = dictionary({
  a: tensorCode(VIEWS),
  b: tensorCode({ type: "HalfStorage", key: "1", elements: 6, shape: [], strides: [] }),
});
const WRAPPED = dictionary({ "module.a": tensorCode(VIEWS) });

/** Checkpoints of scripts, with objects that are none of PyTorch's, a loop, and views. */
const PICKLES = [
  STATE,
  dictionary({ epoch: integer(3), state_dict: STATE, list: list(text("x"), none, orderedDictionary()) }),
  [
    ...orderedDictionary(),
    ...[0x71, 1, 0x28],
    ...text("w"),
    ...tensorCode(VIEWS),
    ...[0x75, 0x7d],
    ...text("_metadata"),
    ...[0x68, 1, 0x73, 0x62],
  ],
  dictionary({ args: call(global("argparse", "Namespace"), text("x")), list: list(integer(3)), model: WRAPPED }),
  dictionary({ history: call(global("collections", "defaultdict"), global("builtins", "list")), ema: WRAPPED }),
  dictionary({ at: [...global("datetime", "datetime"), 0x43, 2, 7, 7, 0x85, 0x81], net: WRAPPED, other: [0x8f] }),
].map(pickle);

function int64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, BigInt(value), true);
  return bytes;
}

const TRUE: Code = [0x88];
const MACHINE = dictionary({ protocol_version: integer(1001), little_endian: TRUE });

/** A file before PyTorch 1.6. */
function legacyFile(value: Code): Uint8Array {
  const keys = pickle(list(text("0"), text("1")));
  const storages = concat(int64(6), new Uint8Array(24), int64(6), new Uint8Array(12));
  return concat(LEGACY_MAGIC, pickle(integer(1001)), pickle(MACHINE), pickle(value), keys, storages);
}

/** A tar archive of files. */
function tarFile(files: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const parts: Uint8Array[] = [], latin1 = (value: string) => Uint8Array.from(value, (one) => one.charCodeAt(0));
  for (const [name, content] of Object.entries(files)) {
    const header = new Uint8Array(512);
    header.set(latin1(name));
    header.set(latin1(content.length.toString(8).padStart(11, "0")), 124);
    header.fill(0x20, 148, 156);
    header.set(latin1("0"), 156);
    header.set(latin1("ustar\x0000"), 257);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.set(latin1(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
    parts.push(header, content, new Uint8Array(-content.length & 511));
  }
  return concat(...parts, new Uint8Array(1024));
}

/** What the parts of such an archive are: two storages and a view of one, two tensors by their numbers, the value. */
function oldParts(): Record<string, Uint8Array> {
  const float = global("torch", "FloatStorage"), number = (value: number): Code => [0x4b, value];
  const persistent = (key: string): Code => [...text(key), 0x51];
  const storage = (key: number) => concat(pickle(tuple(number(key), text("cpu"), float)), int64(6), new Uint8Array(24));
  const tensor = (key: number, storage: number) =>
    concat(
      pickle(tuple(number(key), number(storage), global("torch", "FloatTensor"))),
      Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0),
      ...[2, 1, 1, 2, 1].map(int64),
    );
  return {
    sys_info: pickle(MACHINE),
    pickle: pickle(dictionary({ a: persistent("3"), b: persistent("4") })),
    tensors: concat(pickle(number(2)), tensor(3, 0), tensor(4, 2)),
    storages: concat(
      pickle(number(2)),
      storage(0),
      storage(1),
      pickle(list(tuple(number(2), number(1), number(1), number(4)))),
    ),
  };
}

const common = {
  form: "bytes",
  words: [
    "storage",
    "FloatStorage",
    "torch._utils\n_rebuild_tensor_v2\n",
    "state_dict",
    "ustar",
    "path=",
    "PK\x03\x04",
  ],
  check: checkTensors,
  memory: weightMemory,
  longest: LONGEST,
} as const;

const decode = (input: Uint8Array) => decodeCheckpoint(input, "mutated");

/** The readers. */
export const TARGETS: readonly FuzzTarget[] = [
  {
    name: "torch-zip",
    about: "torch.save's archives",
    seeds: () => PICKLES.slice(0, 2).map((value) => torchFile(value, STORAGES)),
    run: decode,
    ...common,
  },
  {
    ...common,
    name: "torch-pickle",
    about: "pickles in torch.save's archives, under right checksums",
    seeds: () => PICKLES,
    run: (input) => decode(torchFile(input, STORAGES)),
    memory: (bytes) => weightMemory(bytes + 2000),
  },
  {
    name: "torch-legacy",
    about: "torch.save's files before 1.6",
    seeds: () => [legacyFile(STATE)],
    run: decode,
    ...common,
  },
  {
    name: "torch-tar",
    about: "torch.save's tar archives before 0.1.2",
    seeds: () => [tarFile(oldParts())],
    run: decode,
    ...common,
  },
  ...["pickle", "tensors", "storages"].map((part): FuzzTarget => ({
    ...common,
    name: `torch-tar-${part}`,
    about: `the part ${part} of such an archive`,
    seeds: () => [oldParts()[part]],
    run: (input) => decode(tarFile({ ...oldParts(), [part]: input })),
    memory: (bytes) => weightMemory(bytes + 8000),
  })),
];
