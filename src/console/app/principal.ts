/** A principal's id in two words: who it is, and who says so. */
export interface PrincipalWords {
  readonly name: string;
  readonly by: string;
}

const own: Readonly<Record<string, string>> = {
  "urn:sallyport:key": "key",
  "urn:sallyport:anonymous": "no credential",
};
const ACCOUNT = "system:serviceaccount:";

/** `https://login.example.com#app` is `app` by `login.example.com`; a service account is named with its namespace. */
export function principalWords(id: string): PrincipalWords {
  /* An issuer has no fragment, a subject may have anything. */
  const cut = id.indexOf("#");
  if (cut === -1 || cut === id.length - 1) return { name: id, by: "" };
  const [issuer, subject] = [id.slice(0, cut), id.slice(cut + 1)];
  const name = subject.startsWith(ACCOUNT) ? subject.slice(ACCOUNT.length).replace(":", "/") : subject;
  return { name, by: own[issuer] ?? hostOf(issuer) };
}

/** Who it is, without who says so. */
export const principalName = (id: string | null): string => (id === null ? "unknown" : principalWords(id).name);

const hostOf = (issuer: string): string => {
  const host = URL.parse(issuer)?.host ?? "";
  return host === "" ? issuer : host;
};
