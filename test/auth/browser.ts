/** What a browser does of its own: keeps cookies by path and follows redirects on one origin. */
export interface Browser {
  /** Follows redirects on this origin; a redirect elsewhere is returned as `location`. */
  open(
    url: string,
    init?: { method?: string; body?: URLSearchParams; headers?: Record<string, string> },
  ): Promise<{ status: number; text: string; url: string; location: string | undefined; headers: Headers }>;
  /** Fills in the form of a page and presses one of its buttons. */
  submit(
    page: { text: string; url: string; headers: Headers },
    fields: Record<string, string>,
  ): ReturnType<Browser["open"]>;
}

export function openBrowser(origin: string): Browser {
  const jar = new Map<string, { value: string; path: string }>();
  const cookiesFor = (path: string): string =>
    [...jar]
      .filter(([, cookie]) => path.startsWith(cookie.path))
      .map(([key, { value }]) => `${key.split("@")[0]}=${value}`)
      .join("; ");

  const open: Browser["open"] = async (url, init = {}) => {
    let target = new URL(url);
    let { method = "GET", body } = init;
    for (let hop = 0; hop < 10; hop += 1) {
      const cookie = cookiesFor(target.pathname);
      const response = await fetch(target, {
        method,
        ...(body === undefined ? {} : { body }),
        redirect: "manual",
        headers: { accept: "text/html", ...init.headers, ...(cookie === "" ? {} : { cookie }) },
      });
      for (const line of response.headers.getSetCookie()) {
        const [pair = "", ...attributes] = line.split(";").map((part) => part.trim());
        const at = pair.indexOf("=");
        const path = attributes.find((attribute) => /^path=/i.test(attribute))?.slice(5) ?? "/";
        const key = `${pair.slice(0, at)}@${path}`;
        if (/expires=thu, 01 jan 1970/i.test(line)) jar.delete(key);
        else jar.set(key, { value: pair.slice(at + 1), path });
      }
      const location = response.headers.get("location");
      if (location === null)
        return {
          status: response.status,
          text: await response.text(),
          url: target.href,
          location: undefined,
          headers: response.headers,
        };
      const next = new URL(location, target);
      if (next.origin !== origin)
        return { status: response.status, text: "", url: target.href, location: next.href, headers: response.headers };
      [target, method, body] = [next, "GET", undefined];
    }
    throw new Error("too many redirects");
  };
  return {
    open,
    submit(page, fields) {
      const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? "";
      // Fetch, "append a request Origin header": a page without referrer posts as nobody, even to its own site.
      const posts = page.headers.get("referrer-policy") === "no-referrer" ? "null" : origin;
      return open(page.url, {
        method: "POST",
        body: new URLSearchParams({ csrf, ...fields }),
        headers: { origin: posts },
      });
    },
  };
}
