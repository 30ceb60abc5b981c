import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { QuickstartProcess } from "../../../src/cli/quickstart-process.ts";
import type { ChainList, OperationRecord } from "../../../src/console/api/chains.ts";
import { burnTrialBudget, makeTraffic, signIn, startConsole } from "./browser-scene.ts";
import { type Look, openBrowser, openPage, picture, seriousFindings, type SignedIn } from "./console-browser.ts";

let gateway: QuickstartProcess;
let browser: Browser;
let olga: SignedIn;

beforeAll(async () => {
  [gateway, browser] = await Promise.all([startConsole(), openBrowser()]);
  olga = await signIn(browser, gateway.adminUrl, "olga");
  await makeTraffic(gateway);
  await burnTrialBudget(gateway);
}, 90_000);
afterAll(async () => {
  await browser.close();
  expect(await gateway.stop()).toBe(0);
});

const looks: readonly (readonly [string, Look])[] = [
  ["light", { theme: "light", width: "wide" }],
  ["dark", { theme: "dark", width: "wide" }],
  ["phone", { theme: "light", width: "phone" }],
  ["dark-phone", { theme: "dark", width: "phone" }],
];

/** A chain in which agents, tools and models took part. */
async function longestChain(): Promise<string> {
  const { chains } = (await (await gateway.admin("/api/chains?sort=calls&limit=50")).json()) as ChainList;
  const chain = chains.find(({ targets }) => targets.some((target) => target.includes("researcher")));
  return chain?.chainId ?? "";
}

/** The call that the trial budget had no room for. */
async function refusedCall(): Promise<string> {
  const { records } = (await (await gateway.admin("/api/journal?outcome=failed&limit=200")).json()) as {
    readonly records: readonly OperationRecord[];
  };
  const refused = records.find(({ kind }) => kind === "budget_exhausted");
  return `${refused?.chainId}?op=${refused?.operationId}`;
}

const places: readonly (readonly [string, () => string | Promise<string>])[] = [
  ["overview", () => "/"],
  ["overview-15m", () => "/?window=15m"],
  ["chains", () => "/chains"],
  ["chains-dearest", () => "/chains?sort=cost"],
  ["chains-denied", () => "/chains?outcome=denied"],
  ["chains-of-a-rule", () => `/chains?${new URLSearchParams({ rule: "no way out", from: "1700000000000" })}`],
  [
    "chains-of-a-budget",
    () => `/chains?${new URLSearchParams({ charged: "trial", under: "2500 tokens/day", sort: "used" })}`,
  ],
  ["chains-with-handshakes", () => "/chains?idle=shown"],
  ["chains-none", () => "/chains?q=nobody-ever-called-this"],
  ["chain", async () => `/chains/${await longestChain()}`],
  ["chain-refused", async () => `/chains/${await refusedCall()}`],
  ["policies", () => "/policies"],
  ["models", () => "/models"],
  ["connect", () => "/connect"],
  ["connect-langgraph", () => "/connect?with=LangGraph&model=claude"],
];

describe.for(looks)("%s", ([name, look]) => {
  test.for(places)("%s shows what it should, whole, quietly and for everybody", async ([what, address]) => {
    const { page, complaints, close } = await openPage(browser, gateway.adminUrl, look, olga);
    await page.goto(await address());
    await page.locator("h1").waitFor();
    await expect.poll(() => page.locator(".skeleton").count(), { timeout: 10_000 }).toBe(0);
    expect(await page.getByRole("alert").count()).toBe(0);
    await picture(page, `${what}-${name}`);
    expect(await seriousFindings(page)).toEqual([]);
    expect(await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")).toBe(0);
    expect(complaints).toEqual([]);
    await close();
  });

  test("the detail of a call, the picks and the shortcuts are for everybody too", async () => {
    const { page, complaints, close } = await openPage(browser, gateway.adminUrl, look, olga);
    await page.goto(`/chains/${await longestChain()}`);
    await page.getByRole("treegrid").getByRole("row", { name: /small/ }).first().click();
    await page.getByRole("heading", { name: "Its way through the gateway" }).waitFor();
    await picture(page, `call-${name}`);
    expect(await seriousFindings(page)).toEqual([]);
    await page.goto("/models");
    await page.locator("summary").first().click();
    await page.getByRole("region", { name: "Scores of pool local" }).waitFor();
    await picture(page, `picks-${name}`);
    expect(await seriousFindings(page)).toEqual([]);
    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
    await picture(page, `shortcuts-${name}`);
    expect(await seriousFindings(page)).toEqual([]);
    expect(complaints).toEqual([]);
    await close();
  });

  test("the sign-in page is for everybody too", async () => {
    const { page, complaints, close } = await openPage(browser, gateway.adminUrl, look);
    await page.goto("/models");
    await page.getByRole("link", { name: "Sign in", exact: true }).waitFor();
    await picture(page, `sign-in-${name}`);
    expect(await seriousFindings(page)).toEqual([]);
    expect(complaints).toEqual([]);
    await close();
  });
});
