/** Weight files: those that PyTorch wrote (`tools/golden_weights.py`), and hostile, damaged and mistaken ones. */

import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { DataError } from "../core/mod.ts";
import { decodeCheckpoint, decodeSafetensors, encodeCheckpoint, encodeSafetensors } from "../weights/mod.ts";
import { concat, find, patched } from "./_bytes.ts";
import { type Code, code, pickle, storedZip, tensorCode, torchFile } from "./_torch_file.ts";
import expected from "./golden/weights/expected.json" with { type: "json" };

type Golden = Readonly<
  Record<string, { readonly shape: readonly number[]; readonly data: readonly (number | string)[] }>
>;

const folder = new URL("./golden/weights/", import.meta.url);
const utf8 = (text: string) => new TextEncoder().encode(text);

function golden(name: string): Uint8Array<ArrayBuffer> {
  return Deno.readFileSync(new URL(name, folder));
}

/** Expects a DataError of one line that names the file and says what is wrong. */
function refuses(bytes: Uint8Array, ...parts: readonly string[]): void {
  const { message } = assertThrows(() => decodeCheckpoint(bytes, "given.pth"), DataError);
  for (const part of ["given.pth", ...parts]) assertStringIncludes(message, part);
  assert(message.length < 400 && !message.includes("\n"), message);
}

for (const [name, tensors] of Object.entries(expected as unknown as Record<string, Golden>)) {
  Deno.test(`decodeCheckpoint() reads PyTorch's ${name}`, () => {
    const file = decodeCheckpoint(golden(name), name);
    assertEquals([...file.tensors.keys()], Object.keys(tensors));
    for (const [key, { shape, data }] of Object.entries(tensors)) {
      const actual = file.tensors.get(key)!;
      assertEquals(actual.shape, shape, key);
      // Object.is tells -0 from 0 and takes NaN for itself.
      const values = data.map((value) => ({ inf: Infinity, "-inf": -Infinity, nan: NaN }[value] ?? Number(value)));
      assert(actual.data.length === values.length && values.every((value, k) => Object.is(value, actual.data[k])), key);
    }
  });
}

Deno.test("decodeCheckpoint() refuses PyTorch's other files, says what they are, and executes nothing", async () => {
  refuses(
    golden("executing.pth"),
    "fc.weight is an object that io.open would make, which was not called",
    "state_dict()",
  );
  refuses(golden("executing.pkl"), "is a pickle, but not one of torch.save", "torch.save(model.state_dict()");
  const states = ["legacy.pth", "state_dict.pth"].map((name) => decodeCheckpoint(golden(name), name).tensors);
  assertEquals(states[0], states[1]);
  refuses(golden("script.pt"), "TorchScript archive", "torch.save(model.state_dict()");
  refuses(
    golden("whole_module.pth"),
    "an object that torch.nn.modules.linear.Linear would make",
    "torch.save(model.state_dict()",
  );
  refuses(golden("compressed.pth"), "data.pkl is compressed");
  refuses(golden("too_large_integer.pth"), "the tensor index holds the whole number 16777217");
  for (const place of [".", folder]) {
    for await (const { name } of Deno.readDir(place)) assert(name !== "executed", "the pickle was executed");
  }
});

Deno.test("decodeCheckpoint() says what a file is that holds no weights", () => {
  refuses(new Uint8Array(0), "is empty");
  refuses(utf8("<!DOCTYPE html>\n<html><body>404</body></html>"), "is an HTML page; was the download an error page?");
  refuses(utf8("\n\n<html>"), "is an HTML page");
  refuses(utf8("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"), "Git LFS pointer", "git lfs pull");
  refuses(utf8('{"metadata": {}, "weight_map": {}}'), "is JSON text");
  refuses(concat([0x1f, 0x8b, 8, 0], new Uint8Array(60)), "is compressed by gzip; unpack it first");
  refuses(concat([0x89], utf8("HDF\r\n\x1a\n"), new Uint8Array(60)), "is an HDF5 file");
  refuses(patched(new Uint8Array(1024), 257, utf8("ustar\x0000")), "its tar archive is damaged");
  refuses(storedZip([["word/document.xml", utf8("<xml/>")]]), "zip archive, but not one of PyTorch's");
  refuses(Uint8Array.from({ length: 100 }, (_, k) => k * 37), "damaged or no safetensors file");
});

