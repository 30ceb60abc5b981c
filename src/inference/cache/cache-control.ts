/** What a caller asks of the cache (RFC 9111, section 5.2.1); what is not known is passed over. */
export interface CacheDemand {
  /** Nothing that was kept: the answer is to be made anew, and is kept in place of the former one. */
  readonly isFresh: boolean;
  /** The cache is to have no part in it. */
  readonly isApart: boolean;
  /** Nothing but what was kept. */
  readonly isStored: boolean;
  readonly maxAgeMs: number;
}

const none: CacheDemand = { isFresh: false, isApart: false, isStored: false, maxAgeMs: Number.POSITIVE_INFINITY };

/** Reads a request's `cache-control`. */
export function readCacheControl(header: string | undefined): CacheDemand {
  if (header === undefined || header === "") return none;
  let { isFresh, isApart, isStored, maxAgeMs } = none;
  for (const directive of header.split(",")) {
    const [name = "", value = ""] = directive.split("=", 2).map((part) => part.trim().toLowerCase());
    if (name === "no-cache") isFresh = true;
    else if (name === "no-store") isApart = true;
    else if (name === "only-if-cached") isStored = true;
    /* An age that cannot be read is none: what is doubtful is too old (section 4.2.1). */
    else if (name === "max-age")
      maxAgeMs = /^"?\d{1,12}"?$/.test(value) ? Number(value.replaceAll('"', "")) * 1_000 : 0;
  }
  /* Nothing that was kept is that young. */
  if (maxAgeMs === 0) isFresh = true;
  return { isFresh, isApart, isStored, maxAgeMs };
}

/** Whether a provider forbids that its answer is kept. `no-cache` is said of every stream and of none in particular. */
export function forbidsStoring(header: string | undefined): boolean {
  return header !== undefined && /(?:^|,)\s*no-store\s*(?:,|$)/i.test(header);
}
