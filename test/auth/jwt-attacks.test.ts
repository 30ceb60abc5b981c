import { createHmac, generateKeyPairSync, KeyObject, sign as signBytes } from "node:crypto";
import { CompactEncrypt, exportSPKI, SignJWT } from "jose";
import { expect, test } from "vitest";
import { GatewayError } from "../../src/core/errors.ts";
import { listen, startAuth, testClock, type Started } from "./start-auth.ts";
import { startStaticIssuer, type StaticIssuer } from "./static-issuer.ts";

interface Bench {
  readonly gateway: Started;
  readonly issuer: StaticIssuer;
  /** Header and claims of a token that would be accepted if it were signed. */
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
}

const encode = (value: unknown): string =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
const hmac = (input: string, key: string | Buffer): string =>
  `${input}.${createHmac("sha256", key).update(input).digest("base64url")}`;

async function bench(): Promise<Bench> {
  const clock = testClock();
  const issuer = await startStaticIssuer(clock.now);
  const gateway = await startAuth({ config: { issuers: [issuer.url] }, clock });
  const seconds = Math.floor(clock.now() / 1_000);
  return {
    gateway,
    issuer,
    header: { alg: "ES256", kid: "one", typ: "at+jwt" },
    claims: { iss: issuer.url, sub: "alice", aud: gateway.url, client_id: "app", iat: seconds, exp: seconds + 300 },
  };
}

