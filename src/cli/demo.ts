import { join } from "node:path";
import { defineCommand } from "./command.ts";
import type { Stage } from "./demo/scene.ts";
import { scenes } from "./demo/scenes.ts";
import { checkout } from "./quickstart-place.ts";
import { startQuickstartProcess } from "./quickstart-process.ts";

/* The quickstart's, and what is too strict for a newcomer. */
const CONFIG = "sallyport.demo.yaml";

class DemoFailure extends Error {
  override readonly name = "DemoFailure";
}

export const demoCommand = defineCommand({
  usage: "",
  options: {},
  async run({ out, err }) {
    out("Starting a gateway with sample tools, agents and models, on ports and in a folder of its own …");
    const gateway = await startQuickstartProcess({ config: join(checkout, CONFIG) });
    const stage: Stage = {
      gateway,
      tell: (line) => out(`   ${line}`),
      check(holds, sentence) {
        if (!holds) throw new DemoFailure(sentence);
        out(`   ✓ ${sentence}`);
      },
    };
    try {
      for (const [index, scene] of scenes.entries()) {
        out("");
        out(`${index + 1}. ${scene.title}`);
        await scene.play(stage);
      }
      out("");
      out(
        `All of it was configured by ${CONFIG}. \`npm start\` runs one like it for you to try; README.md goes on from there.`,
      );
      out(`demo: ${scenes.length}/${scenes.length} scenes passed`);
      return 0;
    } catch (thrown) {
      err(`   ✗ ${thrown instanceof Error ? thrown.message : String(thrown)}`);
      if (!(thrown instanceof DemoFailure)) err(gateway.output().split("\n").slice(-20).join("\n"));
      return 1;
    } finally {
      await gateway.stop();
    }
  },
});