Deno.test("decodeCheckpoint() reads what later versions of PyTorch add, and refuses big-endian numbers", () => {
  const floats = new Uint8Array(Float32Array.of(1, 2).buffer), value = code.dictionary({ "fc.bias": tensorCode() });
  const later = { byteorder: utf8("little"), ".format_version": utf8("1"), ".data/serialization_id": utf8("7") };
  const { tensors } = decodeCheckpoint(torchFile(value, { ...later, "data/0": floats }), "later.pth");
  assertEquals([...tensors], [["fc.bias", { shape: [2], data: Float32Array.of(1, 2) }]]);
  refuses(torchFile(value, { "data/0": floats, byteorder: utf8("big") }), 'byte order "big"', 'expected "little"');
});

Deno.test("decodeCheckpoint() takes away what wrappers put before all names, and only before all", () => {
  const read = (...names: string[]) => {
    const entries = Object.fromEntries(names.map((name) => [name, tensorCode()]));
    return [...decodeCheckpoint(torchFile(code.dictionary(entries)), "wrapped.pth").tensors.keys()];
  };
  assertEquals(read("module.fc.weight", "module.fc.bias"), ["fc.weight", "fc.bias"]);
  assertEquals(read("module.fc.weight", "fc.bias"), ["module.fc.weight", "fc.bias"]);
  assertEquals(read("_orig_mod.module.bn.weight", "_orig_mod.module.bn.num_batches_tracked"), ["bn.weight"]);
  assertEquals(read("module._orig_mod.bn.weight", "module._orig_mod.bn.bias"), ["bn.weight", "bn.bias"]);
  assertEquals(read("module.".repeat(100_000)), ["module.".repeat(99_992)]);
  assertEquals(read("__proto__", "constructor"), ["__proto__", "constructor"]);
});

const TWO = tensorCode(), STATE = code.dictionary({ "fc.bias": TWO }), FILE = torchFile(STATE);

Deno.test("hostile zip archives are refused", () => {
  const directory = find(FILE, [0x50, 0x4b, 1, 2]), data = find(FILE, utf8("archive/data/0"));
  const floats = new Uint8Array(8),
    archive: readonly (readonly [string, Uint8Array])[] = [
      ["archive/data.pkl", pickle(STATE)],
      ["archive/data/0", floats],
    ];
  for (let length = 4; length < FILE.length; length += 7) refuses(FILE.subarray(0, length), "cut short or added to");
  refuses(concat(FILE, [0]), "cut short or added to");
  refuses(patched(FILE, directory + 8, [1]), "contradicts the directory");
  refuses(patched(patched(FILE, directory + 8, [1]), 6, [1]), "data.pkl is encrypted");
  refuses(patched(patched(FILE, directory + 10, [8]), 8, [8]), "data.pkl is compressed");
  refuses(patched(FILE, directory + 10, [8]), "contradicts the directory");
  refuses(patched(FILE, directory + 20, [255, 255, 255, 255, 255, 255, 255, 255]), "4 GiB");
  refuses(patched(FILE, directory + 24, [1]), "two sizes");
  refuses(patched(FILE, directory + 42, [255, 255, 255, 127]), "outside the file");
  refuses(patched(FILE, data, utf8("archivE")), "contradicts the directory");
  refuses(patched(FILE, data + 14, [9]), "the checksum of its entry archive/data/0 is wrong");
  refuses(patched(FILE, FILE.length - 14, [2, 0, 2, 0]), "directory does not end where it should");
  refuses(patched(FILE, FILE.length - 14, [255, 255, 255, 255]), "65,534 entries");
  refuses(patched(FILE, FILE.length - 6, [1]), "does not lie where");
  refuses(storedZip([...archive, archive[1]]), "holds archive/data/0 twice");
  refuses(storedZip([...archive, ["other/data.pkl", pickle(STATE)]]), "2 entries named data.pkl");
  refuses(patched(FILE, find(FILE, utf8("archive/data/0"), directory) - 4, [0, 0, 0, 0]), "contradicts the directory");
  // An entry that spans the next one, whose header and checksum are right.
  const inner = storedZip([["archive/data/0", floats]]).subarray(0, 30 + 14 + 8);
  const nested = storedZip([["archive/data.pkl", pickle(STATE)], ["archive/data/1", inner], [
    "archive/data/0",
    floats,
  ]]);
  const place = find(nested, utf8("archive/data/0")) - 30, last = find(nested, utf8("archive/data/0"), place + 60);
  const listed = find(nested, utf8("archive/data/0"), last + 60) - 46;
  refuses(patched(nested, listed + 42, [place & 255, place >> 8, 0, 0]), "entries overlap");
});

