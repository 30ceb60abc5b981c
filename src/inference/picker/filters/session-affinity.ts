import { hashText } from "../block-chain.ts";
import { defineFilter } from "../filter.ts";
import { rendezvous } from "../rendezvous.ts";

export const sessionAffinityFilter = defineFilter({
  type: "session-affinity-filter",
  description: "Keeps the one endpoint that belongs to the request's session, however busy it is.",
  options: {},
  create: () => ({
    filter(scene) {
      const { session } = scene.request;
      if (session === undefined) return;
      scene.candidates[0] = scene.candidates[rendezvous(scene, hashText(session))]!;
      scene.count = 1;
    },
  }),
});
