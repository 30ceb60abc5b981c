import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { QuickstartProcess } from "../../../src/cli/quickstart-process.ts";
import { makeTraffic, signIn, startConsole } from "./browser-scene.ts";
import { openBrowser, openPage, picture, type SignedIn } from "./console-browser.ts";

let gateway: QuickstartProcess;
let browser: Browser;
let olga: SignedIn;

beforeAll(async () => {
  [gateway, browser] = await Promise.all([startConsole(), openBrowser()]);
  olga = await signIn(browser, gateway.adminUrl, "olga");
}, 90_000);
afterAll(async () => {
  await browser.close();
  expect(await gateway.stop()).toBe(0);
});

const LIMIT_BYTES = 200_000;

test("a first start says what to do next, and shows the first call without being asked", async () => {
  const { page, complaints, close } = await openPage(browser, gateway.adminUrl, undefined, olga);
  await page.goto("/");
  await page.getByRole("heading", { name: "No calls yet in this time" }).waitFor();
  await picture(page, "overview-empty");
  await page.getByRole("link", { name: "Chains", exact: true }).click();
  await page.getByRole("heading", { name: "No chains yet" }).waitFor();
  await picture(page, "chains-empty");
  await page.getByRole("link", { name: "Overview", exact: true }).click();
  await makeTraffic(gateway);
  await page.getByRole("heading", { name: "Traffic" }).waitFor();
  expect(complaints).toEqual([]);
  await close();
});

test("the first view is less than 200 kB as it is sent, and less than that unpacked", async () => {
  const { page, complaints, transferred, close } = await openPage(browser, gateway.adminUrl, undefined, olga);
  let unpacked = 0;
  page.on("response", (response) => {
    if (!response.url().includes("/api/")) void response.body().then((body) => (unpacked += body.length));
  });
  await page.goto("/");
  await page.getByRole("heading", { name: "Traffic" }).waitFor();
  await page.waitForLoadState("load");
  const sent = [...(await transferred()).values()].reduce((sum, bytes) => sum + bytes, 0);
  console.log(`first view: ${sent} bytes sent, ${unpacked} unpacked without what the API answers`);
  expect(sent).toBeGreaterThan(10_000);
  expect(sent).toBeLessThan(LIMIT_BYTES);
  expect(unpacked).toBeGreaterThan(sent / 2);
  expect(unpacked).toBeLessThan(LIMIT_BYTES);
  expect(complaints).toEqual([]);
  await close();
});

test("the policy of the pages lets no script in that is not theirs, nor markup made of strings", async () => {
  const { page, close } = await openPage(browser, gateway.adminUrl, undefined, olga);
  const policy = (await page.goto("/"))?.headers()["content-security-policy"] ?? "";
  expect(policy).toContain("require-trusted-types-for 'script'");
  expect(policy).not.toMatch(/unsafe|\*|https?:/);
  await page.getByRole("heading", { name: "Traffic" }).waitFor();
  const tried = await page.evaluate<readonly string[]>(`[
    () => { document.body.innerHTML = "<p>x</p>"; },
    () => { const script = document.createElement("script"); script.text = "window.inside = 1"; document.body.append(script); },
  ].map((attempt) => { try { attempt(); return "passed"; } catch { return "refused"; } })`);
  expect(tried).toEqual(["refused", "refused"]);
  await close();
});
