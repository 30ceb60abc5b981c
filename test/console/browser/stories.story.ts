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

test("a person finds in the console alone why a call was denied, and what to change", async () => {
  const { page, complaints, close } = await openPage(browser, gateway.adminUrl, undefined, vera);
  await page.goto("/");
  // The overview names the rule; its link leads to the chains with refused calls.
  await page.getByRole("link", { name: "no way out", exact: true }).click();
  await page.getByRole("heading", { name: "Chains", exact: true }).waitFor();
  expect(new URL(page.url()).searchParams.get("outcome")).toBe("denied");
  await page
    .getByRole("row", { name: /^denied: .*read_file/ })
    .first()
    .click();
  await page.getByRole("row", { name: /read_file.*denied/ }).click();
  const detail = detailOf(page);
  await detail.getByRole("heading", { name: "The rule that decided" }).waitFor();
  const said = await detail.innerText();
  expect(said).toContain("no way out");
  expect(said).toContain('mcp.tool.arguments.path.contains("..")');
  expect(said).toContain("tools.yaml");
  expect(said).toContain("What to change");
  await picture(page, "story-denied");
  // The address alone leads back here.
  await page.reload();
  await detailOf(page).getByRole("heading", { name: "The rule that decided" }).waitFor();
  expect(complaints).toEqual([]);
  await close();
});

test("a person follows the chain that burnt a budget to the offending call", async () => {
  const { page, complaints, close } = await openPage(browser, gateway.adminUrl, undefined, vera);
  await page.goto("/");
  const budget = page.getByRole("listitem").filter({ hasText: "2500 tokens/day" });
  await budget.getByRole("link", { name: "Refused calls" }).click();
  await page
    .getByRole("row", { name: /^limited: / })
    .first()
    .click();
  await page
    .getByRole("row", { name: /small.*limited/ })
    .first()
    .click();
  const refused = detailOf(page);
  await refused.getByRole("heading", { name: "Who used it up" }).waitFor();
  expect(await refused.innerText()).toContain("2500 tokens/day");
  await picture(page, "story-budget-refused");
  // Dearest first: one call took nearly all of it.
  await refused
    .getByRole("heading", { name: "Who used it up" })
    .locator("xpath=following-sibling::ul[1]")
    .getByRole("link")
    .first()
    .click();
  const offending = detailOf(page);
  await offending.getByRole("heading", { name: "wordy" }).waitFor();
  const said = await offending.innerText();
  expect(said).toMatch(/trial/);
  expect(said).toMatch(/1,9\d\d tokens|2,\d\d\d tokens/);
  await picture(page, "story-budget-offender");
  expect(complaints).toEqual([]);
  await close();
});