Deno.test("zip records for large archives must agree with the others", () => {
  const bytes = golden("state_dict.pth"), large = find(bytes, [0x50, 0x4b, 6, 6]);
  for (const at of [4, 24, 32, 40, 48, 56 + 8]) {
    refuses(patched(bytes, large + at, [bytes[large + at] ^ 1]), "directory does not lie where the file's end says");
  }
});

Deno.test("hostile pickles are refused and not executed", () => {
  const { text, integer, tuple, global, call, dictionary, none } = code;
  const refusesPickle = (value: Code, ...parts: string[]) =>
    refuses(torchFile(dictionary({ "fc.bias": value })), ...parts);
  const calls = (module: string, name: string) => {
    const what =
      `holds no tensors: its entry fc.bias is an object that ${module}.${name} would make, which was not called`;
    refusesPickle(call(global(module, name), text("touch executed")), what);
    refusesPickle([...text(module), ...text(name), 0x93, ...tuple(), 0x52], what);
    refusesPickle([...global(module, name), ...tuple(), 0x81], what);
    refusesPickle([...global(module, name), ...tuple(), 0x7d, 0x92], what);
  };
  calls("os", "system");
  calls("posix", "system");
  calls("builtins", "eval");
  calls("builtins", "getattr");
  calls("torch.storage", "_load_from_bytes");
  calls("torch", "ComplexFloatStorage");
  calls("__proto__", "constructor");
  calls("torch.FloatStorage", "__init__");
  calls("numpy.core.multiarray", "scalar");
  calls("argparse", "Namespace");
  refusesPickle([...global("os", "system\u001b[2J")], "its entry fc.bias is a global");
  refusesPickle([0x63, ...utf8("x".repeat(5000))], "a name without an end");
  refusesPickle(call(global("collections", "OrderedDict"), tuple(text("a"))), "with other arguments than torch.save");
  refusesPickle(call(global("torch", "FloatStorage"), integer(9)), "an object that torch.FloatStorage would make");
  refusesPickle(call(text("eval"), text("1")), "calls something else than a function");
  refusesPickle(
    [...tuple(text("storage"), text("FloatStorage"), text("0"), text("cpu"), integer(2)), 0x51],
    "in a way",
  );
  refusesPickle([...TWO, ...dictionary({}), 0x62], "sets attributes of something else");
  refusesPickle(call(global("os", "system\u001b[2J")), "that os.system\ufffd[2J would make");
  for (const opcode of [0x69, 0x6f, 0x50, 0x53, 0x49, 0x82, 0x97, 0x00, 0xff]) {
    refusesPickle([opcode], `has the opcode 0x${opcode.toString(16).padStart(2, "0")}`);
  }
  refusesPickle([0x58, 255, 255, 255, 255], "ends in the middle of a value");
  refusesPickle([0x8d, 255, 255, 255, 255, 255, 255, 255, 127], "ends in the middle of a value");
  refusesPickle([0x8a, 255, ...Array(255).fill(1)], "a whole number of 255 bytes");
  refusesPickle([0x8c, 2, 0xc3, 0x28], "not UTF-8");
  refusesPickle([0x68, 9], "recalls a value that it has not remembered");
  refusesPickle([0x6a, 255, 255, 255, 255], "recalls a value that it has not remembered");
  refusesPickle([0x74, 0x74, 0x74], "a mark that is not there");
  refusesPickle([0x80, 9], "is of protocol 9");
  refuses(torchFile(Uint8Array.of(0x80, 2)), "ends in the middle of a value");
  refuses(torchFile(Uint8Array.of(0x80, 2, 0x2e)), "takes a value that is not there");
  refuses(torchFile(Uint8Array.of(0x80, 2, 0x4e, 0x4e, 0x2e)), "values left over");
  refuses(torchFile(new Uint8Array(0)), "ends in the middle of a value");
  refuses(torchFile([...dictionary({}), 0x28, ...TWO, ...none, 0x75]), "it holds no tensors: it is empty");
  refuses(torchFile([...dictionary({}), 0x28, ...text("a"), 0x75]), "a key without a value");
  refuses(torchFile(none), "it holds None, expected a state_dict");
  refuses(torchFile(TWO), "it holds a tensor, expected a state_dict");
  refuses(torchFile(dictionary({ epoch: integer(3), "fc.bias": TWO })), "the entry epoch is a number", "state_dict()");
});

