import { startVitest } from "vitest/node";
import { type ClientPackage, missingClient } from "../../src/inference/cache/vectors/load-client.ts";
import { startPythonServer, type PythonServer } from "./python-server.ts";

/* The servers of vector stores are Python packages: too much for every run of the tests, so that their contract has a command. */
const servers: Readonly<Record<string, PythonServer & { readonly client: ClientPackage }>> = {
  chroma: {
    client: "chromadb",
    module: "chromadb",
    install: "pip install chromadb",
    program: "from chromadb.cli.cli import app; app()",
    args: (port, dir) => ["run", "--host", "127.0.0.1", "--port", String(port), "--path", dir],
  },
  milvus: {
    client: "@zilliz/milvus2-sdk-node",
    module: "milvus_lite",
    install: "pip install milvus-lite pymilvus",
    program: "from milvus_lite.cmdline import main; main()",
    args: (port, dir) => ["server", "--host", "127.0.0.1", "--port", String(port), "--data-dir", dir],
  },
};

const name = process.argv[2] ?? "";
const server = servers[name];
if (server === undefined) {
  console.error(`npm run contract -- ${Object.keys(servers).join("|")}`);
  process.exit(2);
}
const missing = missingClient(server.client);
if (missing !== undefined) {
  console.error(`contract ${name}: ${missing.replace("npm install", "npm install --no-save")}`);
  process.exit(1);
}
const running = await startPythonServer(server);
if (typeof running === "string") {
  console.error(`contract ${name}: ${running}`);
  process.exit(1);
}
try {
  process.env["SALLYPORT_CONTRACT_PORT"] = String(running.port);
  const vitest = await startVitest("test", [], {
    include: [`test/contract/${name}.suite.ts`],
    watch: false,
    testTimeout: 120_000,
  });
  const modules = vitest.state.getTestModules();
  const tests = modules.flatMap((module) => [...module.children.allTests()]);
  const passed = tests.filter((test) => test.result().state === "passed").length;
  await vitest.close();
  console.log(`contract ${name}: ${passed}/${tests.length} passed`);
  process.exitCode = passed === tests.length && passed > 0 ? 0 : 1;
} finally {
  await running.stop();
}
