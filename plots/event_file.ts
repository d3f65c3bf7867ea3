/**
 * TensorBoard's event files: records of a length, its checksum, an `Event` message and its checksum. The fields are those of
 * TensorFlow's `event.proto` and `summary.proto`.
 */

import { Buffer } from "node:buffer";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import crc32c from "crc-32/crc32c.js";

/** What happened at one step of a run. */
export interface ScalarEvent {
  /** Seconds since 1970. */
  readonly time: number;
  /** The step. */
  readonly step: number;
  /** Numbers by name. */
  readonly scalars: Readonly<Record<string, number>>;
}

const VERSION = "brain.Event:2";
/** `SessionLog.START`: readers drop what they have from this step on, since the run was killed there and goes on. */
const SESSION_START = 1;

/** The records that a file begins with. */
export function fileHead(time: number, step: number): Uint8Array<ArrayBuffer> {
  const session = new BinaryWriter().tag(1, WireType.Varint).int32(SESSION_START).finish();
  return Buffer.concat([
    record(event(time, 0).tag(3, WireType.LengthDelimited).string(VERSION).finish()),
    record(event(time, step).tag(7, WireType.LengthDelimited).bytes(session).finish()),
  ]);
}

/** The records of scalars. */
export function scalarRecords(events: readonly ScalarEvent[]): Uint8Array<ArrayBuffer> {
  return Buffer.concat(events.map(({ time, step, scalars }) => {
    const summary = new BinaryWriter();
    for (const [name, value] of Object.entries(scalars)) {
      const scalar = new BinaryWriter().tag(1, WireType.LengthDelimited).string(name).tag(2, WireType.Bit32).float(
        value,
      );
      summary.tag(1, WireType.LengthDelimited).bytes(scalar.finish());
    }
    return record(event(time, step).tag(5, WireType.LengthDelimited).bytes(summary.finish()).finish());
  }));
}

function event(time: number, step: number): BinaryWriter {
  return new BinaryWriter().tag(1, WireType.Bit64).double(time).tag(2, WireType.Varint).int64(step);
}

function record(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(message.length + 16), view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(message.length), true);
  view.setUint32(8, maskedChecksum(bytes.subarray(0, 8)), true);
  bytes.set(message, 12);
  view.setUint32(12 + message.length, maskedChecksum(message), true);
  return bytes;
}

/** CRC-32C, rotated and offset: the plain checksum of data that holds its own checksum says little. */
function maskedChecksum(bytes: Uint8Array): number {
  const sum = crc32c.buf(bytes) >>> 0;
  return ((sum >>> 15 | sum << 17) + 0xa282ead8) >>> 0;
}
