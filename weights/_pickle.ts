/**
 * A reader of the pickles that `torch.save` writes for dictionaries of tensors, protocols 2 to 5. A pickle is a program; this
 * reader runs none of it. It knows the opcodes that build plain values, and the few Python objects that a `state_dict` is
 * made of, which it turns into descriptions. Any other object becomes a placeholder that has a name and no content.
 */

import {
  isCount,
  isDictionary,
  isExtents,
  isKind,
  isList,
  isOpaque,
  isTensor,
  type OpaqueObject,
  type PickleValue,
  type StorageReference,
  type TensorReference,
} from "./_pickle_values.ts";
import type { Fail } from "./_reading.ts";

const STORAGES = ["Double", "Float", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool"]
  .map((type) => `torch.${type}Storage`);
const ORDERED = "collections.OrderedDict", TENSOR = "torch._utils._rebuild_tensor_v2";
const PARAMETER = "torch._utils._rebuild_parameter", DEFAULT = "collections.defaultdict";
/** Before PyTorch 0.4: without the hooks of gradients. */
const OLD_TENSOR = "torch._utils._rebuild_tensor";

/** A `state_dict` takes some 150 bytes a tensor, and a few lists and dictionaries each. */
const MOST_BYTES = 2 ** 24, MOST_OBJECTS = 200_000;
/** A checkpoint may have a history of its losses. */
const MOST_VALUES = 4_000_000;
const LONGEST_NAME = 200, LONGEST_INTEGER = 16;
const NOTHING: readonly PickleValue[] = Object.freeze([]);

/**
 * Reads a pickle.
 *
 * @param bytes The whole pickle.
 * @param fail Throws, given what is wrong with the pickle.
 */
export function readPickle(bytes: Uint8Array, fail: Fail): PickleValue {
  if (bytes.length > MOST_BYTES) fail(`takes ${bytes.length} bytes, far more than the names of any network's tensors`);
  return readFirstPickle(bytes, fail).value;
}

/** Reads the pickle that bytes begin with, and tells where it ends. */
export function readFirstPickle(bytes: Uint8Array, fail: Fail): { readonly value: PickleValue; readonly end: number } {
  return new PickleReader(bytes.subarray(0, MOST_BYTES), fail).read();
}

class PickleReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #fail: Fail;
  readonly #stack: PickleValue[] = [];
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, PickleValue>();
  readonly #text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  #at = 0;
  #containers = 0;
  #values = 0;

  constructor(bytes: Uint8Array, fail: Fail) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#fail = fail;
  }

  read(): { readonly value: PickleValue; readonly end: number } {
    for (;;) {
      const start = this.#at, opcode = this.#uint(1);
      if (opcode === 0x2e) { // STOP
        const value = this.#pop();
        if (this.#stack.length > 0 || this.#marks.length > 0) this.#fail("ends with values left over");
        return { value, end: this.#at };
      }
      this.#run(opcode, start);
    }
  }

  #run(opcode: number, start: number): void {
    switch (opcode) {
      case 0x80: { // PROTO
        const protocol = this.#uint(1);
        if (start !== 0 || protocol < 2 || protocol > 5) this.#fail(`is of protocol ${protocol}, expected 2 to 5`);
        return;
      }
      case 0x95: // FRAME: only helps readers of streams
        this.#length(8);
        return;
      case 0x28: // MARK
        this.#count();
        this.#marks.push(this.#stack.length);
        return;
      case 0x4e: // NONE
        return this.#push(null);
      case 0x88: // NEWTRUE
        return this.#push(true);
      case 0x89: // NEWFALSE
        return this.#push(false);
      case 0x4b: // BININT1
        return this.#push(this.#uint(1));
      case 0x4d: // BININT2
        return this.#push(this.#uint(2));
      case 0x4a: // BININT
        return this.#push(this.#uint(4) | 0);
      case 0x8a: // LONG1
        return this.#push(this.#integer(this.#uint(1)));
      case 0x8b: // LONG4
        return this.#push(this.#integer(this.#length(4)));
      case 0x47: // BINFLOAT, the one big-endian number
        return this.#push(this.#view.getFloat64(this.#take(8)));
      case 0x8c: // SHORT_BINUNICODE
        return this.#push(this.#string(this.#uint(1)));
      case 0x58: // BINUNICODE
        return this.#push(this.#string(this.#length(4)));
      case 0x8d: // BINUNICODE8
        return this.#push(this.#string(this.#length(8)));
      case 0x55: // SHORT_BINSTRING: text of Python 2
        return this.#push(this.#string(this.#uint(1)));
      case 0x54: // BINSTRING
        return this.#push(this.#string(this.#length(4)));
      case 0x43: // SHORT_BINBYTES
        return this.#pushBytes(this.#uint(1));
      case 0x42: // BINBYTES
        return this.#pushBytes(this.#length(4));
      case 0x8e: // BINBYTES8
      case 0x96: // BYTEARRAY8
        return this.#pushBytes(this.#length(8));
      case 0x8f: // EMPTY_SET
        return this.#pushContainer({ kind: "opaque", name: "set" });
      case 0x91: // FROZENSET
        this.#popToMark();
        return this.#pushContainer({ kind: "opaque", name: "frozenset" });
      case 0x90: // ADDITEMS
        this.#popToMark();
        if (!isOpaque(this.#top())) this.#fail("adds to something else than a set");
        return;
      case 0x30: // POP
        if (this.#marks.at(-1) === this.#stack.length) this.#marks.pop();
        else this.#pop();
        return;
      case 0x31: // POP_MARK
        this.#popToMark();
        return;
      case 0x32: // DUP
        return this.#push(this.#top());
      case 0x7d: // EMPTY_DICT
        return this.#pushContainer({ kind: "dictionary", entries: new Map() });
      case 0x5d: // EMPTY_LIST
        return this.#pushContainer([]);
      case 0x29: // EMPTY_TUPLE
        return this.#pushContainer(NOTHING);
      case 0x74: // TUPLE
        return this.#pushContainer(Object.freeze(this.#popToMark()));
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        return this.#pushContainer(Object.freeze(this.#popMany(opcode - 0x84)));
      case 0x61: // APPEND
        return this.#append([this.#pop()]);
      case 0x65: // APPENDS
        return this.#append(this.#popToMark());
      case 0x73: // SETITEM
        return this.#setItems(this.#popMany(2));
      case 0x75: // SETITEMS
        return this.#setItems(this.#popToMark());
      case 0x71: // BINPUT
        return this.#remember(this.#uint(1));
      case 0x72: // LONG_BINPUT
        return this.#remember(this.#uint(4));
      case 0x94: // MEMOIZE
        return this.#remember(this.#memo.size);
      case 0x68: // BINGET
        return this.#recall(this.#uint(1));
      case 0x6a: // LONG_BINGET
        return this.#recall(this.#uint(4));
      case 0x63: // GLOBAL
        return this.#pushGlobal(this.#line(), this.#line());
      case 0x93: { // STACK_GLOBAL
        const [module, name] = this.#popMany(2);
        if (typeof module !== "string" || typeof name !== "string") {
          this.#fail("names an object by something else than text");
        }
        return this.#pushGlobal(module as string, name as string);
      }
      case 0x81: { // NEWOBJ
        const [type] = this.#popMany(2);
        return this.#pushContainer(this.#opaque(type));
      }
      case 0x92: { // NEWOBJ_EX
        const [type] = this.#popMany(3);
        return this.#pushContainer(this.#opaque(type));
      }
      case 0x51: // BINPERSID
        return this.#pushContainer(this.#storage(this.#pop()));
      case 0x52: { // REDUCE
        const [callable, values] = this.#popMany(2);
        return this.#pushContainer(this.#call(callable, values));
      }
      case 0x62: { // BUILD: attributes of an object, such as the `_metadata` of a state_dict, which is not needed
        this.#pop();
        const object = this.#pop();
        if (!isDictionary(object) && !isOpaque(object)) {
          this.#fail("sets attributes of something else than a dictionary");
        }
        return this.#push(object);
      }
      default:
        this.#fail(
          `has the opcode 0x${opcode.toString(16).padStart(2, "0")} at byte ${start}, which torch.save does not write`,
        );
    }
  }

  /** Steps over `count` bytes and gives the offset of the first. */
  #take(count: number): number {
    const start = this.#at;
    if (count > this.#bytes.length - start) this.#fail(`ends in the middle of a value at byte ${start}`);
    this.#at += count;
    return start;
  }

  #uint(bytes: 1 | 2 | 4): number {
    const at = this.#take(bytes);
    if (bytes === 1) return this.#view.getUint8(at);
    return bytes === 2 ? this.#view.getUint16(at, true) : this.#view.getUint32(at, true);
  }

  #length(bytes: 4 | 8): number {
    return bytes === 4 ? this.#uint(4) : Number(this.#view.getBigUint64(this.#take(8), true));
  }

  #string(length: number): string {
    const start = this.#take(length);
    try {
      return this.#text.decode(this.#bytes.subarray(start, start + length));
    } catch {
      return this.#fail(`has text at byte ${start} that is not UTF-8`);
    }
  }

  #line(): string {
    const rest = this.#bytes.subarray(this.#at, this.#at + LONGEST_NAME), length = rest.indexOf(10);
    if (length < 0) this.#fail(`has a name without an end at byte ${this.#at}`);
    const text = this.#string(length);
    this.#at++;
    return text;
  }

  /** Bytes, which no name and no number of a tensor is made of. */
  #pushBytes(length: number): void {
    this.#take(length);
    this.#pushContainer({ kind: "opaque", name: "bytes" });
  }

  /** A signed whole number, the lowest byte first. */
  #integer(length: number): number | bigint {
    if (length > LONGEST_INTEGER) this.#fail(`has a whole number of ${length} bytes`);
    const start = this.#take(length);
    let value = 0n;
    for (let k = length - 1; k >= 0; k--) value = value << 8n | BigInt(this.#bytes[start + k]);
    value = BigInt.asIntN(8 * length, value);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  #push(value: PickleValue): void {
    this.#count();
    this.#stack.push(value);
  }

  /** Counts a value, which may be one that is there already: an opcode of one byte pushes it again. */
  #count(): void {
    if (++this.#values > MOST_VALUES) this.#fail(`holds more than ${MOST_VALUES} values`);
  }

  #pushContainer(value: PickleValue): void {
    if (++this.#containers > MOST_OBJECTS) {
      this.#fail(`holds more than ${MOST_OBJECTS} lists, dictionaries and objects`);
    }
    this.#push(value);
  }

  /** The topmost value; those below the last mark are out of reach. */
  #pop(): PickleValue {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0)) {
      this.#fail(`takes a value that is not there before byte ${this.#at}`);
    }
    return this.#stack.pop()!;
  }

  #popMany(count: number): PickleValue[] {
    const values = Array.from({ length: count }, () => this.#pop());
    return values.reverse();
  }

  #popToMark(): PickleValue[] {
    const mark = this.#marks.pop();
    if (mark === undefined) return this.#fail(`takes values to a mark that is not there before byte ${this.#at}`);
    return this.#stack.splice(mark);
  }

  /** The value that an opcode changes, which stays. */
  #top(): PickleValue {
    const value = this.#pop();
    this.#push(value);
    return value;
  }

  #append(values: readonly PickleValue[]): void {
    const list = this.#top();
    if (isOpaque(list)) return;
    if (!isList(list) || Object.isFrozen(list)) return this.#fail("appends to something else than a list");
    for (const value of values) (list as PickleValue[]).push(value);
  }

  #setItems(items: readonly PickleValue[]): void {
    const dictionary = this.#top();
    if (items.length % 2 !== 0) this.#fail("has a key without a value");
    if (isOpaque(dictionary)) return;
    if (!isDictionary(dictionary)) return this.#fail("sets an entry of something else than a dictionary");
    for (let k = 0; k < items.length; k += 2) {
      const key = items[k];
      // A name is text: what has another key is no tensor of a network.
      if (typeof key === "object" && key !== null) continue;
      dictionary.entries.set(key, items[k + 1]);
    }
  }

  #remember(index: number): void {
    this.#memo.set(index, this.#top());
    if (this.#memo.size > MOST_OBJECTS) this.#fail(`remembers more than ${MOST_OBJECTS} values`);
  }

  #recall(index: number): void {
    const value = this.#memo.get(index);
    if (value === undefined) return this.#fail(`recalls a value that it has not remembered at byte ${this.#at}`);
    this.#push(value);
  }

  #pushGlobal(module: string, object: string): void {
    this.#pushContainer({ kind: "global", name: `${module}.${object}` });
  }

  /** The storage that a persistent id stands for: ("storage", class, key, device, elements). */
  #storage(id: PickleValue): StorageReference {
    const [tag, type, key, , elements, view = null] = isList(id) ? id : [];
    const [, start, size] = view === null ? [null, 0, elements] : isList(view) ? view : [];
    if (
      tag !== "storage" || !isKind(type, "global") || !STORAGES.includes(type.name) || typeof key !== "string" ||
      !isCount(elements) || !isCount(start) || !isCount(size) || start + size > elements
    ) {
      return this.#fail("refers to a storage in a way that torch.save does not");
    }
    return { kind: "storage", type: type.name, key, elements, start };
  }

  #call(callable: PickleValue, values: PickleValue): PickleValue {
    if (!isList(values)) return this.#fail("calls something with what is no tuple");
    if (!isKind(callable, "global")) return this.#opaque(callable);
    const { name } = callable;
    if ((name === ORDERED && values.length === 0) || name === DEFAULT) {
      return { kind: "dictionary", entries: new Map() };
    }
    if (name === PARAMETER && isTensor(values[0])) return values[0];
    if (name === TENSOR || name === OLD_TENSOR) return this.#tensor(values);
    if (name === ORDERED || name === PARAMETER) {
      return this.#fail(`calls ${name} with other arguments than torch.save does`);
    }
    return this.#opaque(callable);
  }

  /** What Python would make by calling something, of which nothing is kept but the name. */
  #opaque(callable: PickleValue): OpaqueObject {
    if (isKind(callable, "global") || isOpaque(callable)) return { kind: "opaque", name: callable.name };
    return this.#fail("calls something else than a function");
  }

  #tensor([storage, offset, shape, strides]: readonly PickleValue[]): TensorReference {
    if (!isKind(storage, "storage") || !isCount(offset) || !isExtents(shape) || !isExtents(strides)) {
      return this.#fail("has a tensor whose offset, shape or strides are not what torch.save writes");
    }
    if (shape.length !== strides.length) this.#fail("has a tensor with another number of strides than of dimensions");
    return { kind: "tensor", storage, offset: storage.start + offset, shape, strides };
  }
}
