import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import OpenAI from "openai";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { QuickstartProcess } from "../../../src/cli/quickstart-process.ts";
import { makeTraffic, signIn, startConsole } from "./browser-scene.ts";
import { openBrowser, openPage, picture, type SignedIn } from "./console-browser.ts";

const dataDir = mkdtempSync(join(tmpdir(), "sallyport-states-"));
let gateway: QuickstartProcess;
let browser: Browser;
let olga: SignedIn;

beforeAll(async () => {
  [gateway, browser] = await Promise.all([startConsole({ dataDir }), openBrowser()]);
  olga = await signIn(browser, gateway.adminUrl, "olga");
  await makeTraffic(gateway);
}, 90_000);
afterAll(async () => {
  await browser.close();
  await gateway.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

const open = () => openPage(browser, gateway.adminUrl, undefined, olga);
const focused = (page: Page) =>
  page.evaluate<string>(
    "document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? ''",
  );

async function ask(model: string): Promise<void> {
  const openai = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: await gateway.token(), maxRetries: 0 });
  await openai.chat.completions.create({ model, messages: [{ role: "user", content: "Hello?" }] });
}

test("everything is reached by the keyboard: skip link, pages, search, rows, detail and back", async () => {
  const { page, complaints, close } = await open();
  await page.goto("/");
  await page.getByRole("heading", { name: "Traffic" }).waitFor();
  await page.keyboard.press("Tab");
  expect(await focused(page)).toBe("Skip to the content");
  await page.keyboard.press("Enter");
  await page.keyboard.press("2");
  await page.getByRole("grid", { name: "Chains" }).waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("researcher");
  await page.waitForURL(/q=researcher/);
  const rows = page.getByRole("grid").getByRole("row");
  await rows.nth(1).waitFor();
  await rows.nth(1).focus();
  await page.keyboard.press("Enter");
  const tree = page.getByRole("treegrid");
  await tree.waitFor();
  await tree
    .getByRole("row", { name: /researcher/ })
    .first()
    .focus();
  const before = await tree.getByRole("row").count();
  await page.keyboard.press("ArrowLeft");
  await expect.poll(() => tree.getByRole("row").count()).toBeLessThan(before);
  await page.keyboard.press("ArrowRight");
  await expect.poll(() => tree.getByRole("row").count()).toBe(before);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.getByRole("region", { name: "Detail of the call" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("region", { name: "Detail of the call" }).waitFor({ state: "detached" });
  await page.goBack();
  await page.getByRole("grid", { name: "Chains" }).waitFor();
  expect(new URL(page.url()).searchParams.get("q")).toBe("researcher");
  expect(complaints).toEqual([]);
  await close();
});

test("new chains come in by themselves, and never under somebody's hands", async () => {
  const { page, complaints, close } = await open();
  await page.goto("/chains");
  const status = page.getByText(/^\d+ chains/);
  await status.waitFor();
  const before = await status.innerText();
  await ask("small");
  await expect.poll(() => status.innerText(), { timeout: 15_000 }).not.toBe(before);
  // Inside the list: what is new waits above it, and focus and rows stay.
  const first = page.getByRole("grid").getByRole("row").nth(1);
  await first.focus();
  const [name, rows] = [await focused(page), await status.innerText()];
  await ask("small");
  await page.getByRole("button", { name: /Show 1 new chain/ }).waitFor({ timeout: 15_000 });
  await picture(page, "chains-waiting");
  expect([await focused(page), await status.innerText()]).toEqual([name, rows]);
  await page.getByRole("button", { name: /Show 1 new chain/ }).click();
  await expect.poll(() => status.innerText()).not.toBe(rows);
  expect(complaints).toEqual([]);
  await close();
});

test("a page that may not look on, because too many of its session do, says so and is live when there is room", async () => {
  const vera = await signIn(browser, gateway.adminUrl, "vera");
  const cookie = vera.cookies.map(({ name, value }) => `${name}=${value}`).join("; ");
  const enough = new AbortController();
  const look = async (): Promise<number> =>
    (await fetch(`${gateway.adminUrl}/api/live`, { headers: { cookie }, signal: enough.signal })).status;
  // The page that signed in may still have its stream.
  const asked = await Promise.all(Array.from({ length: 7 }, look));
  expect(asked.filter((status) => status === 200).length).toBeGreaterThan(4);
  const { page, close } = await openPage(browser, gateway.adminUrl, undefined, vera);
  await page.goto("/");
  await page.getByText(/^Not live/).waitFor();
  expect(await page.getByText(/look on already; close one/).count()).toBe(1);
  await picture(page, "not-live");
  enough.abort();
  await page.getByText("Live", { exact: true }).waitFor({ timeout: 35_000 });
  await close();
});

test("a rule is tried on recorded calls before it is written, and a wrong one is marked", async () => {
  const { page, close } = await open();
  await page.goto("/policies");
  const expression = page.getByLabel("Expression (CEL)");
  await expression.fill('llm.model == "small"');
  await page.getByRole("button", { name: "Try it" }).click();
  const result = page.getByText(/^Of [\d,]+ calls: /);
  await result.waitFor();
  expect(Number(/([\d,]+) newly denied/.exec(await result.innerText())?.[1])).toBeGreaterThan(5);
  await picture(page, "policies-tried");
  await expression.fill('lmm.model == "small"');
  await page.getByRole("button", { name: "Try it" }).click();
  const problem = page.getByRole("alert").filter({ hasText: "lmm" });
  await problem.waitFor();
  expect(await expression.getAttribute("aria-describedby")).toBe(await problem.getAttribute("id"));
  await picture(page, "policies-wrong");
  await expression.fill('principal.groups[9] == "analyst"');
  await page.getByRole("button", { name: "Try it" }).click();
  await page.getByText(/^The expression fails on \d+ calls\. A rule that fails lets nothing pass\.$/).waitFor();
  await page.evaluate("scrollTo(0, document.body.scrollHeight)");
  await picture(page, "policies-failing");
  await close();
});

test("an operator drains an endpoint and makes a key that works; a viewer is offered neither", async () => {
  const { page, complaints, close } = await open();
  await page.goto("/models");
  const drain = page.getByRole("button", { name: /^Drain / }).first();
  await drain.click();
  await page.getByRole("button", { name: /^Undrain / }).waitFor();
  await picture(page, "models-draining");
  await page.getByRole("button", { name: /^Undrain / }).click();
  await page.getByRole("button", { name: /^Undrain / }).waitFor({ state: "detached" });
  await page.goto("/connect");
  await page.getByLabel("Name of the key").fill("notebook");
  await page.getByLabel("Groups (optional)").fill("analyst");
  await page.getByRole("button", { name: "Make a key for 30 days" }).click();
  const line = await page.getByRole("region", { name: "the line with the key" }).innerText();
  const key = /SALLYPORT_KEY=(\S+)/.exec(line)?.[1] ?? "";
  const openai = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: key, maxRetries: 0 });
  expect((await openai.models.list()).data.map(({ id }) => id)).toContain("small");
  expect(complaints).toEqual([]);
  await close();

  const vera = await openPage(browser, gateway.adminUrl, undefined, await signIn(browser, gateway.adminUrl, "vera"));
  await vera.page.goto("/models");
  await vera.page.getByRole("heading", { name: "Endpoints" }).waitFor();
  expect(await vera.page.getByRole("button", { name: /rain / }).count()).toBe(0);
  await vera.page.goto("/connect");
  await vera.page.getByRole("heading", { name: "2. A program" }).waitFor();
  expect(await vera.page.getByRole("button", { name: "Make a key for 30 days" }).count()).toBe(0);
  expect(vera.complaints).toEqual([]);
  await vera.close();
});

