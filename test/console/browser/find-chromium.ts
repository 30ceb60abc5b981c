import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const elsewhere = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

const canRun = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** The Chromium that `CHROME_PATH` names, else one that is on the machine. */
export function findChromium(): string | undefined {
  const named = process.env["CHROME_PATH"];
  if (named !== undefined && named !== "") return canRun(named) ? named : undefined;
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/bin", "/usr/local/bin", "/snap/bin"];
  return [...folders.flatMap((folder) => names.map((name) => join(folder, name))), ...elsewhere].find(canRun);
}

/** How to get one, in one line. */
export const howToGetChromium =
  "sudo apt-get install -y --no-install-recommends chromium (or name a Chromium or Chrome in CHROME_PATH)";