Deno.test("pickles that contain themselves, or would fill the memory, end quickly", () => {
  const started = performance.now(), { dictionary, none, text } = code;
  // d = {}; d["state_dict"] = d; and a list of lists of itself.
  refuses(torchFile([0x7d, 0x71, 0, ...text("state_dict"), 0x68, 0, 0x73]), "its entry state_dict is a dictionary");
  refuses(torchFile(dictionary({ a: [0x5d, 0x71, 0, 0x68, 0, 0x61] })), "its entry a is a list");
  // Each list holds the one before twice: 2^1000 leaves if one visited them.
  const doubling = Array.from({ length: 1000 }, () => [0x71, 0, 0x68, 0, 0x86]).flat();
  refuses(torchFile(dictionary({ a: [...none, ...doubling] })), "its entry a is a list");
  refuses(torchFile(Uint8Array.from([0x80, 2, ...Array(250_000).fill(0x7d), 0x2e])), "more than 200000 lists");
  refuses(torchFile(Uint8Array.from([0x80, 2, ...Array(250_000).fill(0x28), 0x2e])), "a value that is not there");
  refuses(torchFile(Uint8Array.from([0x80, 2, 0x4e, ...Array(250_000).fill(0x85), 0x2e])), "more than 200000 lists");
  refuses(torchFile(Uint8Array.from([0x80, 4, 0x4e, ...Array(250_000).fill(0x94), 0x2e])), "more than 200000 values");
  refuses(torchFile(new Uint8Array(2 ** 24 + 1)), "its pickle takes 16777217 bytes");
  // Visiting every leaf would take longer than the universe has; a busy machine takes a while for the rest.
  assert(performance.now() - started < 60_000);
});

Deno.test("tensors that do not fit their storages are refused", () => {
  const refusesTensor = (tensor: Parameters<typeof tensorCode>[0], ...parts: string[]) =>
    refuses(torchFile(code.dictionary({ "fc.bias": tensorCode(tensor) })), ...parts);
  refusesTensor({ shape: [3] }, "fc.bias of shape [3] reaches element 2 of a storage of 2");
  refusesTensor({ offset: 1 }, "reaches element 2");
  refusesTensor({ strides: [2] }, "reaches element 2");
  refusesTensor({ elements: 3 }, "of 8 bytes, expected 3 elements of 4");
  refusesTensor({ type: "DoubleStorage" }, "of 8 bytes, expected 2 elements of 8");
  refusesTensor({ key: "7" }, "archive/data/7, which the archive lacks");
  refusesTensor({ key: "../data.pkl" }, "archive/data/../data.pkl, which the archive lacks");
  refusesTensor({ strides: [-1] }, "offset, shape or strides");
  refusesTensor({ offset: -1 }, "offset, shape or strides");
  refusesTensor({ shape: [-2] }, "offset, shape or strides");
  refusesTensor({ shape: [2 ** 62] }, "offset, shape or strides");
  refusesTensor({ strides: [1, 1] }, "another number of strides");
  refusesTensor({ shape: Array(65).fill(1), strides: Array(65).fill(1) }, "offset, shape or strides");
  refusesTensor({ shape: Array(64).fill(2 ** 52), strides: Array(64).fill(0) }, "too large for a file of");
  refusesTensor({ shape: [2 ** 30], strides: [0] }, "too large for a file of");
  refusesTensor({ shape: [2, 2], strides: [2 ** 52, 2 ** 52] }, "reaches element");
  // A tuple that is appended to after it was checked.
  const growing = [...code.tuple(code.integer(2)), 0x71, 9, ...code.integer(5), 0x61];
  refuses(torchFile(code.dictionary({ a: growing })), "appends to something else than a list");
  // Many tensors that each take the whole storage add up.
  const many = Object.fromEntries(
    Array.from({ length: 300 }, (_, k) => [`${k}`, tensorCode({ elements: 2000, shape: [2000] })]),
  );
  refuses(torchFile(code.dictionary(many), { "data/0": new Uint8Array(8000) }), "too large for a file of");
});