test("who has no role here is told so, and may try as somebody else", async () => {
  const { page, close } = await openPage(browser, gateway.adminUrl);
  await page.goto("/chains");
  await page.getByRole("link", { name: "Sign in", exact: true }).click();
  await page.locator('input[name="name"]').fill("nora");
  await page.locator('input[name="password"]').fill("nora-password");
  await page.locator('button[value="login"]').click();
  await page.getByRole("alert").filter({ hasText: "have no role" }).waitFor();
  expect(await page.getByRole("link", { name: "Sign in", exact: true }).count()).toBe(1);
  await picture(page, "sign-in-no-role");
  await close();
});

test("when the session has ended the page says so, keeps what it shows, and leads back to the same place", async () => {
  const { page, close } = await open();
  await page.goto("/?window=15m");
  await page.getByRole("heading", { name: "Traffic" }).waitFor();
  await page.context().clearCookies();
  await page.getByRole("alert").filter({ hasText: "session has ended" }).first().waitFor();
  await picture(page, "session-ended");
  await page.getByRole("button", { name: "Sign in again" }).first().click();
  await page.getByRole("link", { name: "Sign in", exact: true }).waitFor();
  expect(new URL(page.url()).searchParams.get("window")).toBe("15m");
  await close();
});

const MANY = 10_000;

test("ten thousand chains scroll with few rows drawn, and the last is reached", { timeout: 180_000 }, async () => {
  const token = await gateway.token();
  const body = JSON.stringify({ model: "large", messages: [{ role: "user", content: "?" }] });
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  for (let made = 0; made < MANY; made += 20)
    await Promise.all(
      Array.from({ length: 20 }, async () =>
        (await fetch(`${gateway.url}/v1/chat/completions`, { method: "POST", headers, body })).arrayBuffer(),
      ),
    );
  const { page, complaints, close } = await open();
  await page.goto("/chains");
  const grid = page.getByRole("grid", { name: "Chains" });
  await grid.waitFor();
  await expect
    .poll(async () => Number(await grid.getAttribute("aria-rowcount")), { timeout: 20_000 })
    .toBeGreaterThan(MANY);
  await grid.getByRole("row").nth(1).focus();
  for (let ends = 0; ends < 60; ends++) {
    await page.keyboard.press("End");
    const last = await page.evaluate<number>("Number(document.activeElement?.getAttribute('aria-rowindex'))");
    if (last > MANY) break;
    await delay(150);
  }
  expect(await page.evaluate<number>("Number(document.activeElement?.getAttribute('aria-rowindex'))")).toBeGreaterThan(
    MANY,
  );
  expect(await grid.getByRole("row").count()).toBeLessThan(80);
  await picture(page, "chains-ten-thousand");
  expect(complaints).toEqual([]);
  await close();
});

test(
  "a gateway that goes away is told from one without traffic, and its coming back is noticed",
  { timeout: 120_000 },
  async () => {
    const { page, close } = await open();
    await page.goto("/");
    await page.getByRole("heading", { name: "Traffic" }).waitFor();
    await gateway.stop();
    await page.getByRole("alert").filter({ hasText: "does not answer" }).first().waitFor();
    expect(await page.getByRole("heading", { name: "Traffic" }).count()).toBe(1);
    await picture(page, "gateway-away");
    gateway = await startConsole({ dataDir, port: Number(new URL(gateway.url).port) });
    await page.getByRole("alert").filter({ hasText: "does not answer" }).first().waitFor({ state: "detached" });
    await expect.poll(() => page.getByText("Live", { exact: true }).count(), { timeout: 35_000 }).toBe(1);
    await close();
  },
);
