/** The images in the body of a request, of which no more is read than is allowed. */

/** What a request gets wrong: the status of the answer, and a sentence. */
export class RequestError extends Error {
  /** Makes one. */
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

/** An image file of a request. */
export interface SentImage {
  /** Its name, where the request has one. */
  readonly file: string;
  /** The content. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The status of a request whose client has gone: it is for the metrics alone. */
export const LEFT = 499;

/** The bounds of a request. */
export interface BodyLimits {
  /** The most bytes. */
  readonly bytes: number;
  /** The most images. */
  readonly images: number;
}

/**
 * Reads the images of a request: the body is one image file, or a form (`multipart/form-data`) with a file or several.
 *
 * @throws {RequestError} If there is none, or more than is allowed.
 */
export async function readImages(request: Request, limits: BodyLimits): Promise<SentImage[]> {
  const body = await readBody(request, limits.bytes), type = request.headers.get("content-type") ?? "";
  if (!/^multipart\/form-data/i.test(type)) return [{ file: "", bytes: body }];
  const form = await formOf(body, type), files = [...form.values()].filter((value) => value instanceof File);
  if (files.length === 0) throw new RequestError(400, "The form has no file; send images as files of a form");
  if (files.length > limits.images) {
    throw new RequestError(413, `The form has ${files.length} files; expected ${limits.images} at most`);
  }
  return await Promise.all(
    files.map(async (file) => ({ file: file.name, bytes: new Uint8Array(await file.arrayBuffer()) })),
  );
}

async function readBody(request: Request, most: number): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = () =>
    new RequestError(413, `The request has more than ${most} bytes; send smaller images, or fewer at once`);
  if (Number(request.headers.get("content-length") ?? 0) > most) throw tooLarge();
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const part of request.body ?? []) {
      length += part.length;
      if (length > most) throw tooLarge();
      parts.push(part);
    }
  } catch (error) {
    // The connection is all that can fail here.
    throw error instanceof RequestError ? error : new RequestError(LEFT, "The client has gone before it had sent all");
  }
  if (length === 0) throw new RequestError(400, "The request is empty; send an image file, or a form with files");
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

async function formOf(bytes: Uint8Array<ArrayBuffer>, type: string): Promise<FormData> {
  try {
    return await new Response(bytes, { headers: { "content-type": type } }).formData();
  } catch {
    throw new RequestError(400, "The form cannot be read; send images as files of a form, multipart/form-data");
  }
}
