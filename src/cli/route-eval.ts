import { writeFileSync } from "node:fs";
import { drawSvg } from "../inference/routing/evaluation/draw-svg.ts";
import { drawText } from "../inference/routing/evaluation/draw-text.ts";
import { evaluateRouting } from "../inference/routing/evaluation/evaluate-routing.ts";
import { parseLabelled } from "../inference/routing/evaluation/labelled-file.ts";
import { defineCommand } from "./command.ts";
import { readText } from "./read-text.ts";

/* With fewer, the interval is wider than any lead that was ever seen. */
const FEW_ROWS = 400;

export const routeEvalCommand = defineCommand({
  usage: "FILE [--svg FILE] [--json]",
  args: [1, 1],
  options: {
    svg: { type: "string", value: "FILE", description: "draws the quality-cost curves into this file, too" },
    json: { type: "boolean", description: "prints the report as JSON, with every point of the curves" },
  },
  run({ args: [file = ""], options: { svg, json }, out, err }) {
    const report = evaluateRouting(parseLabelled(readText(file)));
    if (report === undefined) {
      err(
        `sallyport: ${file} has too few prompts: half of them are fitted on and the others reported, and one half is empty`,
      );
      return 1;
    }
    if (svg !== undefined) writeFileSync(svg, drawSvg(report));
    out(json ? JSON.stringify(report) : drawText(report).trimEnd());
    if (report.heldRows < FEW_ROWS)
      err(`sallyport: ${report.heldRows} prompts to report on are few; these figures are chance in good part`);
    return 0;
  },
});
