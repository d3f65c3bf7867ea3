/**
 * A reader of pickles, protocols 2 to 5. A pickle is a program; this reader runs none of it. It knows the opcodes that build
 * plain values, and leaves Python's objects to whoever knows the few that a kind of file is made of. Any other object becomes
 * a placeholder that has a name and no content.
 */

import {
  isDictionary,
  isGlobal,
  isList,
  isOpaque,
  type OpaqueObject,
  type PickleKey,
  type PickleObject,
  type PickleValue,
} from "./values.ts";

/** Throws, given what is wrong with a pickle. */
export type PickleFail = (what: string) => never;

/** The objects of Python that a kind of file is made of, and what becomes of them. */
export interface PickleDialect<O extends PickleObject> {
  /** What writes such files, for messages. */
  readonly writer: string;
  /** The most bytes that such a pickle may have. */
  readonly mostBytes: number;
  /** What Python would make by calling a function or class; nothing for a placeholder. */
  call(name: string, values: readonly PickleValue<O>[], fail: PickleFail): PickleValue<O> | undefined;
  /** Heeds the state that an object is given after it was made. Defaults to passing it over. */
  build?(object: O, state: PickleValue<O>, fail: PickleFail): void;
  /** The object that an id outside of the pickle stands for. Defaults to an error. */
  persistent?(id: PickleValue<O>, fail: PickleFail): O;
  /** What becomes of bytes. Defaults to a placeholder. */
  bytes?(bytes: Uint8Array): PickleValue<O>;
  /** What becomes of the text of Python 2, which may be any bytes. Defaults to text in UTF-8. */
  text?(bytes: Uint8Array): PickleValue<O>;
}

const ORDERED = "collections.OrderedDict", DEFAULT = "collections.defaultdict";

const MOST_OBJECTS = 200_000;
/** A checkpoint may have a history of its losses. */
const MOST_VALUES = 4_000_000;
const LONGEST_NAME = 200, LONGEST_INTEGER = 16;
const NOTHING: readonly never[] = Object.freeze([]);

/**
 * Reads a pickle.
 *
 * @param bytes The bytes, which begin with a pickle.
 * @param dialect What becomes of objects.
 * @param fail Throws, given what is wrong with the pickle.
 * @returns What it holds, and where it ends.
 *
 * @example
 * ```ts
 * import { readPickle } from "@residua/residua/data";
 * const fail = (what: string): never => {
 *   throw new Error(what);
 * };
 * const dialect = { writer: "Python", mostBytes: 100, call: () => undefined };
 * console.log(readPickle(Uint8Array.of(0x80, 2, 0x4b, 7, 0x2e), dialect, fail)); // { value: 7, end: 5 }
 * ```
 */
export function readPickle<O extends PickleObject>(
  bytes: Uint8Array,
  dialect: PickleDialect<O>,
  fail: PickleFail,
): { readonly value: PickleValue<O>; readonly end: number } {
  return new PickleReader(bytes.subarray(0, dialect.mostBytes), dialect, fail).read();
}

class PickleReader<O extends PickleObject> {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #dialect: PickleDialect<O>;
  readonly #fail: PickleFail;
  readonly #stack: PickleValue<O>[] = [];
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, PickleValue<O>>();
  readonly #text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  #at = 0;
  #containers = 0;
  #values = 0;

  constructor(bytes: Uint8Array, dialect: PickleDialect<O>, fail: PickleFail) {
    this.#bytes = bytes;
    this.#dialect = dialect;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#fail = fail;
  }

  read(): { readonly value: PickleValue<O>; readonly end: number } {
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
        return this.#pushText(this.#uint(1));
      case 0x54: // BINSTRING
        return this.#pushText(this.#length(4));
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
        return this.#pushContainer(this.#persistent(this.#pop()));
      case 0x52: { // REDUCE
        const [callable, values] = this.#popMany(2);
        return this.#pushContainer(this.#call(callable, values));
      }
      case 0x62: // BUILD
        return this.#build(this.#pop());
      default:
        this.#fail(
          `has the opcode 0x${
            opcode.toString(16).padStart(2, "0")
          } at byte ${start}, which ${this.#dialect.writer} does not write`,
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

  #pushBytes(length: number): void {
    const bytes = this.#slice(length);
    this.#pushContainer(this.#dialect.bytes?.(bytes) ?? { kind: "opaque", name: "bytes" });
  }

