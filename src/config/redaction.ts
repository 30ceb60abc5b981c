/** Blanks out secrets in a text. */
export type Redaction = (text: string) => string;

export const HIDDEN = "[secret]";

/* Shorter values are too common in ordinary text to be blanked out wherever they occur; nothing prints them in the first place. */
const SHORTEST = 4;

/** A redaction of these values, also where they stand escaped inside JSON or a URL. */
export function createRedaction(secrets: Iterable<string>): Redaction {
  const forms = new Set<string>();
  for (const secret of secrets) {
    if (secret.length < SHORTEST) continue;
    for (const form of [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret.toWellFormed())])
      forms.add(form);
  }
  /* Longest first: a secret that holds another one is blanked out as a whole. */
  const ordered = [...forms].toSorted((a, b) => b.length - a.length);
  return (text) => ordered.reduce((current, form) => current.replaceAll(form, HIDDEN), text);
}
