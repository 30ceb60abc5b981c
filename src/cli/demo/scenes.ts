import { agentsScene } from "./agents-scene.ts";
import { budgetScene } from "./budget-scene.ts";
import { cacheScene } from "./cache-scene.ts";
import { cheaperModelScene } from "./cheaper-model-scene.ts";
import { dialectsScene } from "./dialects-scene.ts";
import { identityScene } from "./identity-scene.ts";
import { injectionScene } from "./injection-scene.ts";
import { journalScene } from "./journal-scene.ts";
import { keysScene } from "./keys-scene.ts";
import { loopScene } from "./loop-scene.ts";
import { maskingScene } from "./masking-scene.ts";
import { modelsScene } from "./models-scene.ts";
import { poolScene } from "./pool-scene.ts";
import type { Scene } from "./scene.ts";
import { routingScene } from "./routing-scene.ts";
import { toolsScene } from "./tools-scene.ts";
import { weekendScene } from "./weekend-scene.ts";

/** The walk, in order. */
export const scenes: readonly Scene[] = [
  identityScene,
  keysScene,
  toolsScene,
  modelsScene,
  dialectsScene,
  maskingScene,
  injectionScene,
  budgetScene,
  cheaperModelScene,
  cacheScene,
  poolScene,
  routingScene,
  agentsScene,
  journalScene,
  loopScene,
  weekendScene,
];
