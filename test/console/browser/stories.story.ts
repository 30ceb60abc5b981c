import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { QuickstartProcess } from "../../../src/cli/quickstart-process.ts";
import { burnTrialBudget, makeTraffic, signIn, startConsole } from "./browser-scene.ts";
import { openBrowser, openPage, picture, type SignedIn } from "./console-browser.ts";

let gateway: QuickstartProcess;
let browser: Browser;
let vera: SignedIn;

beforeAll(async () => {
  [gateway, browser] = await Promise.all([startConsole(), openBrowser()]);
  vera = await signIn(browser, gateway.adminUrl, "vera");
  await makeTraffic(gateway);
  await burnTrialBudget(gateway);
}, 90_000);
afterAll(async () => {
  await browser.close();
  expect(await gateway.stop()).toBe(0);
});

const detailOf = (page: Page) => page.getByRole("region", { name: "Detail of the call" });

/* Raw instants and ids are for programs. */
const unread = /\d{4}-\d{2}-\d{2}T\d{2}:\d{2}|https?:\/\/\S+#/;

test("a person finds in the console alone why a call was denied, and what to change", async () => {
  const { page, complaints, close } = await openPage(browser, gateway.adminUrl, undefined, vera);
  await page.goto("/");
  // The overview names the rule; its link leads to the chains that this rule denied, and to no others.
  await page.getByRole("link", { name: "no way out", exact: true }).click();
  await page.getByRole("heading", { name: "Chains", exact: true }).waitFor();
  expect(new URL(page.url()).searchParams.get("rule")).toBe("no way out");
  await page.getByText("Denied by the rule no way out").waitFor();
  await page.getByText("1 chain with calls").waitFor();
  await picture(page, "story-chains-of-a-rule");
  await page.getByRole("row", { name: /^denied by no way out: read_file/ }).click();
  await page.getByRole("row", { name: /read_file.*denied/ }).click();
  const detail = detailOf(page);
  await detail.getByRole("heading", { name: "The rule that decided" }).waitFor();
  const said = await detail.innerText();
  expect(said).toContain("no way out");
  expect(said.split('mcp.tool.arguments.path.contains("..")')).toHaveLength(2);
  expect(said).toContain("tools.yaml");
  expect(said).toContain("What to change");
  await picture(page, "story-denied");
  // The address alone leads back here.
  await page.reload();
  await detailOf(page).getByRole("heading", { name: "The rule that decided" }).waitFor();
  // Without the rule there are those that others denied too.
  await page.goto("/chains?outcome=denied");
  await page.getByText("2 chains with calls").waitFor();
  expect(complaints).toEqual([]);
  await close();
});

test("a person follows the chain that burnt a budget to the offending call", async () => {
  const { page, complaints, close } = await openPage(browser, gateway.adminUrl, undefined, vera);
  await page.goto("/");
  const budget = page.getByRole("listitem").filter({ hasText: "2500 tokens/day" });
  await budget.getByRole("link", { name: "Refused calls" }).click();
  await page.getByText("Refused by the budget trial").waitFor();
  await page.getByRole("row", { name: /^limited by the budget trial: / }).click();
  await page
    .getByRole("row", { name: /small.*limited/ })
    .first()
    .click();
  const refused = detailOf(page);
  await refused.getByRole("heading", { name: "Who used it up" }).waitFor();
  const why = await refused.innerText();
  expect(why).toContain("2500 tokens/day");
  expect(why).toMatch(/resets (today|tomorrow \(\w+ \d+\)) at \d\d:\d\d/);
  expect(why.slice(0, why.indexOf("Figures"))).not.toMatch(unread);
  // What one came for is in view without scrolling.
  const culprit = refused.getByRole("list", { name: "Chains that used most of it" }).getByRole("link").first();
  const { y, height } = (await culprit.boundingBox()) ?? { y: Number.NaN, height: 0 };
  expect(y + height).toBeLessThan(page.viewportSize()?.height ?? 0);
  await picture(page, "story-budget-refused");
  await culprit.click();
  const offending = detailOf(page);
  await offending.getByRole("heading", { name: "wordy" }).waitFor();
  const said = await offending.innerText();
  expect(said).toMatch(/trial/);
  expect(said).toMatch(/1,9\d\d tokens|2,\d\d\d tokens/);
  await picture(page, "story-budget-offender");
  expect(complaints).toEqual([]);
  await close();
});

test("a budget leads to the chains that used it, the one that took most first", async () => {
  const { page, complaints, close } = await openPage(browser, gateway.adminUrl, undefined, vera);
  await page.goto("/");
  const budget = page.getByRole("listitem").filter({ hasText: "2500 tokens/day" });
  await budget.getByRole("link", { name: "Who used it" }).click();
  await page.getByText("Charged in the budget trial (2500 tokens/day)").waitFor();
  const row = page.getByRole("row", { name: /by trial/ });
  await row.waitFor();
  expect(await row.innerText()).toMatch(/2,\d\d\d tokens/);
  // Others spent too, and not from this budget.
  await page.getByText("1 chain with calls").waitFor();
  await page.getByRole("button", { name: /^No longer: Charged in/ }).click();
  await page.getByText(/^\d\d chains with calls/).waitFor();
  expect(complaints).toEqual([]);
  await close();
});