  #pushText(length: number): void {
    if (this.#dialect.text === undefined) return this.#push(this.#string(length));
    this.#push(this.#dialect.text(this.#slice(length)));
  }

  #slice(length: number): Uint8Array {
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
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

  #push(value: PickleValue<O>): void {
    this.#count();
    this.#stack.push(value);
  }

  /** Counts a value, which may be one that is there already: an opcode of one byte pushes it again. */
  #count(): void {
    if (++this.#values > MOST_VALUES) this.#fail(`holds more than ${MOST_VALUES} values`);
  }

  #pushContainer(value: PickleValue<O>): void {
    if (++this.#containers > MOST_OBJECTS) {
      this.#fail(`holds more than ${MOST_OBJECTS} lists, dictionaries and objects`);
    }
    this.#push(value);
  }

  /** The topmost value; those below the last mark are out of reach. */
  #pop(): PickleValue<O> {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0)) {
      this.#fail(`takes a value that is not there before byte ${this.#at}`);
    }
    return this.#stack.pop()!;
  }

  #popMany(count: number): PickleValue<O>[] {
    const values = Array.from({ length: count }, () => this.#pop());
    return values.reverse();
  }

  #popToMark(): PickleValue<O>[] {
    const mark = this.#marks.pop();
    if (mark === undefined) return this.#fail(`takes values to a mark that is not there before byte ${this.#at}`);
    return this.#stack.splice(mark);
  }

  /** The value that an opcode changes, which stays. */
  #top(): PickleValue<O> {
    const value = this.#pop();
    this.#push(value);
    return value;
  }

  #append(values: readonly PickleValue<O>[]): void {
    const list = this.#top();
    if (isOpaque(list)) return;
    if (!isList(list) || Object.isFrozen(list)) return this.#fail("appends to something else than a list");
    for (const value of values) (list as PickleValue<O>[]).push(value);
  }

  #setItems(items: readonly PickleValue<O>[]): void {
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

  #persistent(id: PickleValue<O>): O {
    return this.#dialect.persistent?.(id, this.#fail) ?? this.#fail("refers to something outside of it");
  }

  /** The state of an object; of dictionaries and placeholders it is not needed. */
  #build(state: PickleValue<O>): void {
    const object = this.#top();
    if (isDictionary(object) || isOpaque(object)) return;
    const isObject = typeof object === "object" && object !== null && "kind" in object && object.kind !== "global";
    if (!isObject || this.#dialect.build === undefined) {
      return this.#fail("sets attributes of something else than a dictionary");
    }
    this.#dialect.build(object as O, state, this.#fail);
  }

  #call(callable: PickleValue<O>, values: PickleValue<O>): PickleValue<O> {
    if (!isList(values)) return this.#fail("calls something with what is no tuple");
    if (!isGlobal(callable)) return this.#opaque(callable);
    const { name } = callable;
    if ((name === ORDERED && values.length === 0) || name === DEFAULT) {
      return { kind: "dictionary", entries: new Map() };
    }
    if (name === ORDERED && values.length === 1 && isList(values[0])) return this.#ordered(values[0]);
    if (name === ORDERED) {
      return this.#fail(`calls ${name} with other arguments than ${this.#dialect.writer} does`);
    }
    return this.#dialect.call(name, values, this.#fail) ?? this.#opaque(callable);
  }

  /** A dictionary as Python 2 writes it: of pairs. */
  #ordered(pairs: readonly PickleValue<O>[]): PickleValue<O> {
    const entries = new Map<PickleKey, PickleValue<O>>();
    for (const pair of pairs) {
      if (!isList(pair) || pair.length !== 2) {
        return this.#fail(`calls ${ORDERED} with other arguments than ${this.#dialect.writer} does`);
      }
      const [key, value] = pair;
      if (typeof key !== "object" || key === null) entries.set(key, value);
    }
    return { kind: "dictionary", entries };
  }

  /** What Python would make by calling something, of which nothing is kept but the name. */
  #opaque(callable: PickleValue<O>): OpaqueObject {
    if (isGlobal(callable) || isOpaque(callable)) return { kind: "opaque", name: callable.name };
    return this.#fail("calls something else than a function");
  }
}
