import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import axe from "axe-core";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { findChromium } from "./find-chromium.ts";

/** In which way a page is looked at. */
export interface Look {
  readonly theme: "light" | "dark";
  readonly width: "wide" | "phone";
}
export const wide: Look = { theme: "light", width: "wide" };

const sizes = { wide: { width: 1_440, height: 900 }, phone: { width: 390, height: 844 } } as const;
const pictures = resolve(import.meta.dirname, "../../../console-pictures");

/* Of one step: what takes longer is wrong, and is then named. */
const PATIENCE_MS = 12_000;

export async function openBrowser(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error("there is no Chromium here: run the tests by npm run console");
  // In a container there is no user to be kept from each other.
  return chromium.launch({ executablePath, args: ["--no-sandbox"] });
}

/** Cookies and storage of somebody who has signed in. */
export type SignedIn = Awaited<ReturnType<BrowserContext["storageState"]>>;

/** A page of the console, and everything that went wrong in it. */
export interface ConsolePage {
  readonly page: Page;
  /** Errors and warnings of the browser's console, violations of the content security policy among them, and requests to others. */
  readonly complaints: string[];
  /** Bytes that came over the wire for each address so far, bodies as they were sent. */
  transferred(): Promise<ReadonlyMap<string, number>>;
  close(): Promise<void>;
}

export async function openPage(
  browser: Browser,
  consoleUrl: string,
  look: Look = wide,
  signedIn?: SignedIn,
): Promise<ConsolePage> {
  const context = await browser.newContext({
    viewport: sizes[look.width],
    colorScheme: look.theme,
    baseURL: consoleUrl,
    ...(look.width === "phone" && { hasTouch: true, isMobile: true }),
    ...(signedIn !== undefined && { storageState: signedIn }),
  });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const complaints: string[] = [];
  const sizesOf: Promise<readonly [string, number]>[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning")
      complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(`thrown: ${error.message}`));
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== consoleUrl) complaints.push(`asked elsewhere: ${request.url()}`);
  });
  page.on("requestfinished", (request) => {
    if (request.url().endsWith("/api/live")) return;
    const size = request
      .sizes()
      .then(({ responseBodySize, responseHeadersSize }): readonly [string, number] => [
        request.url(),
        responseBodySize + responseHeadersSize,
      ]);
    // Of a page that is closed nobody asks any more.
    size.catch(() => undefined);
    sizesOf.push(size);
  });
  return {
    page,
    complaints,
    transferred: async () => new Map(await Promise.all(sizesOf)),
    close: () => context.close(),
  };
}

/** Keeps a picture of what is in view; `console-pictures/NAME.png`. */
export async function picture(page: Page, name: string): Promise<void> {
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: `${pictures}/${name}.png`, animations: "disabled" });
}

interface Violation {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

/** What axe finds of serious or critical impact, a line each. */
export async function seriousFindings(page: Page): Promise<readonly string[]> {
  // A script element would need a trusted type: the pages' policy allows none. An evaluation comes from the debugger.
  await page.evaluate(axe.source);
  const violations = await page.evaluate<readonly Violation[]>(
    "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations)",
  );
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary}`),
    );
}
