import { createHash } from "node:crypto";
import type { ServerResponse } from "node:http";

const STYLE = `
:root{color-scheme:light dark;--line:#8884;--accent:#1f5fbf;--accent-text:#fff}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;font:16px/1.5 system-ui,sans-serif;padding:1.5rem}
main{width:100%;max-width:26rem;border:1px solid var(--line);border-radius:.75rem;padding:2rem}
h1{font-size:1.375rem;line-height:1.3;margin:0 0 .75rem}
p{margin:0 0 1rem}
dl{margin:0 0 1.25rem;border-top:1px solid var(--line)}
dl>div{padding:.6rem 0;border-bottom:1px solid var(--line)}
dt{font-size:.875rem;opacity:.75}
dd{margin:0;overflow-wrap:anywhere}
ul{margin:0;padding-left:1.1rem}
label{display:block;font-weight:600;margin:0 0 .25rem}
input{width:100%;font:inherit;padding:.6rem .7rem;margin:0 0 1rem;border:1px solid #888;border-radius:.4rem;background:Field;color:FieldText}
button{font:inherit;font-weight:600;padding:.6rem 1.1rem;border-radius:.4rem;border:1px solid var(--accent);background:var(--accent);color:var(--accent-text);cursor:pointer}
button.plain{background:transparent;color:inherit;border-color:#888}
:focus-visible{outline:3px solid #f5a623;outline-offset:2px}
.actions{display:flex;gap:.75rem;flex-wrap:wrap}
.alert{border-left:4px solid #c0392b;padding:.5rem .75rem;background:#c0392b1a}
.note{border-left:4px solid #b9770e;padding:.5rem .75rem;background:#b9770e1a}
`;

/* Put together outside of any template that a formatter may indent: the policy allows exactly these bytes. */
const styleElement: Html = { html: `<style>${STYLE}</style>` };
const STYLE_HASH = createHash("sha256").update(STYLE).digest("base64");

/** HTML that was put together with `html` and may be placed into more of it as it is. */
export interface Html {
  readonly html: string;
}

const escapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
const escape = (text: string): string => text.replaceAll(/[&<>"']/g, (sign) => escapes[sign] ?? "");

/** A template whose values are escaped unless they are Html. */
export function html(parts: TemplateStringsArray, ...values: readonly (string | Html | readonly Html[])[]): Html {
  const text = parts.reduce((before, part, index) => {
    const value = values[index - 1] ?? "";
    const shown =
      typeof value === "string" ? escape(value) : "html" in value ? value.html : value.map((one) => one.html).join("");
    return before + shown + part;
  });
  return { html: text };
}

/**
 * Answers with a page that loads nothing, runs nothing and cannot be framed. `formTarget` is the origin or scheme a form's redirects may
 * end at: browsers apply form-action to redirects too.
 */
export function sendPage(
  response: ServerResponse,
  status: number,
  title: string,
  content: Html,
  formTarget?: string,
): void {
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <title>${title} · Sallyport</title>
        ${styleElement}
      </head>
      <body>
        <main>
          <h1>${title}</h1>
          ${content}
        </main>
      </body>
    </html> `.html;
  response.writeHead(status, {
    "content-type": "text/html; charset=utf-8",
    "content-length": Buffer.byteLength(page),
    "cache-control": "no-store",
    "content-security-policy": `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; form-action 'self'${formTarget === undefined ? "" : ` ${formTarget}`}; frame-ancestors 'none'; base-uri 'none'`,
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    // Not `no-referrer`: browsers then send `Origin: null` with the form, and a gateway refuses that as a foreign page.
    "referrer-policy": "same-origin",
  });
  response.end(page);
}
