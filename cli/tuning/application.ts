/** An application of an op, as the command line writes it: the op, its inputs' shapes, its attributes. */

import {
  type Application,
  type Attributes,
  type AttributeValue,
  DEVICE_PROFILES,
  didYouMean,
  type DType,
  getOp,
  listOps,
  type Op,
  type TensorSpec,
  UsageError,
} from "../../core/mod.ts";
import "../../ops/mod.ts";

/** What a command that takes an application says of it. */
export const APPLICATION_POSITIONALS = {
  value: "OP INPUTS [ATTRIBUTE=VALUE…]",
  about: "an op, the shapes of its inputs with commas between (64x64x56x56,64x64x3x3; u32:128 for another type), " +
    "and attributes other than the defaults (stride=2 padding=1)",
} as const;

/** The option that names a device. */
export const DEVICE_OPTION = {
  kind: "text",
  about: "the device that kernels are chosen for; none is needed",
  choices: Object.keys(DEVICE_PROFILES),
} as const;

/**
 * Reads an application.
 *
 * @throws {UsageError} If there is no such op or attribute, or a shape or a value is not what it should be.
 * @throws {ShapeError} If the op does not take such inputs or attributes.
 */
export function parseApplication([name, shapes, ...settings]: readonly string[]): Application {
  if (name === undefined || shapes === undefined) {
    throw new UsageError(
      "Expected an op and the shapes of its inputs, such as conv2d 64x64x56x56,64x64x3x3 padding=1; see --help",
    );
  }
  const op = opNamed(name), inputs = shapes.split(",").map(parseSpec);
  const attributes: Record<string, AttributeValue> = { ...op.attributes };
  for (const setting of settings) {
    const [key, ...rest] = setting.split("="), value = rest.join("=");
    if (rest.length === 0 || !(key in op.attributes)) {
      const known = Object.keys(op.attributes);
      throw new UsageError(
        `${name}: expected attributes as NAME=VALUE of ${known.join(", ") || "none"} but "${setting}" came` +
          didYouMean(key, known),
      );
    }
    attributes[key] = parseValue(`${name}: ${key}`, value, op.attributes[key]);
  }
  return { op, inputs, outputs: op.infer(inputs, attributes as Attributes), attributes: attributes as Attributes };
}

/** An application as {@link parseApplication} reads it, without the attributes that are the defaults. */
export function formatApplication({ op, inputs, attributes }: Application): string {
  const changed = Object.entries(attributes).filter(([key, value]) => String(value) !== String(op.attributes[key]));
  const settings = changed.map(([key, value]) => ` ${key}=${Array.isArray(value) ? value.join("x") : value}`);
  return `${op.name} ${inputs.map(formatInput).join(",")}${settings.join("")}`;
}

function formatInput({ dtype, shape }: TensorSpec): string {
  return `${dtype === "f32" ? "" : `${dtype}:`}${shape.join("x") || "scalar"}`;
}

function opNamed(name: string): Op {
  const names = listOps().map((op) => op.name);
  if (names.includes(name)) return getOp(name);
  throw new UsageError(
    `There is no op named "${name}"${didYouMean(name, names)} Those of a model are shown by summary --plan`,
  );
}

const DTYPES: readonly DType[] = ["f32", "f16", "u32"];

/** A shape as `64x3x224x224`, after `f16:` or `u32:` where elements are not f32; `scalar` has no extents. */
function parseSpec(text: string): TensorSpec {
  const [, type = "f32", shape] = /^(?:(\w+):)?(.*)$/.exec(text)!, dtype = DTYPES.find((each) => each === type);
  const extents = shape === "scalar" ? [] : shape.split("x").map(Number);
  if (dtype === undefined || extents.some((extent) => !Number.isSafeInteger(extent) || extent < 1)) {
    throw new UsageError(`Expected a shape such as 64x3x224x224, f16:64x10 or scalar but "${text}" came`);
  }
  return { dtype, shape: extents };
}

/** A value of the kind that an attribute has; a single number for a list of them stands for each. */
function parseValue(what: string, text: string, standard: AttributeValue): AttributeValue {
  const number = (part: string): number => {
    const value = Number(part);
    if (part.trim() !== "" && Number.isFinite(value)) return value;
    throw new UsageError(`${what}: expected a number but "${part}" came`);
  };
  if (typeof standard === "string") return text;
  if (typeof standard === "number") return number(text);
  if (typeof standard === "boolean") {
    if (text === "true" || text === "false") return text === "true";
    throw new UsageError(`${what}: expected true or false but "${text}" came`);
  }
  const values = text.split("x").map(number);
  return values.length === 1 ? Array(Math.max(1, standard.length)).fill(values[0]) : values;
}
