import { assertEquals } from "@std/assert";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { fileHead, type ScalarEvent, scalarRecords } from "./event_file.ts";

/** CRC-32C bit by bit, from its polynomial. */
function checksum(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  const sum = ~crc >>> 0;
  return ((sum >>> 15 | sum << 17) + 0xa282ead8) >>> 0;
}

/** The messages of a file, whose lengths and checksums are checked. */
function messages(file: Uint8Array): Uint8Array[] {
  const found = [];
  for (let at = 0; at < file.length;) {
    const view = new DataView(file.buffer, file.byteOffset + at), length = Number(view.getBigUint64(0, true));
    assertEquals(view.getUint32(8, true), checksum(file.subarray(at, at + 8)));
    const message = file.subarray(at + 12, at + 12 + length);
    assertEquals(view.getUint32(12 + length, true), checksum(message));
    found.push(message);
    at += length + 16;
  }
  return found;
}

/** The fields of a message: numbers where the wire has them, else bytes. */
function fields(message: Uint8Array, floats = false): [number, unknown][] {
  const reader = new BinaryReader(message), found: [number, unknown][] = [];
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (type === 0) found.push([field, Number(reader.int64())]);
    else if (type === 1) found.push([field, reader.double()]);
    else if (type === 5) found.push([field, reader.float()]);
    else found.push([field, floats ? reader.string() : reader.bytes()]);
  }
  return found;
}

Deno.test("fileHead() says which format it is, and from which step on older events do not count", () => {
  const [version, session] = messages(fileHead(12.5, 40));
  assertEquals(fields(version).slice(0, 2), [[1, 12.5], [2, 0]]);
  assertEquals(new TextDecoder().decode(fields(version)[2][1] as Uint8Array), "brain.Event:2");
  assertEquals(fields(session).slice(0, 2), [[1, 12.5], [2, 40]]);
  assertEquals(fields(fields(session)[2][1] as Uint8Array), [[1, 1]]);
});

Deno.test("scalarRecords() writes each step's numbers under their names", () => {
  const events: ScalarEvent[] = [
    { time: 1.25, step: 3, scalars: { "train/loss": 0.5, "train/learning rate": 0.25 } },
    { time: 1_700_000_000.5, step: 3_000_000_000, scalars: { "validation/loss": -2 } },
  ];
  const read = messages(scalarRecords(events)).map((message) => {
    const [[, time], [, step], [, summary]] = fields(message);
    const scalars = fields(summary as Uint8Array).map(([, scalar]) => {
      const [[, name], [, value]] = fields(scalar as Uint8Array, true);
      return [name, value];
    });
    return { time, step, scalars: Object.fromEntries(scalars) };
  });
  assertEquals(read, events);
  assertEquals(scalarRecords([]).length, 0);
});
