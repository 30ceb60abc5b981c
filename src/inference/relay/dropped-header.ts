const MOST_NAMES = 16;

/** Tells a caller which of their request's fields a provider of another dialect was not sent. */
export function toDroppedHeader(names: Iterable<string>): Record<string, string> {
  // The names are the caller's own: nothing that could end a header line.
  const shown = [...names].filter((name) => /^[\w.-]{1,64}$/.test(name)).slice(0, MOST_NAMES);
  return shown.length === 0 ? {} : { "x-sallyport-dropped": shown.join(", ") };
}
