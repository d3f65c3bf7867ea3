/**
 * A reader of pickles, protocols 2 to 5. A pickle is a program; this reader runs none of it. It knows the opcodes that build
 * plain values, and leaves Python's objects to whoever knows the few that a kind of file is made of. Any other object becomes
 * a placeholder that has a name and no content.
 */

import { PickleBytes } from "./_bytes.ts";
import { PickleStack } from "./_stack.ts";
import type { PickleDialect, PickleFail } from "./dialect.ts";
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

const ORDERED = "collections.OrderedDict", DEFAULT = "collections.defaultdict";
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
  readonly #bytes: PickleBytes;
  readonly #stack: PickleStack<O>;
  readonly #dialect: PickleDialect<O>;
  readonly #fail: PickleFail;

  constructor(bytes: Uint8Array, dialect: PickleDialect<O>, fail: PickleFail) {
    const reader = new PickleBytes(bytes, fail);
    this.#bytes = reader;
    this.#stack = new PickleStack(fail, () => reader.at);
    this.#dialect = dialect;
    this.#fail = fail;
  }

  read(): { readonly value: PickleValue<O>; readonly end: number } {
    for (;;) {
      const start = this.#bytes.at, opcode = this.#bytes.uint(1);
      if (opcode === 0x2e) { // STOP
        return { value: this.#stack.end(), end: this.#bytes.at };
      }
      this.#run(opcode, start);
    }
  }

  #run(opcode: number, start: number): void {
    switch (opcode) {
      case 0x80: { // PROTO
        const protocol = this.#bytes.uint(1);
        if (start !== 0 || protocol < 2 || protocol > 5) this.#fail(`is of protocol ${protocol}, expected 2 to 5`);
        return;
      }
      case 0x95: // FRAME: only helps readers of streams
        this.#bytes.length(8);
        return;
      case 0x28: // MARK
        return this.#stack.mark();
      case 0x4e: // NONE
        return this.#stack.push(null);
      case 0x88: // NEWTRUE
        return this.#stack.push(true);
      case 0x89: // NEWFALSE
        return this.#stack.push(false);
      case 0x4b: // BININT1
        return this.#stack.push(this.#bytes.uint(1));
      case 0x4d: // BININT2
        return this.#stack.push(this.#bytes.uint(2));
      case 0x4a: // BININT
        return this.#stack.push(this.#bytes.uint(4) | 0);
      case 0x8a: // LONG1
        return this.#stack.push(this.#bytes.integer(this.#bytes.uint(1)));
      case 0x8b: // LONG4
        return this.#stack.push(this.#bytes.integer(this.#bytes.length(4)));
      case 0x47: // BINFLOAT
        return this.#stack.push(this.#bytes.float());
      case 0x8c: // SHORT_BINUNICODE
        return this.#stack.push(this.#bytes.string(this.#bytes.uint(1)));
      case 0x58: // BINUNICODE
        return this.#stack.push(this.#bytes.string(this.#bytes.length(4)));
      case 0x8d: // BINUNICODE8
        return this.#stack.push(this.#bytes.string(this.#bytes.length(8)));
      case 0x55: // SHORT_BINSTRING: text of Python 2
        return this.#pushText(this.#bytes.uint(1));
      case 0x54: // BINSTRING
        return this.#pushText(this.#bytes.length(4));
      case 0x43: // SHORT_BINBYTES
        return this.#pushBytes(this.#bytes.uint(1));
      case 0x42: // BINBYTES
        return this.#pushBytes(this.#bytes.length(4));
      case 0x8e: // BINBYTES8
      case 0x96: // BYTEARRAY8
        return this.#pushBytes(this.#bytes.length(8));
      case 0x8f: // EMPTY_SET
        return this.#stack.pushContainer({ kind: "opaque", name: "set" });
      case 0x91: // FROZENSET
        this.#stack.popToMark();
        return this.#stack.pushContainer({ kind: "opaque", name: "frozenset" });
      case 0x90: // ADDITEMS
        this.#stack.popToMark();
        if (!isOpaque(this.#stack.top())) this.#fail("adds to something else than a set");
        return;
      case 0x30: // POP
        return this.#stack.drop();
      case 0x31: // POP_MARK
        this.#stack.popToMark();
        return;
      case 0x32: // DUP
        return this.#stack.push(this.#stack.top());
      case 0x7d: // EMPTY_DICT
        return this.#stack.pushContainer({ kind: "dictionary", entries: new Map() });
      case 0x5d: // EMPTY_LIST
        return this.#stack.pushContainer([]);
      case 0x29: // EMPTY_TUPLE
        return this.#stack.pushContainer(NOTHING);
      case 0x74: // TUPLE
        return this.#stack.pushContainer(Object.freeze(this.#stack.popToMark()));
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        return this.#stack.pushContainer(Object.freeze(this.#stack.popMany(opcode - 0x84)));
      case 0x61: // APPEND
        return this.#append([this.#stack.pop()]);
      case 0x65: // APPENDS
        return this.#append(this.#stack.popToMark());
      case 0x73: // SETITEM
        return this.#setItems(this.#stack.popMany(2));
      case 0x75: // SETITEMS
        return this.#setItems(this.#stack.popToMark());
      case 0x71: // BINPUT
        return this.#stack.remember(this.#bytes.uint(1));
      case 0x72: // LONG_BINPUT
        return this.#stack.remember(this.#bytes.uint(4));
      case 0x94: // MEMOIZE
        return this.#stack.remember();
      case 0x68: // BINGET
        return this.#stack.recall(this.#bytes.uint(1));
      case 0x6a: // LONG_BINGET
        return this.#stack.recall(this.#bytes.uint(4));
      case 0x63: // GLOBAL
        return this.#pushGlobal(this.#bytes.line(), this.#bytes.line());
      case 0x93: { // STACK_GLOBAL
        const [module, name] = this.#stack.popMany(2);
        if (typeof module !== "string" || typeof name !== "string") {
          this.#fail("names an object by something else than text");
        }
        return this.#pushGlobal(module as string, name as string);
      }
      case 0x81: { // NEWOBJ
        const [type] = this.#stack.popMany(2);
        return this.#stack.pushContainer(this.#opaque(type));
      }
      case 0x92: { // NEWOBJ_EX
        const [type] = this.#stack.popMany(3);
        return this.#stack.pushContainer(this.#opaque(type));
      }
      case 0x51: // BINPERSID
        return this.#stack.pushContainer(this.#persistent(this.#stack.pop()));
      case 0x52: { // REDUCE
        const [callable, values] = this.#stack.popMany(2);
        return this.#stack.pushContainer(this.#call(callable, values));
      }
      case 0x62: // BUILD
        return this.#build(this.#stack.pop());
      default:
        this.#fail(
          `has the opcode 0x${
            opcode.toString(16).padStart(2, "0")
          } at byte ${start}, which ${this.#dialect.writer} does not write`,
        );
    }
  }

  #pushBytes(length: number): void {
    const bytes = this.#bytes.slice(length);
    this.#stack.pushContainer(this.#dialect.bytes?.(bytes) ?? { kind: "opaque", name: "bytes" });
  }

  #pushText(length: number): void {
    if (this.#dialect.text === undefined) return this.#stack.push(this.#bytes.string(length));
    this.#stack.push(this.#dialect.text(this.#bytes.slice(length)));
  }

  #append(values: readonly PickleValue<O>[]): void {
    const list = this.#stack.top();
    if (isOpaque(list)) return;
    if (!isList(list) || Object.isFrozen(list)) return this.#fail("appends to something else than a list");
    for (const value of values) (list as PickleValue<O>[]).push(value);
  }

  #setItems(items: readonly PickleValue<O>[]): void {
    const dictionary = this.#stack.top();
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

  #pushGlobal(module: string, object: string): void {
    this.#stack.pushContainer({ kind: "global", name: `${module}.${object}` });
  }

  #persistent(id: PickleValue<O>): O {
    return this.#dialect.persistent?.(id, this.#fail) ?? this.#fail("refers to something outside of it");
  }

  /** The state of an object; of dictionaries and placeholders it is not needed. */
  #build(state: PickleValue<O>): void {
    const object = this.#stack.top();
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
