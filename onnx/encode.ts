/**
 * ONNX models as the bytes of a file. The messages are the part of the specification's `onnx.proto` that is used, with its
 * names and numbers; they are written by `@bufbuild/protobuf`, which takes the schema as a value.
 */

import { create, createFileRegistry, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FileDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";

/** An attribute of a node: a whole number or several, or a float. */
export type OnnxAttribute = number | readonly number[] | { readonly float: number };

/** An operator applied to tensors by name. */
export interface OnnxNode {
  /** Its name, for people; none if empty. */
  readonly name?: string;
  /** The operator. */
  readonly opType: string;
  /** The names of its inputs. */
  readonly inputs: readonly string[];
  /** The names of its outputs. */
  readonly outputs: readonly string[];
  /** Its attributes. */
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
}

/** A constant: float32, or 64-bit integers where operators take those. */
export interface OnnxConstant {
  /** The extent of each dimension. */
  readonly shape: readonly number[];
  /** The elements. */
  readonly data: Float32Array | BigInt64Array;
}

/** A float32 tensor that goes in or comes out; an extent may have a name instead of a number. */
export interface OnnxValue {
  /** Its name. */
  readonly name: string;
  /** The extent of each dimension. */
  readonly shape: readonly (number | string)[];
}

/** A model. */
export interface OnnxModel {
  /** The graph's name. */
  readonly name: string;
  /** The version of the operators. */
  readonly opset: number;
  /** The nodes, in an order of execution. */
  readonly nodes: readonly OnnxNode[];
  /** The constants by name. */
  readonly constants: ReadonlyMap<string, OnnxConstant>;
  /** What goes in. */
  readonly inputs: readonly OnnxValue[];
  /** What comes out. */
  readonly outputs: readonly OnnxValue[];
  /** The program that made it, and its version. */
  readonly producer?: { readonly name: string; readonly version: string };
  /** Text by name. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** The version of the file format: that of operator set 17. */
const IR_VERSION = 8n;

/** Types of elements and of attributes in the specification. */
const FLOAT32 = 1, INT64 = 7, ATTRIBUTE_FLOAT = 1, ATTRIBUTE_INT = 2, ATTRIBUTE_INTS = 7;

const SCALARS = { string: Type.STRING, bytes: Type.BYTES, float: Type.FLOAT, int32: Type.INT32, int64: Type.INT64 };

/** A field: its number, and its type, `*` before one that repeats; what is no scalar is a message. */
type Field = readonly [number, string];

const MESSAGES: Readonly<Record<string, Readonly<Record<string, Field>>>> = {
  ModelProto: {
    ir_version: [1, "int64"],
    producer_name: [2, "string"],
    producer_version: [3, "string"],
    graph: [7, "GraphProto"],
    opset_import: [8, "*OperatorSetIdProto"],
    metadata_props: [14, "*StringStringEntryProto"],
  },
  OperatorSetIdProto: { domain: [1, "string"], version: [2, "int64"] },
  StringStringEntryProto: { key: [1, "string"], value: [2, "string"] },
  GraphProto: {
    node: [1, "*NodeProto"],
    name: [2, "string"],
    initializer: [5, "*TensorProto"],
    input: [11, "*ValueInfoProto"],
    output: [12, "*ValueInfoProto"],
  },
  NodeProto: {
    input: [1, "*string"],
    output: [2, "*string"],
    name: [3, "string"],
    op_type: [4, "string"],
    attribute: [5, "*AttributeProto"],
  },
  // The type is an enumeration there, which is written as int32 is.
  AttributeProto: {
    name: [1, "string"],
    f: [2, "float"],
    i: [3, "int64"],
    ints: [8, "*int64"],
    type: [20, "int32"],
  },
  TensorProto: { dims: [1, "*int64"], data_type: [2, "int32"], name: [8, "string"], raw_data: [9, "bytes"] },
  ValueInfoProto: { name: [1, "string"], type: [2, "TypeProto"] },
  TypeProto: { tensor_type: [1, "TensorTypeProto"] },
  TensorTypeProto: { elem_type: [1, "int32"], shape: [2, "TensorShapeProto"] },
  TensorShapeProto: { dim: [1, "*DimensionProto"] },
  DimensionProto: { dim_value: [1, "int64"], dim_param: [2, "string"] },
};

const file = create(FileDescriptorProtoSchema, {
  name: "onnx.proto",
  package: "onnx",
  // Fields are written when they are set, zeros too: a checker misses an attribute of 0 otherwise.
  syntax: "proto2",
  messageType: Object.entries(MESSAGES).map(([name, fields]) => ({
    name,
    field: Object.entries(fields).map(([name, [number, kind]]) => {
      const bare = kind.replace("*", ""), scalar = SCALARS[bare as keyof typeof SCALARS];
      const label = kind === bare ? Label.OPTIONAL : Label.REPEATED;
      return scalar === undefined
        ? { name, number, label, type: Type.MESSAGE, typeName: `.onnx.${bare}` }
        : { name, number, label, type: scalar };
    }),
  })),
});

/** The messages, also for reading a file. */
export const ONNX_SCHEMA: ReturnType<typeof createFileRegistry> = createFileRegistry(file, () => undefined);

function attribute(name: string, value: OnnxAttribute) {
  if (typeof value === "number") return { name, type: ATTRIBUTE_INT, i: BigInt(value) };
  return "float" in value
    ? { name, type: ATTRIBUTE_FLOAT, f: value.float }
    : { name, type: ATTRIBUTE_INTS, ints: value.map(BigInt) };
}

function valueInfo({ name, shape }: OnnxValue) {
  const dim = shape.map((extent) => typeof extent === "string" ? { dimParam: extent } : { dimValue: BigInt(extent) });
  return { name, type: { tensorType: { elemType: FLOAT32, shape: { dim } } } };
}

/** Writes a model. */
export function encodeOnnx(model: OnnxModel): Uint8Array {
  const schema = ONNX_SCHEMA.getMessage("onnx.ModelProto")!;
  const message = {
    irVersion: IR_VERSION,
    producerName: model.producer?.name,
    producerVersion: model.producer?.version,
    opsetImport: [{ domain: "", version: BigInt(model.opset) }],
    metadataProps: Object.entries(model.metadata ?? {}).map(([key, value]) => ({ key, value })),
    graph: {
      name: model.name,
      node: model.nodes.map(({ name, opType, inputs, outputs, attributes = {} }) => ({
        name,
        opType,
        input: [...inputs],
        output: [...outputs],
        attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
      })),
      initializer: [...model.constants].map(([name, { shape, data }]) => ({
        name,
        dims: shape.map(BigInt),
        dataType: data instanceof Float32Array ? FLOAT32 : INT64,
        rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      })),
      input: model.inputs.map(valueInfo),
      output: model.outputs.map(valueInfo),
    },
  };
  return toBinary(schema, create(schema, message as MessageInitShape<typeof schema>));
}
