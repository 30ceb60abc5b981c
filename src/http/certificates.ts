import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { createSecureContext, type SecureContext } from "node:tls";
import type { Log } from "../core/log.ts";
import type { CertificateConfig } from "./listeners-config.ts";
import { followTlsFiles, type TlsPair } from "./tls-files.ts";

/** What is wrong with a certificate or its key. */
export interface CertificateFault {
  readonly part: "cert" | "key";
  readonly message: string;
}

const isPem = (text: string) => /^\s*-----BEGIN /.test(text);

/** Why texts cannot be served, or files not be read; undefined: they can. */
export function pairFault({ cert, key }: CertificateConfig, baseDir: string): CertificateFault | undefined {
  if (isPem(cert) !== isPem(key)) return { part: "key", message: "give both as PEM text, or both as files" };
  if (isPem(cert)) return certificateFault(cert, key);
  const missing = readFiles({ cert, key }, baseDir).findIndex((text) => text === undefined);
  if (missing < 0) return undefined;
  return { part: missing === 0 ? "cert" : "key", message: "there is no such file, or it may not be read" };
}

/**
 * Why what is in these files cannot be served; undefined: it can, or they are none. They may be about to be replaced, one after the
 * other, so that it is no reason to refuse anything.
 */
export function fileFault(pair: CertificateConfig, baseDir: string): CertificateFault | undefined {
  if (isPem(pair.cert)) return undefined;
  const [cert, key] = readFiles(pair, baseDir);
  return cert === undefined || key === undefined ? undefined : certificateFault(cert, key);
}

const readFiles = ({ cert, key }: CertificateConfig, baseDir: string) =>
  [cert, key].map((name) => readText(resolve(baseDir, name)));

/** Why these PEM texts cannot be served; undefined: they can. */
export function certificateFault(cert: string, key: string): CertificateFault | undefined {
  const read = <T>(make: () => T): T | undefined => {
    try {
      return make();
    } catch {
      return undefined;
    }
  };
  const certificate = read(() => new X509Certificate(cert));
  if (certificate === undefined) return { part: "cert", message: "this is no certificate in PEM" };
  const privateKey = read(() => createPrivateKey(key));
  if (privateKey === undefined) return { part: "key", message: "this is no private key in PEM without a passphrase" };
  if (!certificate.checkPrivateKey(privateKey))
    return { part: "key", message: "this is the key of another certificate" };
  const loads = read(() => createSecureContext({ cert, key })) !== undefined;
  return loads ? undefined : { part: "cert", message: "the certificate or its chain does not load" };
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

/** The certificates of one listener, by the name that a caller asks for. */
export interface Certificates {
  /** One that names it, one whose wildcard does, or the first; undefined while none is loaded. */
  contextFor(serverName: string): SecureContext | undefined;
  /** The first of them that is loaded. */
  first(): TlsPair | undefined;
  /** Stops looking for changes of files. */
  close(): void;
}

export interface CertificatesOptions {
  readonly configs: readonly CertificateConfig[];
  /** Files are looked for from here. */
  readonly baseDir: string;
  readonly log: Log;
  /** Told when files have changed and their new content is in use. */
  readonly changed: () => void;
}

interface Loaded {
  readonly pair: TlsPair;
  readonly names: X509Certificate;
  readonly context: SecureContext;
}

/** Loads certificates. One in a file that does not load is left out until the file is mended, and the log says so. */
export async function openCertificates({ configs, baseDir, log, changed }: CertificatesOptions): Promise<Certificates> {
  const loaded: (Loaded | undefined)[] = configs.map(() => undefined);
  const stops: (() => void)[] = [];
  for (const [index, { cert, key }] of configs.entries()) {
    const take = (pair: TlsPair) => {
      const context = createSecureContext(pair);
      loaded[index] = { pair, names: new X509Certificate(pair.cert), context };
    };
    if (isPem(cert)) {
      // What was checked loads; a configuration that was made in another way must not take the other certificates with it.
      try {
        take({ cert, key, minVersion: "TLSv1.2" });
      } catch (error) {
        log.warn({ certificate: index, error: String(error) }, "a certificate does not load");
      }
    } else {
      const files = { cert: resolve(baseDir, cert), key: resolve(baseDir, key) };
      const takeAnew = (pair: TlsPair) => {
        take(pair);
        changed();
      };
      stops.push(await followTlsFiles(files, takeAnew, log));
    }
  }
  const all = () => loaded.filter((each) => each !== undefined);
  return {
    contextFor(serverName) {
      let fitting: Loaded | undefined;
      for (const each of all()) {
        const name = each.names.checkHost(serverName, { partialWildcards: false });
        if (name?.toLowerCase() === serverName) return each.context;
        if (name !== undefined) fitting ??= each;
      }
      return (fitting ?? all()[0])?.context;
    },
    first: () => all()[0]?.pair,
    close() {
      for (const stop of stops) stop();
    },
  };
}
