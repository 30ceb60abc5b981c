import { defineConfig } from "vitest/config";

/* The console in a real browser: test/run.ts and test/console/run.ts say where one is. */
const inBrowser = process.env["CHROME_PATH"] === undefined ? [] : ["test/console/browser/*.story.ts"];

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts", ...inBrowser],
    pool: "forks",
    /* The tests start real servers; more of them at one time on two cores only makes them wait for each other. */
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    dangerouslyIgnoreUnhandledErrors: false,
  },
});
