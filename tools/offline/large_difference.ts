/**
 * Where large values differ, in a sentence. A diff of megabytes takes minutes and gigabytes, and nobody reads it: `node:assert`
 * and `@std/assert` make one of whatever they are given.
 */

/** Leaves from which on a value is large. */
const LARGE = 1000;

type List = ArrayLike<number>;
type Pair = readonly [actual: unknown, expected: unknown];

function isNumbers(value: unknown): value is List {
  return ArrayBuffer.isView(value) && !(value instanceof DataView) ||
    Array.isArray(value) && value.every((element) => typeof element === "number");
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** A buffer as its bytes. */
function unwrapped(value: unknown): unknown {
  return value instanceof ArrayBuffer || value instanceof SharedArrayBuffer ? new Uint8Array(value) : value;
}

/** What a value holds, by how it is reached. */
function entriesOf(value: object): [path: string, value: unknown][] {
  if (value instanceof Map) return [...value].map(([key, held]) => [`.get(${JSON.stringify(key)})`, held]);
  if (value instanceof Set) return [...value].map((held, index) => [` (element ${index})`, held]);
  if (Array.isArray(value)) return value.map((held, index) => [`[${index}]`, held]);
  return Object.entries(value).map(([key, held]) => [`.${key}`, held]);
}

/** Leaves of a value, counted as far as it takes to know that it is large. */
function countLeaves(value: unknown): number {
  const held = unwrapped(value);
  if (isNumbers(held)) return held.length;
  if (!isObject(held)) return 1;
  let sum = 0;
  for (const [, inner] of entriesOf(held)) if ((sum += countLeaves(inner)) > LARGE) break;
  return sum;
}

function describe(value: unknown): string {
  const held = unwrapped(value);
  if (isNumbers(held) && held.length > 10) return `${value!.constructor.name} of ${held.length}`;
  if (countLeaves(value) > LARGE) return value!.constructor.name;
  return Deno.inspect(value, { depth: 3 });
}

function describeLists(path: string, [actual, expected]: readonly [List, List], names: readonly string[]): string {
  const shared = Math.min(actual.length, expected.length);
  let differing = 0, first = -1;
  for (let i = 0; i < shared; i++) {
    if (Object.is(actual[i], expected[i])) continue;
    if (differing++ === 0) first = i;
  }
  const kinds = names[0] === names[1] ? names[0] : `${names[0]} rather than ${names[1]}`;
  const lengths = actual.length === expected.length
    ? `${shared} elements`
    : `${actual.length} elements rather than ${expected.length}`;
  const where = differing === 0
    ? "the shared ones are the same"
    : `${differing} of ${shared} differ, the first at index ${first}: ${actual[first]}, expected ${expected[first]}`;
  return `value${path} (${kinds} of ${lengths}): ${where}`;
}

/** The first difference on the way down; nothing if the two are the same. */
function locate(
  path: string,
  [actual, expected]: Pair,
  equal: (a: unknown, b: unknown) => boolean,
): string | undefined {
  if (equal(actual, expected)) return undefined;
  const pair = [unwrapped(actual), unwrapped(expected)] as const;
  if (isNumbers(pair[0]) && isNumbers(pair[1])) {
    return describeLists(path, [pair[0], pair[1]], [actual, expected].map((value) => value!.constructor.name));
  }
  if (isObject(actual) && isObject(expected) && actual.constructor === expected.constructor) {
    const wanted = new Map(entriesOf(expected));
    for (const [key, value] of entriesOf(actual)) {
      if (!wanted.has(key)) return `value${path}${key} is ${describe(value)}, expected nothing there`;
      const found = locate(`${path}${key}`, [value, wanted.get(key)], equal);
      if (found !== undefined) return found;
      wanted.delete(key);
    }
    for (const [key, value] of wanted) return `value${path}${key} is not there, expected ${describe(value)}`;
  }
  return `value${path} is ${describe(actual)}, expected ${describe(expected)}`;
}

/**
 * Where two values differ, if either is large: the way there, lengths, how many numbers differ, and the first pair that does.
 *
 * @param equal What holds two values for the same.
 * @returns A sentence without its full stop, or nothing where both are small or the same.
 */
export function describeLargeDifference(
  actual: unknown,
  expected: unknown,
  equal: (a: unknown, b: unknown) => boolean,
): string | undefined {
  if (Math.max(countLeaves(actual), countLeaves(expected)) <= LARGE) return undefined;
  return locate("", [actual, expected], equal);
}
