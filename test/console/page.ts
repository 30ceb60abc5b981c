/** What a page of the console does: keeps the console's cookies, and says where it comes from when it changes something. */
export interface Page {
  open(path: string, headers?: Readonly<Record<string, string>>): Promise<Response>;
  send(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Response>;
  /** Goes through the sign-in page of the authorization server; gives where the browser ends. */
  signIn(name: string, password: string, to?: string): Promise<string>;
  /** The same from the address on that the console has led to. */
  finishSignIn(begun: string, name: string, password: string): Promise<string>;
  readonly cookies: Map<string, string>;
}

export function openPage(consoleUrl: string): Page {
  /* One host, and so one jar: ports do not part cookies. */
  const cookies = new Map<string, string>();
  async function go(url: string, init: RequestInit = {}): Promise<Response> {
    const jar = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = { ...(init.headers as Record<string, string>), ...(jar !== "" && { cookie: jar }) };
    const response = await fetch(url, { ...init, headers, redirect: "manual" });
    for (const line of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === "" || /max-age=0|expires=thu, 01 jan 1970/i.test(line)) cookies.delete(name);
      else cookies.set(name, value);
    }
    return response;
  }

  /** Follows redirects as far as a page. */
  async function follow(url: string, init: RequestInit = {}): Promise<{ url: string; response: Response }> {
    let at = url;
    let response = await go(at, init);
    for (let hop = 0; hop < 10; hop++) {
      const location = response.headers.get("location");
      if (location === null) break;
      at = new URL(location, at).href;
      response = await go(at);
    }
    return { url: at, response };
  }

  async function finishSignIn(begun: string, name: string, password: string): Promise<string> {
    let at = await follow(begun);
    /* The password, and where the authorization server wants it consent. */
    for (const fields of [{ action: "login", name, password }, { action: "allow" }]) {
      const csrf = /name="csrf" value="([^"]+)"/.exec(await at.response.clone().text())?.[1];
      if (csrf === undefined) break;
      const { origin } = new URL(at.url);
      const body = new URLSearchParams({ csrf, ...fields });
      at = await follow(at.url, { method: "POST", headers: { origin }, body });
    }
    return at.url;
  }

  return {
    cookies,
    open: (path, headers = {}) => go(consoleUrl + path, { headers }),
    send: (method, path, body, headers = {}) =>
      go(consoleUrl + path, {
        method,
        headers: { origin: consoleUrl, "x-sallyport-console": "1", "content-type": "application/json", ...headers },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    signIn: (name, password, to = "/chains") =>
      finishSignIn(`${consoleUrl}/signin?to=${encodeURIComponent(to)}`, name, password),
    finishSignIn,
  };
}
