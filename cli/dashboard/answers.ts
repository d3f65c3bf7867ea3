/** How the dashboard answers: in JSON, in sentences where it cannot, and with headers that keep the page to itself. */

/** What a request gets wrong: the status of the answer, and a sentence. */
export class RequestError extends Error {
  /** Makes one. */
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

/** The page loads nothing from elsewhere, is in no frame, and what it shows is not kept by anyone. */
export const SAFE: Readonly<Record<string, string>> = {
  "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-store",
};

/** An answer in JSON. */
export function json(value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(value) + "\n", {
    status,
    headers: { "content-type": "application/json", ...SAFE, ...headers },
  });
}

/** An answer of bytes or text of a type. */
export function content(body: BodyInit, type: string): Response {
  return new Response(body, { headers: { "content-type": type, ...SAFE } });
}