/** Signs exactly these bytes with the issuer's own key: what is wrong is then only what the test put in. */
async function signRaw({ issuer }: Bench, headerJson: string, claimsJson: string): Promise<string> {
  const input = `${encode(headerJson)}.${encode(claimsJson)}`;
  return `${input}.${signBytes("sha256", Buffer.from(input), { key: KeyObject.from(issuer.key), dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
}
const signed = (b: Bench, header: Record<string, unknown>, claims: Record<string, unknown> = {}): Promise<string> =>
  signRaw(b, JSON.stringify({ ...b.header, ...header }), JSON.stringify({ ...b.claims, ...claims }));
const unsigned = (b: Bench, header: Record<string, unknown>): string =>
  `${encode({ ...b.header, ...header })}.${encode(b.claims)}`;
const good = (b: Bench): Promise<string> => signed(b, {});
const withSignature = async (b: Bench, change: (signature: Buffer) => Buffer | string): Promise<string> => {
  const [first, second, third = ""] = (await good(b)).split(".");
  const changed = change(Buffer.from(third, "base64url"));
  return `${first}.${second}.${typeof changed === "string" ? changed : changed.toString("base64url")}`;
};
const claimJson = (b: Bench, name: string, json: string): Promise<string> =>
  signRaw(b, JSON.stringify(b.header), JSON.stringify({ ...b.claims, [name]: "@" }).replace('"@"', json));
const later = (b: Bench, by: number): number => Number(b.claims["iat"]) + by;
const spki = (b: Bench): Promise<string> => exportSPKI(b.issuer.publicKey);
const other = generateKeyPairSync("ec", { namedCurve: "P-256" });
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });

const attacks: readonly (readonly [string, (b: Bench) => string | Promise<string>])[] = [
  ["alg none without a signature", (b) => `${unsigned(b, { alg: "none" })}.`],
  ["alg none with a signature", (b) => `${unsigned(b, { alg: "none" })}.AAAA`],
  ["alg nOnE", (b) => `${unsigned(b, { alg: "nOnE" })}.AAAA`],
  ["alg NONE", (b) => `${unsigned(b, { alg: "NONE" })}.AAAA`],
  ["HS256 with the public key in PEM", async (b) => hmac(unsigned(b, { alg: "HS256" }), await spki(b))],
  [
    "HS256 with the public key in PEM behind white space",
    async (b) => hmac(unsigned(b, { alg: "HS256" }), `\n ${await spki(b)}`),
  ],
  [
    "HS256 with the public key in DER",
    async (b) =>
      hmac(unsigned(b, { alg: "HS256" }), Buffer.from((await spki(b)).replaceAll(/-----[^-]+-----|\n/g, ""), "base64")),
  ],
  ["HS256 with the public key as JWK", (b) => hmac(unsigned(b, { alg: "HS256" }), JSON.stringify(b.issuer.publicJwk))],
  ["HS256 with an empty key", (b) => hmac(unsigned(b, { alg: "HS256" }), "")],
  ["an RSA algorithm on an EC key", (b) => signed(b, { alg: "RS256" })],
  ["a PSS algorithm on an EC key", (b) => signed(b, { alg: "PS256" })],
  ["another curve's algorithm", (b) => signed(b, { alg: "ES384" })],
  [
    "another key pair under the same key id",
    (b) => new SignJWT({ ...b.claims }).setProtectedHeader({ ...b.header, alg: "ES256" }).sign(other.privateKey),
  ],
  [
    "an RSA key under the same key id",
    (b) => new SignJWT({ ...b.claims }).setProtectedHeader({ ...b.header, alg: "RS256" }).sign(rsa.privateKey),
  ],
  ["no alg", (b) => signRaw(b, '{"kid":"one","typ":"at+jwt"}', JSON.stringify(b.claims))],
  ["alg as a list", (b) => signed(b, { alg: ["ES256"] })],
  ["alg as a number", (b) => signed(b, { alg: 256 })],
  ["alg in lower case", (b) => signed(b, { alg: "es256" })],
  ["r and s of zero", (b) => withSignature(b, () => Buffer.alloc(64))],
  ["a signature one byte short", (b) => withSignature(b, (bytes) => bytes.subarray(1))],
  ["a signature one byte long", (b) => withSignature(b, (bytes) => Buffer.concat([bytes, Buffer.of(0)]))],
  [
    "a signature in DER",
    async (b) => {
      const input = (await good(b)).split(".").slice(0, 2).join(".");
      return `${input}.${signBytes("sha256", Buffer.from(input), KeyObject.from(b.issuer.key)).toString("base64url")}`;
    },
  ],
  ["no signature", (b) => withSignature(b, () => "")],
  [
    "one flipped bit in the signature",
    (b) => withSignature(b, (bytes) => (bytes.writeUInt8(bytes.readUInt8(9) ^ 1, 9), bytes)),
  ],
  [
    "claims changed under a good signature",
    async (b) => {
      const [first, , third] = (await good(b)).split(".");
      return `${first}.${encode({ ...b.claims, sub: "root" })}.${third}`;
    },
  ],
  ["a key id that is a path", (b) => signed(b, { kid: "../../../../dev/null" })],
  ["a key id that is SQL", (b) => signed(b, { kid: "' OR 1=1 --" })],
  ["a key id that is __proto__", (b) => signed(b, { kid: "__proto__" })],
  ["a key id of 8 kB", (b) => signed(b, { kid: "k".repeat(8_000) })],
  ["a key id that is a number", (b) => signed(b, { kid: 1 })],
  ["a key id that is null", (b) => signed(b, { kid: null })],
  ["an unknown critical extension", (b) => signed(b, { crit: ["x"], x: 1 })],
  ["an empty list of critical extensions", (b) => signed(b, { crit: [] })],
  ["an unencoded payload", (b) => signed(b, { b64: false, crit: ["b64"] })],
  ["the type of an ID token", (b) => signed(b, { typ: "JWT" })],
  ["the type of a logout token", (b) => signed(b, { typ: "logout+jwt" })],
  ["the type of a DPoP proof", (b) => signed(b, { typ: "dpop+jwt" })],
  ["no type", (b) => signed(b, { typ: undefined })],
  ["a type that only starts right", (b) => signed(b, { typ: "at+jwt2" })],
  [
    "an encrypted token",
    (b) =>
      new CompactEncrypt(Buffer.from(JSON.stringify(b.claims)))
        .setProtectedHeader({ alg: "ECDH-ES", enc: "A128GCM", kid: "one" })
        .encrypt(KeyObject.from(b.issuer.publicKey)),
  ],
  [
    "a compressed encrypted token",
    (b) => `${encode({ alg: "dir", enc: "A128GCM", zip: "DEF" })}..AAAA.${encode(b.claims)}.AAAA`,
  ],
  [
    "two billion PBKDF2 rounds",
    (b) =>
      `${encode({ alg: "PBES2-HS256+A128KW", enc: "A128GCM", p2c: 2e9, p2s: "AAAA" })}.AAAA.AAAA.${encode(b.claims)}.AAAA`,
  ],
  ["a PBES2 header in three parts", (b) => `${unsigned(b, { alg: "PBES2-HS256+A128KW", p2c: 2e9 })}.AAAA`],
  ["an extra part", async (b) => `${await good(b)}.AAAA`],
  ["an extra dot", async (b) => `${await good(b)}.`],
  ["padding", async (b) => `${await good(b)}=`],
  [
    "a non-canonical last character",
    (b) =>
      withSignature(b, (bytes) => {
        const text = bytes.toString("base64url");
        const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        return text.slice(0, -1) + (alphabet[alphabet.indexOf(text.at(-1) ?? "") | 1] ?? "");
      }),
  ],
  ["plain base64 in place of base64url", async (b) => (await good(b)).replaceAll("-", "+").replaceAll("_", "/") + "+"],
  [
    "a claim named twice",
    (b) => signRaw(b, JSON.stringify(b.header), JSON.stringify(b.claims).replace("{", '{"sub":"root",')),
  ],
  [
    "a claim named twice, once escaped",
    (b) => signRaw(b, JSON.stringify(b.header), JSON.stringify(b.claims).replace("{", '{"s\\u0075b":"root",')),
  ],
  [
    "a header member named twice",
    (b) => signRaw(b, JSON.stringify(b.header).replace("{", '{"alg":"none",'), JSON.stringify(b.claims)),
  ],
  ["claims that are a list", (b) => signRaw(b, JSON.stringify(b.header), "[]")],
  ["claims that are null", (b) => signRaw(b, JSON.stringify(b.header), "null")],
  ["claims that are not JSON", (b) => signRaw(b, JSON.stringify(b.header), "{iss:1}")],
  ["claims behind a byte order mark", (b) => signRaw(b, JSON.stringify(b.header), `\uFEFF${JSON.stringify(b.claims)}`)],
  ["another issuer", (b) => signed(b, {}, { iss: "https://other.example" })],
  ["the issuer with a slash", (b) => signed(b, {}, { iss: `${b.issuer.url}/` })],
  ["the issuer in capitals", (b) => signed(b, {}, { iss: b.issuer.url.toUpperCase() })],
  ["a list of issuers", (b) => signed(b, {}, { iss: [b.issuer.url] })],
  ["no issuer", (b) => signed(b, {}, { iss: undefined })],
  ["the gateway's own issuer", (b) => signed(b, {}, { iss: b.gateway.auth.issuer })],
  ["the issuer __proto__", (b) => signed(b, {}, { iss: "__proto__" })],
  ["no exp", (b) => signed(b, {}, { exp: undefined })],
  ["exp as text", (b) => signed(b, {}, { exp: String(later(b, 300)) })],
  ["exp null", (b) => signed(b, {}, { exp: null })],
  ["exp negative", (b) => signed(b, {}, { exp: -1 })],
  ["exp 1e999", (b) => claimJson(b, "exp", "1e999")],
  ["exp in milliseconds", (b) => signed(b, {}, { exp: later(b, 300) * 1_000_000 })],
  ["exp 61 s ago", (b) => signed(b, {}, { exp: later(b, -61) })],
  ["nbf in 61 s and more", (b) => signed(b, {}, { nbf: later(b, 65) })],
  ["nbf as text", (b) => signed(b, {}, { nbf: "0" })],
  ["iat in 61 s and more", (b) => signed(b, {}, { iat: later(b, 65) })],
  ["iat 1e999", (b) => claimJson(b, "iat", "1e999")],
  ["no sub", (b) => signed(b, {}, { sub: undefined })],
  ["an empty sub", (b) => signed(b, {}, { sub: "" })],
  ["sub as a number", (b) => signed(b, {}, { sub: 7 })],
  ["sub with a line break", (b) => signed(b, {}, { sub: "a\nb" })],
  ["scope as a map", (b) => signed(b, {}, { scope: { admin: true } })],
  ["groups with a map in it", (b) => signed(b, {}, { groups: [{}] })],
  [
    "six actors",
    (b) =>
      signed(
        b,
        {},
        {
          act: [1, 2, 3, 4, 5, 6].reduce<unknown>(
            (act, index) => ({ sub: `a${index}`, ...(act === undefined ? {} : { act }) }),
            undefined,
          ),
        },
      ),
  ],
  ["an actor without a name", (b) => signed(b, {}, { act: {} })],
  ["an actor that is a list", (b) => signed(b, {}, { act: [] })],
  ["a token bound to a key", (b) => signed(b, {}, { cnf: { jkt: "x" } })],
  ["17 kB", (b) => signed(b, {}, { filler: "x".repeat(17_000) })],
];

test.each(attacks)("refuses %s", async (_name, make) => {
  const b = await bench();
  const token = await make(b);
  const attempt = async () => b.gateway.authenticate("/mcp", { authorization: `Bearer ${token}` });
  const error = await attempt().then(
    (principal) => principal,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(GatewayError);
  expect(error).toMatchObject({ kind: "unauthenticated" });
});

test("the same bench accepts what is right, so the refusals above are for their own reason", async () => {
  const b = await bench();
  const fine: readonly (readonly [Record<string, unknown>, Record<string, unknown>])[] = [
    [{}, {}],
    [{ typ: "application/at+jwt" }, {}],
    [{ typ: "AT+JWT" }, {}],
    [{}, { exp: later(b, 300) + 0.5 }],
    [{}, { exp: later(b, -50) }],
    [{}, { nbf: later(b, 50), iat: later(b, 50) }],
    [{ kid: undefined }, {}],
  ];
  for (const [header, claims] of fine) {
    expect(
      await b.gateway.authenticate("/mcp", { authorization: `Bearer ${await signed(b, header, claims)}` }),
    ).toMatchObject({ subject: "alice" });
  }
});

test.each(["jku", "x5u"])("never calls an address in the header's %s", async (name) => {
  const b = await bench();
  const canary = await listen();
  let calls = 0;
  canary.handle((_request, response) => {
    calls += 1;
    response.end(JSON.stringify({ keys: [other.publicKey.export({ format: "jwk" })] }));
  });
  const token = await new SignJWT({ ...b.claims })
    .setProtectedHeader({ alg: "ES256", typ: "at+jwt", kid: "evil", [name]: `${canary.url}/keys` })
    .sign(other.privateKey);
  await expect(async () => b.gateway.authenticate("/mcp", { authorization: `Bearer ${token}` })).rejects.toMatchObject({
    kind: "unauthenticated",
  });
  expect(calls).toBe(0);
});

test.each(["jwk", "x5c"])("never trusts a key in the header's %s", async (name) => {
  const b = await bench();
  const value =
    name === "jwk"
      ? other.publicKey.export({ format: "jwk" })
      : [other.publicKey.export({ format: "der", type: "spki" }).toString("base64")];
  const token = await new SignJWT({ ...b.claims })
    .setProtectedHeader({ alg: "ES256", typ: "at+jwt", kid: "one", [name]: value })
    .sign(other.privateKey);
  await expect(async () => b.gateway.authenticate("/mcp", { authorization: `Bearer ${token}` })).rejects.toMatchObject({
    kind: "unauthenticated",
  });
});
