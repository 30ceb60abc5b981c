import { agentsScene } from "./agents-scene.ts";
import { identityScene } from "./identity-scene.ts";
import { journalScene } from "./journal-scene.ts";
import { keysScene } from "./keys-scene.ts";
import { modelsScene } from "./models-scene.ts";
import type { Scene } from "./scene.ts";
import { toolsScene } from "./tools-scene.ts";

/** The walk, in order. */
export const scenes: readonly Scene[] = [identityScene, toolsScene, modelsScene, agentsScene, journalScene, keysScene];
