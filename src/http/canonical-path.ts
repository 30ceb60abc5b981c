import { GatewayError } from "../core/errors.ts";

const bad = (what: string) => new GatewayError("invalid_request", `The address is not accepted: ${what}.`);

/* Path characters of RFC 3986 without `;` and `%`, and without empty segments. */
const plain = /^(?:\/[A-Za-z0-9_~!$&'()*+,=:@.-]+)*\/?$/;
const dots = /\/\.{1,2}(?:\/|$)/;
const queryText = /^[!-~]*$/;
const unreserved = /[A-Za-z0-9._~-]/;

/** Percent-encodings in one spelling: what needs none is decoded, the rest in upper case (RFC 3986, section 6.2.2). */
function normalize(path: string): string {
  if (/%(?![0-9A-Fa-f]{2})/.test(path)) throw bad("a percent sign without two hexadecimal digits");
  if (/%(?:2f|5c)/i.test(path)) throw bad("an encoded slash or backslash");
  if (/%(?:[01][0-9a-f]|7f)/i.test(path)) throw bad("an encoded control character");
  try {
    decodeURIComponent(path);
  } catch (error) {
    throw new GatewayError("invalid_request", "The address is not accepted: it is not UTF-8.", { cause: error });
  }
  return path.replace(/%[0-9A-Fa-f]{2}/g, (triplet) => {
    const character = String.fromCharCode(Number.parseInt(triplet.slice(1), 16));
    return unreserved.test(character) ? character : triplet.toUpperCase();
  });
}

/**
 * The one reading of a path. Refuses what servers read in different ways: dot segments, empty segments, encoded slashes,
 * path parameters (`;x=y` slipped past access rules in Envoy, CVE-2026-73553), backslashes, control characters.
 */
export function canonicalPath(raw: string): string {
  const path = raw.includes("%") ? normalize(raw) : raw;
  if (!plain.test(path.replace(/%[0-9A-F]{2}/g, "x"))) {
    if (!path.startsWith("/")) throw bad("it is not an absolute path");
    if (path.includes("//")) throw bad("an empty segment");
    if (path.includes(";")) throw bad("a path parameter");
    throw bad("a character that must be percent-encoded");
  }
  if (dots.test(path)) throw bad("a dot segment");
  return path;
}

export function canonicalQuery(raw: string): string {
  if (!queryText.test(raw) || raw.includes("#")) throw bad("a character in the query that must be percent-encoded");
  return raw;
}