Deno.test("hostile safetensors files are refused", () => {
  const file = (header: string, body = 8) => {
    const text = utf8(header);
    return concat(
      [text.length & 255, text.length >> 8 & 255, text.length >> 16, 0, 0, 0, 0, 0],
      text,
      new Uint8Array(body),
    );
  };
  const entry = (from: number, to: number, shape: string = `[${(to - from) / 4}]`, dtype = "F32") =>
    `{"dtype":"${dtype}","shape":${shape},"data_offsets":[${from},${to}]}`;
  const refusesHeader = (header: string, ...parts: string[]) => refuses(file(header), ...parts);
  assertEquals(decodeSafetensors(file(`{"a:\\"b{":${entry(0, 8)}}`), "right").tensors.get('a:"b{')?.shape, [2]);
  assertEquals([...decodeSafetensors(file(`{"__proto__":${entry(0, 8)}}`), "right").tensors.keys()], ["__proto__"]);
  refuses(concat([255, 255, 255, 255, 255, 255, 255, 255], utf8("{}")), "should take 18446744073709552000 bytes");
  refuses(patched(file(`{"a":${entry(0, 8)}}`), 0, [200]), "should take 200 bytes");
  refusesHeader(`{"a":${entry(0, 8)},"a":${entry(0, 8)}}`, "some name comes twice");
  refusesHeader(`{"a":${entry(0, 8)},"\\u0061":${entry(0, 8)}}`, "some name comes twice");
  refusesHeader(`{"a":{"dtype":"F16",${entry(0, 8).slice(1)}}`, "some name comes twice");
  refusesHeader(`{"__metadata__":{"a":"1","a":"2"},"a":${entry(0, 8)}}`, "some name comes twice");
  refusesHeader(`{"a":${entry(0, 8)},"b":${entry(4, 8)}}`, "overlap at byte 4");
  refusesHeader(`{"a":${entry(0, 4)}}`, "end at byte 4 of 8");
  refusesHeader(`{"a":${entry(4, 8)}}`, "a gap at byte 4");
  refusesHeader(`{"a":${entry(0, 16)}}`, "take 16 bytes but 8 are there, so it was cut short");
  refusesHeader(`{"a":${entry(8, 0, "[2]")}}`, "malformed");
  refusesHeader(`{"a":${entry(0, 8, "[4294967296,4294967296,4294967296]")}}`, "takes 8 bytes");
  refusesHeader(`{"a":${entry(0, 8, `[${Array(64).fill(9007199254740991).join()}]`)}}`, "takes 8 bytes");
  refusesHeader(`{"a":${entry(0, 8, `[${Array(64).fill(9007199254740991).join()},0]`)}}`, "malformed");
  refusesHeader(`{"a":${entry(0, 8, "[-2]")}}`, "malformed");
  refusesHeader(`{"a":${entry(0, 8, "[2.5]")}}`, "malformed");
  refusesHeader(`{"a":${entry(0, 8, '"2"')}}`, "malformed");
  refusesHeader('{"a":null}', "malformed");
  refusesHeader('{"a":[]}', "malformed");
  refusesHeader(`{"a":${entry(0, 8, "[2]", "constructor")}}`, "is of type constructor, expected one of F64, F32");
  refusesHeader(`{"a":${entry(0, 8, "[8]", "F8_E4M3")}}`, "is of type F8_E4M3");
  refusesHeader(`{"${"n".repeat(5000)}":null}`, "n…");
  refusesHeader(`{"__metadata__":{"a":3},"a":${entry(0, 8)}}`, "metadata is not text");
  refuses(file("[".repeat(200_000)), "damaged or no safetensors file");
  refuses(file(`{"a":${"[".repeat(20_000)}${"]".repeat(20_000)}}`), "its header is nested in 20001 levels");
});

Deno.test("decodeCheckpoint() refuses descriptions of models that make no sense", () => {
  const info = { model: { name: "resnet20" }, classes: ["a"], normalisation: { mean: [0, 0, 0], std: [1, 1, 1] } };
  const tensors = new Map([["a", { shape: [1], data: Float32Array.of(3) }]]);
  const file = (text: string) => encodeSafetensors(tensors, { residua: text });
  assertEquals(decodeCheckpoint(encodeCheckpoint(tensors, info), "right").info, info);
  const wrong: readonly unknown[] = [
    null,
    [],
    { ...info, model: null },
    { ...info, model: { name: 3 } },
    { ...info, model: { name: "resnet20", classes: "10" } },
    { ...info, model: { name: "resnet20", inputShape: [3] } },
    { ...info, classes: [1] },
    { ...info, normalisation: { mean: "000", std: [1, 1, 1] } },
    { ...info, normalisation: { mean: [0], std: [1] } },
    { ...info, normalisation: { mean: [0, 0, 0], std: [1] } },
    { ...info, model: { name: "resnet20", inputShape: [3, -1, 1.5] } },
    { ...info, progress: 3 },
  ];
  for (const value of wrong) refuses(file(JSON.stringify(value)), "makes no sense");
  refuses(file("{"), "makes no sense");
});
