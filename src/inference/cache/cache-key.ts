import { createHash } from "node:crypto";
import type { Partition } from "./answer-cache.ts";

/** What else two calls must agree in for one's answer to be the other's. */
export interface CallIdentity {
  /** The caller's wire format and what is asked, such as `openai chat.completions`. */
  readonly method: string;
  readonly stream: boolean;
  /** Those of the caller's headers that a provider is told. */
  readonly headers: Readonly<Record<string, string>>;
  /** The request's body as it was parsed, and the bytes it was parsed from. */
  readonly body: unknown;
  readonly bytes: Buffer;
  /** Where the question stands in the body; undefined: nowhere that it could be told from the rest. */
  readonly question: QuestionPlace | undefined;
}

export interface QuestionPlace {
  readonly text: string;
  /** The object in the body whose member `name` is the text. */
  readonly holder: object;
  readonly name: string;
}

export interface CallKeys {
  /** Of the whole call: equal calls have the same. */
  readonly key: string;
  /** Of the partition and all of the call but its question. */
  readonly fingerprint: string;
}

/* Says which cache of the provider to use, and nothing of the answer. `stream` is part of the identity by itself: false is the same as nothing. */
const aside: ReadonlySet<string> = new Set(["prompt_cache_key", "stream"]);

/**
 * SHA-256 over the partition and the call, members in one order whatever theirs was. A collision would be somebody else's answer, so
 * nothing shorter will do. The end user's name (`user`, `metadata`) is part of the call: one key may serve many people.
 */
export function toCallKeys(partition: Partition, call: CallIdentity): CallKeys {
  const { tenant, principal, permissions, model, modelIdentity, policyHash } = partition;
  const writer = new CanonicalWriter(call.question);
  /* As JSON, so that no two lists of names read the same when they are joined. */
  writer.write([tenant, principal ?? null, permissions, model, modelIdentity, policyHash, call.method, call.stream]);
  writer.write(call.headers);
  writer.write(call.body, aside);
  const hash = createHash("sha256").update(writer.text);
  /* Numbers that JavaScript cannot tell from their neighbours, and servers in other languages can: then every byte counts. */
  if (writer.inexact) hash.update(call.bytes);
  const fingerprint = hash.digest("base64url");
  return { fingerprint, key: toKey(fingerprint, call.question?.text) };
}

/** The key of a call, from its fingerprint and the text of its question. */
export function toKey(fingerprint: string, text: string | undefined): string {
  const rest = text === undefined ? "" : JSON.stringify(text);
  return createHash("sha256").update(`${fingerprint} ${rest}`).digest("base64url");
}

/* JSON with the members of every object sorted by name, and a mark that is no JSON in place of the question. */
class CanonicalWriter {
  text = "";
  inexact = false;
  readonly #question: QuestionPlace | undefined;

  constructor(question: QuestionPlace | undefined) {
    this.#question = question;
  }

  /** `without`: members of the outermost object that are left out. */
  write(value: unknown, without?: ReadonlySet<string>): void {
    if (Array.isArray(value)) {
      this.text += "[";
      for (const each of value as readonly unknown[]) {
        this.write(each);
        this.text += ",";
      }
      this.text += "]";
      return;
    }
    if (typeof value === "object" && value !== null) return this.#writeObject(value, without);
    if (
      typeof value === "number" &&
      (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value)))
    )
      this.inexact = true;
    this.text += JSON.stringify(value) ?? "null";
  }

  #writeObject(value: object, without: ReadonlySet<string> | undefined): void {
    const fields = value as Readonly<Record<string, unknown>>;
    const asked = this.#question?.holder === value ? this.#question.name : undefined;
    this.text += "{";
    for (const name of Object.keys(fields).toSorted()) {
      if (without?.has(name) === true) continue;
      this.text += `${JSON.stringify(name)}:`;
      if (name === asked) this.text += "?";
      else this.write(fields[name]);
      this.text += ",";
    }
    this.text += "}";
  }
}
