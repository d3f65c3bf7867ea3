/** A hash of bytes; not a cryptographic one. */

/** A hash of 64 bits, to tell apart what differs by accident; it is no defence against anyone. */
export class Hash {
  #a = 0x811c9dc5;
  #b = 0x9747b28c;

  /** Adds bytes; where they end counts too. */
  add(bytes: Uint8Array): void {
    let a = this.#a ^ bytes.length, b = this.#b;
    const whole = bytes.length & ~3;
    for (let i = 0; i < whole; i += 4) {
      const word = bytes[i] | bytes[i + 1] << 8 | bytes[i + 2] << 16 | bytes[i + 3] << 24;
      a = Math.imul(a ^ word, 0x01000193);
      b = Math.imul(b ^ word ^ (a >>> 15), 0x85ebca6b);
    }
    for (let i = whole; i < bytes.length; i++) {
      a = Math.imul(a ^ bytes[i], 0x01000193);
      b = Math.imul(b ^ bytes[i] ^ (a >>> 15), 0x85ebca6b);
    }
    this.#a = a ^ (a >>> 13);
    this.#b = b ^ (b >>> 16);
  }

  /** The hash of what was added, as hexadecimal digits. */
  toString(): string {
    return [this.#a, this.#b].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  }
}
