import { silentLog } from "../../src/core/log.ts";
import { createUpstream } from "../../src/http/undici-upstream.ts";
import { milvus } from "../../src/inference/cache/vectors/milvus.ts";
import { createTestClock } from "../state/test-clock.ts";
import { describeReplicas } from "./replicas.contract.ts";
import { describeVectors } from "./vectors.contract.ts";

describeVectors("Milvus", async () => {
  const clock = createTestClock();
  const upstream = createUpstream({ egress: { allow: [], connections: 8, connectTimeout: 2_000 } });
  const vectors = milvus.create(
    {
      address: `127.0.0.1:${process.env["SALLYPORT_CONTRACT_PORT"]}`,
      tls: false,
      token: undefined,
      database: undefined,
      collection: "contract",
      consistency: "Strong",
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

describeReplicas("Milvus", {
  milvus: {
    address: `127.0.0.1:${process.env["SALLYPORT_CONTRACT_PORT"]}`,
    collection: "replicas",
    consistency: "Strong",
    timeout: "2s",
  },
});
