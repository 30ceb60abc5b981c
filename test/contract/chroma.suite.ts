import { silentLog } from "../../src/core/log.ts";
import { createUpstream } from "../../src/http/undici-upstream.ts";
import { chroma } from "../../src/inference/cache/vectors/chroma.ts";
import { createTestClock } from "../state/test-clock.ts";
import { describeReplicas } from "./replicas.contract.ts";
import { describeVectors } from "./vectors.contract.ts";

describeVectors("Chroma", async () => {
  const clock = createTestClock();
  const upstream = createUpstream({ egress: { allow: [], connections: 8, connectTimeout: 2_000 } });
  const vectors = chroma.create(
    {
      url: `http://127.0.0.1:${process.env["SALLYPORT_CONTRACT_PORT"]}`,
      token: undefined,
      tenant: "default_tenant",
      database: "default_database",
      collection: "contract",
    },
    { space: "contract", maxEntries: 1_000, upstream, clock, log: silentLog },
  );
  return {
    vectors,
    nowMs: clock.now,
    pass: clock.pass,
    async close() {
      await vectors.close();
      await upstream.close();
    },
  };
});

describeReplicas("Chroma", {
  chroma: { url: `http://127.0.0.1:${process.env["SALLYPORT_CONTRACT_PORT"]}`, collection: "replicas", timeout: "2s" },
});
